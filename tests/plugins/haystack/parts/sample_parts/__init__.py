"""Haystack components that do what real ones do at their worst; tests allow the package and put it on the path."""
