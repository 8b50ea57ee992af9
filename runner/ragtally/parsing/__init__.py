"""The answer parser: raw text of a reader to one of the declared answers, or to "unparsed"; never a guess."""

from ragtally.parsing.answer import Parsed, Reason, parse, parse_ballot

__all__ = ["Parsed", "Reason", "parse", "parse_ballot"]
