"""The answer parser: raw text of a reader to one of the declared answers, or to "unparsed"; never a guess."""

from ragtally.parsing.answer import ParseResult, parse
from ragtally.parsing.claims import Reason
from ragtally.parsing.labels import twins

__all__ = ["ParseResult", "Reason", "parse", "twins"]
