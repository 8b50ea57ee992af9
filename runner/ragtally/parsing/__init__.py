"""The answer parser: raw text of a reader to a declared answer, an open one, or to "unparsed"; never a guess."""

from ragtally.parsing.answer import ParseResult, parse
from ragtally.parsing.claims import Reason
from ragtally.parsing.labels import twins
from ragtally.parsing.open_answer import parse_open

__all__ = ["ParseResult", "Reason", "parse", "parse_open", "twins"]
