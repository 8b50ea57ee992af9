"""A file in the form of SQuAD as a dataset."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ragtally import DataError, DatasetBatch, Documents, Evidence, Location, Questions, derive_seed
from ragtally.support.unique_keys import unique_keys

SPLIT = "all"
LEFT_OUT = "paragraphs left out of the corpus"
_FORM = "it is {data: [{paragraphs: [{context, qas: [{id, question, answers: [{text, answer_start}]}]}]}]}"


class _Paragraph(NamedTuple):
    id: str
    context: str
    questions: list[_Question]


class _Question(NamedTuple):
    id: str
    text: str
    spans: dict[tuple[int, int], str]  # The references by where they stand


class Squad:
    """Open questions, with the paragraphs that hold their answers."""

    answers: tuple[str, ...] = ()
    splits = (SPLIT,)
    labelled = False

    def __init__(self, path: str, *, evidence: str, leave_out: float, seed: int) -> None:
        self._path, self._evidence = path, evidence
        self._leave_out, self._seed = leave_out, seed

    def batches(self) -> Iterator[DatasetBatch]:
        """Yield an article at a time."""
        articles = [list(self._paragraphs(number, article)) for number, article in enumerate(self._articles())]
        left_out = self._left_out([paragraph.id for paragraphs in articles for paragraph in paragraphs])
        for paragraphs in articles:
            yield self._batch(paragraphs, left_out)

    def _left_out(self, names: Sequence[str]) -> frozenset[str]:
        # The seeded hashes that are smallest, so that a larger share holds the smaller one.
        order = sorted(names, key=lambda name: derive_seed(self._seed, "left out", name))
        return frozenset(order[: round(self._leave_out * len(names))])

    def _batch(self, paragraphs: Sequence[_Paragraph], left_out: frozenset[str]) -> DatasetBatch:
        corpus = [paragraph for paragraph in paragraphs if paragraph.id not in left_out]
        texts = [paragraph.context for paragraph in corpus]
        rows = [(paragraph, question) for paragraph in paragraphs for question in paragraph.questions]
        spans = [
            (question.id, paragraph.id, *span)
            for paragraph, question in rows
            if paragraph.id not in left_out
            for span in self._spans(paragraph, question)
        ]
        absent = len(paragraphs) - len(corpus)
        return DatasetBatch(
            Documents([each.id for each in corpus], texts, [[0]] * len(texts), [[len(text)] for text in texts]),
            Questions(
                id=[question.id for _, question in rows],
                text=[question.text for _, question in rows],
                label=[None] * len(rows),
                split=[SPLIT] * len(rows),
                references=[
                    [] if paragraph.id in left_out else list(dict.fromkeys(question.spans.values()))
                    for paragraph, question in rows
                ],
            ),
            Evidence(*map(list, zip(*spans, strict=True))) if spans else Evidence([], [], [], []),
            {LEFT_OUT: absent} if absent else {},
        )

    def _spans(self, paragraph: _Paragraph, question: _Question) -> list[tuple[int, int]]:
        whole = [(0, len(paragraph.context))]
        return whole if question.spans and self._evidence == "paragraph" else sorted(question.spans)

    def _articles(self) -> list[Any]:
        path = Path(self._path).expanduser()
        try:
            content = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=unique_keys)
        except OSError as error:
            raise unreadable(self._path, error) from error
        except ValueError as error:
            raise self._wrong(f"it is no JSON: {error}") from error
        return _list(content, "data", self._wrong)

    def _paragraphs(self, number: int, article: Any) -> Iterator[_Paragraph]:
        for place, paragraph in enumerate(_list(article, "paragraphs", self._wrong, f"data[{number}]")):
            where = f"data[{number}].paragraphs[{place}]"
            context = _text(paragraph, "context", where, self._wrong)
            questions = [
                self._question(qa, context, f"{where}.qas[{row}]")
                for row, qa in enumerate(_list(paragraph, "qas", self._wrong, where))
            ]
            yield _Paragraph(f"{number}-{place}", context, questions)

    def _question(self, qa: Any, context: str, where: str) -> _Question:
        identifier, text = (_text(qa, key, where, self._wrong) for key in ("id", "question"))
        spans: dict[tuple[int, int], str] = {}
        is_impossible = isinstance(qa, Mapping) and qa.get("is_impossible") is True
        for row, answer in enumerate([] if is_impossible else _list(qa, "answers", self._wrong, where)):
            at = f"{where}.answers[{row}]"
            words = _text(answer, "text", at, self._wrong)
            start = answer.get("answer_start")
            if type(start) is not int or context[start : start + len(words)] != words:
                message = f"{at} of question {identifier!r}: {words[:60]!r} does not stand at answer_start {start!r}"
                raise self._wrong(message, "count characters from 0 in the paragraph's context")
            spans[start, start + len(words)] = words
        return _Question(identifier, text, spans)

    def _wrong(self, message: str, hint: str = _FORM) -> DataError:
        return DataError(message, location=Location(self._path), hint=hint)


def unreadable(path: str, error: OSError) -> DataError:
    """The error for a file that cannot be read."""
    return DataError(
        f"the questions cannot be read: {error.strerror}",
        location=Location(path),
        hint=f"paths are relative to the folder the command runs in, now {Path.cwd()}",
    )


def _list(value: Any, key: str, wrong: Any, where: str = "the file") -> list[Any]:
    items = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(items, list):
        raise wrong(f"{where} has no list {key!r}")
    return items


def _text(value: Any, key: str, where: str, wrong: Any) -> str:
    text = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(text, str) or not text.strip():
        raise wrong(f"{where} has no text {key!r}")
    return text
