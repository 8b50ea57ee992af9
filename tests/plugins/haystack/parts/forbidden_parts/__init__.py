"""A package that nobody allowed: importing it must never happen."""

raise AssertionError("a package that is not allowed was imported")
