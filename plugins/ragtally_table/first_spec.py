"""What `ragtally new --questions --documents` writes: columns guessed and tried, with all that was taken and left."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ragtally import DataError, Location, Starter
from ragtally_table.dataset import TableDataset
from ragtally_table.documents import Corpus, Names, is_table
from ragtally_table.evidence import LOST, NO_EVIDENCE
from ragtally_table.guess import DOCUMENT_KEYS, QUESTION_KEYS, Guess, column_words, guess_columns, guess_language
from ragtally_table.questions import KEYS, QuestionTable

_TRAIN = ("train", "training", "treino", "treinamento", "entrenamiento")
_TEST = ("test", "teste", "prueba", "eval", "dev", "validation", "validacao", "validacion")
# Labels are few and short, and each stands in several rows; anything else is an answer in free text. Numbers that are
# more than a scale's are quantities.
_MOST_LABELS, _LONGEST_LABEL, _LONGEST_SCALE = 20, 5, 5
# Of a column that is not called one of labels: short answers repeat too.
_MOST_ANSWERS_AS_LABELS, _ROWS_PER_LABEL = 5, 3
# A number with what people write around it: `R$ 19,90`, `5 working days`, `-3 °C`; no range and no date.
_QUANTITY = re.compile(r"[^\d\n]{0,5}\d[\d.,'\u00a0\u202f ]*[^\d\n]{0,20}")
# Of longer references an answer has some of the words at best.
_SENTENCE = 8
_MOST_SPLITS = 10
# Of fewer a classifier learns nothing, and no question might be left in the base.
_FEWEST_TRAIN, _FEWEST_ASKED = 20, 10
_METRICS = ("mrr@10", "recall@5", "evidence_coverage@5")
_OPEN_METRICS = ("accuracy", "token_f1", "rouge_l", "abstained")


class FirstSpec:
    """Puts the parameters together and notes what was taken and left."""

    def __init__(self, questions: Path, documents: Path) -> None:
        self.questions, self.documents = questions, documents
        self.notes: list[str] = []
        self.parameters: dict[str, Any] = {"questions": str(questions)}

    def starter(self) -> Starter:
        """Guess, try, and say what came of it."""
        guess = guess_columns(self.questions, QUESTION_KEYS)
        place = {"sheet": guess.sheet, "header": guess.header}
        self.parameters |= {key: value for key, value in place.items() if value is not None}
        columns = self._check_columns(guess)
        document_columns = self._document_columns()
        options: Mapping[str, Any] = {
            "sheet": guess.sheet, "header": guess.header, "encoding": "auto", "documents": str(self.documents),
            "document_columns": document_columns, "documents_by": "file", "converters": (),
            "on_unreadable": "skip", "on_missing_evidence": "skip",
        }  # fmt: skip
        dataset = TableDataset(str(self.questions), columns, **options)
        corpus = dataset.corpus
        columns = self._check_documents(guess, columns, corpus)
        dataset = TableDataset(str(self.questions), columns, **options)
        self.parameters |= {"columns": columns, "documents": str(self.documents)}
        if document_columns:
            self.parameters["document_columns"] = document_columns
        evidence, left_out = _try(dataset)
        self._note_questions(guess, dataset.table, columns)
        self._note_documents(corpus, left_out)
        references = [question.references for question in dataset.table.questions]
        is_open = not dataset.table.answers and any(references)
        if not evidence and not is_open:
            raise DataError(
                "no question has a right answer or says where it stands, so there is nothing to measure",
                location=Location(str(self.questions)),
                hint="add a column `answer` with right answers, `evidence` with words of a document, or `document` "
                "with the names of files",
            )
        language = guess_language([question.text for question in dataset.table.questions])
        self.notes.append(f"language: {language or 'unclear, so English is taken'}, by the words of the questions")
        if language not in ("", "en"):
            self.parameters["language"] = language
        split, train = self._splits(dataset.table, complete=NO_EVIDENCE not in left_out)
        if split:
            self.parameters["split"] = split
        data = _common_folder(self.questions, self.documents)
        if is_open:
            return self._open_starter(dataset.table, evidence, language, data, train)
        has_answers = bool(dataset.table.answers) and NO_EVIDENCE not in left_out
        return Starter(
            self.parameters,
            data=data,
            answers="labels" if has_answers else None,
            language=language,
            metrics=() if has_answers else _METRICS,
            notes=tuple(self.notes),
            train_split=train,
        )

    def _open_starter(
        self, table: QuestionTable, evidence: frozenset[str], language: str, data: str, train: str | None
    ) -> Starter:
        """The starter of a study whose answers are texts."""
        answerable = [question.id for question in table.questions if question.references]
        without = [name for name in answerable if name not in evidence]
        if without:
            self.notes.append(
                f"{len(without):,} of {len(answerable):,} questions with an answer do not say where it stands, so no "
                "gold context is read: name documents or quotes for all of them, and add gold_context to the controls"
            )
        return Starter(
            self.parameters,
            data=data,
            answers="open",
            grading=self._grading([list(question.references) for question in table.questions if question.references]),
            language=language,
            has_gold_context=not without,
            metrics=(*_OPEN_METRICS, *(_METRICS[:2] if evidence else ())),
            notes=tuple(self.notes),
            train_split=train,
        )

    def _grading(self, references: Sequence[Sequence[str]]) -> Mapping[str, Mapping[str, Any]]:
        """Graders that fit what is right: a number, a few words, or a sentence."""
        if all(_QUANTITY.fullmatch(text) for texts in references for text in texts):
            self.notes.append("every right answer is a number: numbers are compared, whatever stands around them")
            return {"numeric": {}, "exact": {}, "contains": {}}
        words = statistics.median(min(len(text.split()) for text in texts) for texts in references)
        if words <= _SENTENCE:
            return {"exact": {}, "contains": {}, "token_f1": {"at_least": 0.7}}
        self.notes.append(
            f"right answers have {words:.0f} words in the median: what says the same in other words is graded "
            "wrong, unless models judge it (specs/README.md#judges)"
        )
        return {"exact": {}, "contains": {}, "token_f1": {"at_least": 0.5}}

    def _check_columns(self, guess: Guess) -> dict[str, Any]:
        """Leave out columns that do not hold what their names say."""
        table = guess.table
        columns: dict[str, Any] = dict(guess.columns)

        def texts(key: str) -> list[str]:
            return table.column_texts(columns[key])

        def drop(key: str, why: str) -> None:
            self.notes.append(f"left: {column_words(table, columns.pop(key))}, {why}")

        if "id" in columns and len(set(texts("id"))) < len(table.rows):
            drop("id", "which does not tell rows apart; rows are counted instead")
        if "split" in columns:
            values = texts("split")
            if len(values) < len(table.rows) or len(set(values)) > _MOST_SPLITS:
                drop("split", "which does not put every row into one of a few splits")
        if "answer" in columns and not _are_labels(texts("answer")):
            counts = f"{len(set(texts('answer'))):,} different texts in {len(texts('answer')):,} rows"
            drop("answer", f"{counts}, which are no labels")
        references = []
        for name in guess.answers:
            answers = table.column_texts(name)
            if "answer" not in columns and _are_labels(answers) and _are_classes(answers):
                columns["answer"] = name
            elif answers and (len(set(answers)) > 1 or len(table.rows) == 1):
                references.append(name)
        if references:
            columns["references"] = references if len(references) > 1 else references[0]
        return columns

    def _document_columns(self) -> dict[str, str] | None:
        if not is_table(self.documents):
            return None
        guess = guess_columns(self.documents, DOCUMENT_KEYS)
        words = ", ".join(f"{key} is {column_words(guess.table, name)}" for key, name in guess.columns.items())
        self.notes.append(f"documents are the rows of {self.documents}: {words}")
        return guess.columns

    def _check_documents(self, guess: Guess, columns: dict[str, Any], corpus: Corpus) -> dict[str, Any]:
        """Take as the column of documents only one that names them, whatever it is called."""
        names, table = Names(corpus), guess.table
        shares: dict[str, float] = {}
        for name in dict.fromkeys(filter(None, [columns.get("document"), *table.names])):
            if (name in _names(columns) and name != columns.get("document")) or list(table.names).count(name) > 1:
                continue
            texts = table.column_texts(name, 1_000)
            hits = sum(names.find(text.split(";")[0].strip()) is not None for text in texts)
            shares[name] = hits / len(texts) if texts else 0.0
        best = max(shares, key=lambda name: shares[name], default=None)
        own = columns.pop("document", None)
        if best is not None and shares[best] >= 0.5:
            columns["document"] = best
        elif own is not None:
            self.notes.append(f"left: {column_words(table, own)}, which names no documents of {self.documents}")
        if "document" not in columns and "page" in columns:
            page = column_words(table, columns.pop("page"))
            self.notes.append(f"left: {page}, pages of which no document is known")
        return {key: columns[key] for key in KEYS if key in columns}

    def _note_questions(self, guess: Guess, questions: QuestionTable, columns: Mapping[str, Any]) -> None:
        where = f", sheet {questions.table.sheet}" if guess.sheet else ""
        self.notes.insert(0, f"{len(questions.questions):,} questions of {self.questions}{where}")
        words = [_column_sentence(guess, key, name) for key, name in columns.items()]
        self.notes.insert(1, f"took: {', '.join(words)}")
        self.notes[2:2] = _answer_notes(questions, columns)
        notes = "\n".join(self.notes)
        others = [column_words(guess.table, name) for name in guess.table.names if name and repr(name) not in notes]
        if others:
            self.notes.append(f"left: {', '.join(others)}, of which no use is known")

    def _note_documents(self, corpus: Corpus, left_out: Mapping[str, int]) -> None:
        count = f"{len(corpus.documents):,} documents of {self.documents}"
        if not is_table(self.documents):
            endings = Counter(Path(document.file).suffix.lstrip(".").lower() for document in corpus.documents)
            count += f": {', '.join(f'{number:,} {ending}' for ending, number in sorted(endings.items()))}"
        self.notes.append(count)
        for file, reason in list(corpus.unreadable.items())[:10]:
            self.notes.append(f"left: {file} ({reason})")
        if len(corpus.unreadable) > 10:
            self.notes.append(f"left: {len(corpus.unreadable) - 10:,} more files that cannot be read")
        if corpus.unreadable:
            self.parameters["on_unreadable"] = "skip"
        missing = {what: left_out[what] for what in sorted(left_out) if what in LOST}
        if missing:
            self.parameters["on_missing_evidence"] = "skip"
        self.notes += [f"left: {number:,} {what}" for what, number in missing.items()]
        if NO_EVIDENCE in left_out:
            self.notes.append(f"{left_out[NO_EVIDENCE]:,} {NO_EVIDENCE}, which no ranking can be measured on")

    def _splits(self, questions: QuestionTable, *, complete: bool) -> tuple[str | None, str | None]:
        """The split that is asked, and the one that readers learn from."""
        by_name = {split.casefold(): split for split in questions.splits}
        train = next((by_name[name] for name in _TRAIN if name in by_name), None)
        others = [split for split in questions.splits if split != train]
        test = next((by_name[name] for name in _TEST if name in by_name), others[0] if others else None)
        if train is None or not others:
            if questions.answers:
                self.notes.append("no split named train and another: no reader can learn from the questions")
            return None, None
        labels = [question.label for question in questions.questions if question.split == train and question.label]
        test_size = sum(question.split == test for question in questions.questions)
        if questions.answers and (len(set(labels)) < 2 or len(labels) < _FEWEST_TRAIN or test_size < _FEWEST_ASKED):
            self.notes.append(
                f"{len(labels):,} questions to learn from and {test_size:,} to be asked are too few for a reader; "
                f"there should be {_FEWEST_TRAIN} and {_FEWEST_ASKED}, of two labels"
            )
            return test, None
        if not complete and questions.answers:
            self.notes.append("readers need the evidence of every question: retrieval alone is compared")
        return test, train


def first_spec(study: str, questions: Path, documents: Path) -> Starter:
    """Write the dataset of a first spec (see `ragtally.api.Component.files_starter`)."""
    return FirstSpec(questions, documents).starter()


def _are_labels(texts: Sequence[str]) -> bool:
    labels = Counter(" ".join(text.casefold().split()) for text in texts)
    if len(labels) < 2 or len(labels) > min(_MOST_LABELS, labels.total() / 2):
        return False
    is_scale = len(labels) <= _LONGEST_SCALE or not all(map(_QUANTITY.fullmatch, labels))
    return is_scale and all(len(label.split()) <= _LONGEST_LABEL for label in labels)


def _are_classes(labels: Sequence[str]) -> bool:
    different = {" ".join(label.casefold().split()) for label in labels}
    return len(different) <= min(_MOST_ANSWERS_AS_LABELS, len(labels) / _ROWS_PER_LABEL)


def _names(columns: Mapping[str, Any]) -> list[str]:
    values = [value if isinstance(value, list) else [value] for value in columns.values()]
    return [name for names in values for name in names]


def _column_sentence(guess: Guess, key: str, name: str | list[str]) -> str:
    if key != "references":
        return f"{key} is {column_words(guess.table, str(name))}"
    return "right answers are " + " and ".join(column_words(guess.table, each) for each in _names({key: name}))


def _answer_notes(questions: QuestionTable, columns: Mapping[str, Any]) -> list[str]:
    """What right answers there are, and what it means where there is none."""
    if questions.answers:
        counts = Counter(question.label for question in questions.questions)
        labels = ", ".join(f"{label} ({counts[label]:,})" for label in questions.answers)
        both = "; `answers: open` below the dataset compares the right answers as texts instead"
        return [f"labels: {labels}{both if 'references' in columns else ''}"]
    without = sum(not question.references for question in questions.questions)
    if "references" not in columns or not without:
        return []
    total = len(questions.questions)
    return [f"no right answer: {without:,} of {total:,} questions, where to say that it cannot be answered is right"]


def _try(dataset: TableDataset) -> tuple[frozenset[str], Counter[str]]:
    """Which questions have evidence, and what had to be left out."""
    evidence, left_out = set[str](), Counter[str]()
    for batch in dataset.batches():
        evidence.update(batch.evidence.question)
        left_out.update(batch.left_out)
    return frozenset(evidence), left_out


def _common_folder(questions: Path, documents: Path) -> str:
    """What DVC is to watch: the folder of the documents if the questions lie in it, else the one above both."""
    if questions.parent == documents:
        return str(documents)
    folders = [path for path in questions.parents if path in documents.parents]
    # Not the working folder itself: the results are written there too.
    return str(folders[0] if folders and folders[0] != Path() else documents)
