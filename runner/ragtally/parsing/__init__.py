"""The answer parser: raw text of a reader to one of the declared answers, or to "unparsed"; never a guess."""

from ragtally.parsing.answer import ParseResult, Reason, parse, parse_ballot

__all__ = ["ParseResult", "Reason", "parse", "parse_ballot"]
