"""Where the answers stand: quotes, pages and documents that the questions name, as spans of the corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ragtally import DataError, Evidence, Part, QuoteMatch, Quotes
from ragtally_table.documents import Corpus, CorpusDocument, Names
from ragtally_table.questions import QuestionTable, TableQuestion
from ragtally_table.quotes import Match
from ragtally_table.rows import MOST_ERRORS, raise_first

NO_EVIDENCE = "questions without evidence"
LOST_QUOTES = "quotes that are not in their documents"
LOST_DOCUMENTS = "documents that questions name and that are not there"
LOST_PAGES = "pages that questions name and that are not there"
UNREADABLE_EVIDENCE = "evidence in files that cannot be read"
SEVERAL_PLACES = "quotes that stand in several places, of which the first counts"
LOST = (LOST_QUOTES, LOST_DOCUMENTS, LOST_PAGES)
_REMEDY = "on_missing_evidence: skip leaves such evidence out, and counts it"


class Span(NamedTuple):
    """A piece of evidence."""

    question: str
    document: str
    start: int
    end: int


class QuoteFind(NamedTuple):
    """What became of a quote, or of a page or document that stands for one."""

    question: str
    text: str
    match: QuoteMatch
    similarity: float | None
    fault: str | None = None
    place: str | None = None


@dataclass
class EvidenceSearch:
    """Looks for the evidence of all questions."""

    questions: QuestionTable
    corpus: Corpus
    skip_missing: bool
    similarity: float | None = None  # How alike words must be to count as a quote; None where only its own count
    by_parser: bool = False  # Whether what is lost is a loss of the parser, and no error
    left_out: Counter[str] = field(default_factory=Counter)
    errors: list[DataError] = field(default_factory=list)
    finds: list[QuoteFind] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._names = Names(self.corpus)

    def evidence(self) -> Evidence:
        """The evidence of all questions; raises an error for what is missing, unless that is to be skipped."""
        spans: list[Span] = []
        for question in self.questions.questions:
            finds = len(self.finds)
            own = list(dict.fromkeys(self._of_question(question)))
            self.left_out[NO_EVIDENCE] += not own and len(self.finds) == finds
            spans += own
        raise_first(self.errors, _REMEDY)
        columns = [list(column) for column in zip(*spans, strict=True)] or [[], [], [], []]
        return Evidence(*columns)

    def quotes(self) -> Quotes:
        """What became of the quotes of all questions."""
        columns = [list(column) for column in zip(*self.finds, strict=True)] or [[], [], [], [], [], []]
        return Quotes(*columns)

    def _of_question(self, question: TableQuestion) -> Iterator[Span]:
        documents, unreadable = self._documents(question)
        if documents is None:
            return
        if unreadable and not documents:
            if self.by_parser:
                for text in question.quotes or question.pages or question.documents:
                    self.finds.append(QuoteFind(question.id, text, "lost", None))
            else:
                self.left_out[UNREADABLE_EVIDENCE] += 1
            return
        if question.quotes:
            for quote in question.quotes:
                yield from self._of_quote(question, quote, documents)
        elif question.pages:
            yield from self._of_pages(question, documents)
        elif question.documents:
            for document in documents:
                text = document.text
                self.finds.append(QuoteFind(question.id, document.id, "verbatim", 1.0))
                yield Span(question.id, document.id, len(text) - len(text.lstrip()), len(text.rstrip()))

    def _documents(self, question: TableQuestion) -> tuple[Sequence[CorpusDocument] | None, bool]:
        """The documents that a question names, all of them where it names none; and whether some cannot be read."""
        if not question.documents:
            return self.corpus.documents, False
        documents: list[CorpusDocument] = []
        unreadable = False
        for name in question.documents:
            # A cell may name several; a name may hold the sign that stands between them.
            whole = self._names.find(name)
            for one in [name] if whole else [piece.strip() for piece in name.replace("\n", ";").split(";")]:
                file = whole or self._names.find(one)
                if file is None:
                    message = f"names {one!r}, which is no document"
                    self._miss(question, "document", LOST_DOCUMENTS, message, self._names.hint(one))
                    return None, False
                documents += self._names.documents(file)
                unreadable |= file in self.corpus.unreadable
        return documents, unreadable

    def _of_quote(self, question: TableQuestion, quote: str, documents: Sequence[CorpusDocument]) -> Iterator[Span]:
        places = self._places(question, quote, documents) or self._alike(quote, documents)
        if places:
            document, match = places[0]
            self.left_out[SEVERAL_PLACES] += len(places) > 1 or not match.is_unique
            self.finds.append(QuoteFind(question.id, quote, match.how, match.similarity))
            yield Span(question.id, document.id, match.start, match.end)
            return
        short = quote if len(quote) <= 60 else f"{quote[:57]}..."
        where = "no document" if not question.documents else f"{', '.join(question.documents)}: it is not there"
        message = f"quotes {short!r} from {where}" if question.documents else f"quotes {short!r}, which is in {where}"
        self._miss(question, "evidence", LOST_QUOTES, message, self._quote_hint(quote, documents), quote)

    def _places(
        self, question: TableQuestion, quote: str, documents: Sequence[CorpusDocument]
    ) -> list[tuple[CorpusDocument, Match]]:
        """The first place of a quote in each document and part; on the page that the question names, where it is."""
        for on_page in (True, False) if question.pages else (False,):
            places = [
                (document, match)
                for document in documents
                for part in (_parts(document, question.pages) if on_page else (None,))
                if (match := document.searchable.find(quote, *((part.start, part.end) if part else ())))
            ]
            if places:
                return places
        return []

    def _alike(self, quote: str, documents: Sequence[CorpusDocument]) -> list[tuple[CorpusDocument, Match]]:
        """The words most like a quote that stands nowhere as it is."""
        if self.similarity is None:
            return []
        places = [
            (document, match)
            for document in documents
            if (match := document.searchable.align(quote, self.similarity)) is not None
        ]
        return sorted(places, key=lambda place: -place[1].similarity)[:1]

    def _quote_hint(self, quote: str, scope: Sequence[CorpusDocument]) -> str:
        # Looking through the whole corpus for every lost quote could take hours; for those shown it does not.
        if len(self.errors) < MOST_ERRORS and len(scope) < len(self.corpus.documents):
            elsewhere = next((one for one in self.corpus.documents if one.searchable.find(quote)), None)
            if elsewhere is not None:
                return f"it is in {elsewhere.id}: name that document"
        return "copy the words from the document as they stand there"

    def _of_pages(self, question: TableQuestion, documents: Sequence[CorpusDocument]) -> Iterator[Span]:
        if not question.documents:
            message = "names a page, and no column says of which document"
            self._miss(question, "page", LOST_PAGES, message, "name a column of documents as `columns.document`")
            return
        for page in question.pages:
            spans = [(document, part) for document in documents for part in _parts(document, [page])]
            if not spans:
                name = question.documents[0]
                kinds = sorted({part.kind for document in documents for part in document.parts})
                has = f"it has {' and '.join(kinds)}s" if kinds else "it has no pages"
                message = f"names {page!r}, which {name} has not"
                hint = f"{has}; name one of them, or leave the cell empty"
                self._miss(question, "page", LOST_PAGES, message, hint, page)
            for document, part in spans:
                self.finds.append(QuoteFind(question.id, page, "verbatim", 1.0))
                yield Span(question.id, document.id, part.start, part.end)

    def _miss(
        self, question: TableQuestion, key: str, what: str, message: str, hint: str, quote: str | None = None
    ) -> None:
        """Note what is not there; a quote or page that is given may be the loss of a parser."""
        is_loss = self.by_parser and quote is not None
        if self.skip_missing and not is_loss:
            self.left_out[what] += 1
            return
        error = self.questions.table.wrong(question.row.number, self.questions.places[key], message, hint)
        if not is_loss:
            self.errors.append(error)
        elif self.skip_missing:
            self.finds.append(QuoteFind(question.id, quote or "", "lost", None))
        else:
            self.finds.append(QuoteFind(question.id, quote or "", "lost", None, error.message, str(error.location)))


def _parts(document: CorpusDocument, names: Sequence[str]) -> list[Part]:
    return [part for part in document.parts if part.name in names]
