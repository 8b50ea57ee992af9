"""What `ragtally new --questions --documents` writes: columns guessed and tried, with all that was taken and left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ragtally import DataError, Location, Starter
from ragtally_table.dataset import TableDataset
from ragtally_table.documents import Corpus, Names, is_table
from ragtally_table.evidence import LOST, NO_EVIDENCE
from ragtally_table.guess import DOCUMENT_KEYS, QUESTION_KEYS, Guess, column_words, guess_columns
from ragtally_table.questions import QuestionTable

_TRAIN = ("train", "training", "treino", "treinamento", "entrenamiento")
_TEST = ("test", "teste", "prueba", "eval", "dev", "validation", "validacao", "validacion")
# Labels are few, and each stands in several rows; anything else is an answer in free text.
_MOST_LABELS = 20
_MOST_SPLITS = 10
# Of fewer a classifier learns nothing, and no question might be left in the base.
_FEWEST_TRAIN, _FEWEST_ASKED = 20, 10
_METRICS = ("mrr@10", "recall@5", "evidence_coverage@5")


class FirstSpec:
    """Puts the parameters together and notes what was taken and left."""

    def __init__(self, questions: Path, documents: Path) -> None:
        self.questions, self.documents = questions, documents
        self.notes: list[str] = []
        self.parameters: dict[str, Any] = {"questions": str(questions)}

    def starter(self) -> Starter:
        """Guess, try, and say what came of it."""
        guess = guess_columns(self.questions, QUESTION_KEYS)
        stated = {"sheet": guess.sheet, "header": guess.header}
        self.parameters |= {key: value for key, value in stated.items() if value is not None}
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
        if not evidence:
            raise DataError(
                "no question says where its answer stands, so there is nothing to measure",
                location=Location(str(self.questions)),
                hint="add a column `evidence` with words of a document, or `document` with the names of files",
            )
        split, train = self._splits(dataset.table, complete=NO_EVIDENCE not in left_out)
        if split:
            self.parameters["split"] = split
        has_answers = bool(dataset.table.answers) and NO_EVIDENCE not in left_out
        return Starter(
            self.parameters,
            data=_common_folder(self.questions, self.documents),
            has_answers=has_answers,
            metrics=() if has_answers else _METRICS,
            notes=tuple(self.notes),
            train_split=train,
        )

    def _check_columns(self, guess: Guess) -> dict[str, str]:
        """Leave out columns that do not hold what their names say."""
        table, columns = guess.table, dict(guess.columns)

        def texts(key: str) -> list[str]:
            place = table.column(columns[key], key)
            return [text for row in table.rows for text in table.texts(row, place)]

        def drop(key: str, why: str) -> None:
            self.notes.append(f"left: {column_words(table, columns.pop(key))}, {why}")

        if "id" in columns and len(set(texts("id"))) < len(table.rows):
            drop("id", "which does not tell rows apart; rows are counted instead")
        if "split" in columns:
            values = texts("split")
            if len(values) < len(table.rows) or len(set(values)) > _MOST_SPLITS:
                drop("split", "which does not put every row into one of a few splits")
        if "answer" in columns:
            labels = Counter(" ".join(text.casefold().split()) for text in texts("answer"))
            if len(labels) < 2 or len(labels) > min(_MOST_LABELS, labels.total() / 2):
                drop("answer", f"{len(labels):,} different texts in {labels.total():,} rows, which are no labels")
        return columns

    def _document_columns(self) -> dict[str, str] | None:
        if not is_table(self.documents):
            return None
        guess = guess_columns(self.documents, DOCUMENT_KEYS)
        words = ", ".join(f"{key} is {column_words(guess.table, name)}" for key, name in guess.columns.items())
        self.notes.append(f"documents are the rows of {self.documents}: {words}")
        return guess.columns

    def _check_documents(self, guess: Guess, columns: dict[str, str], corpus: Corpus) -> dict[str, str]:
        """Take as the column of documents only one that names them, whatever it is called."""
        names, table = Names(corpus), guess.table
        shares: dict[str, float] = {}
        for name in dict.fromkeys(filter(None, [columns.get("document"), *table.names])):
            if (name in columns.values() and name != columns.get("document")) or list(table.names).count(name) > 1:
                continue
            place = table.column(name, "document")
            texts = [text for row in table.rows[:1_000] for text in table.texts(row, place)]
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
        return {key: columns[key] for key in QUESTION_KEYS if key in columns}

    def _note_questions(self, guess: Guess, questions: QuestionTable, columns: Mapping[str, str]) -> None:
        where = f", sheet {questions.table.sheet}" if guess.sheet else ""
        self.notes.insert(0, f"{len(questions.questions):,} questions of {self.questions}{where}")
        words = [f"{key} is {column_words(guess.table, name)}" for key, name in columns.items()]
        self.notes.insert(1, f"took: {', '.join(words)}")
        if questions.answers:
            counts = Counter(question.label for question in questions.questions)
            labels = ", ".join(f"{label} ({counts[label]:,})" for label in questions.answers)
            self.notes.insert(2, f"labels: {labels}")
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
        lost = {what: left_out[what] for what in sorted(left_out) if what in LOST}
        if lost:
            self.parameters["on_missing_evidence"] = "skip"
        self.notes += [f"left: {number:,} {what}" for what, number in lost.items()]
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
        asked = sum(question.split == test for question in questions.questions)
        if questions.answers and (len(set(labels)) < 2 or len(labels) < _FEWEST_TRAIN or asked < _FEWEST_ASKED):
            self.notes.append(
                f"{len(labels):,} questions to learn from and {asked:,} to be asked are too few for a reader; there "
                f"should be {_FEWEST_TRAIN} and {_FEWEST_ASKED}, of two labels"
            )
            return test, None
        if not complete and questions.answers:
            self.notes.append("readers need the evidence of every question: retrieval alone is compared")
        return test, train


def first_spec(study: str, questions: Path, documents: Path) -> Starter:
    """Write the dataset of a first spec (see `ragtally.api.Component.files_starter`)."""
    return FirstSpec(questions, documents).starter()


def _try(dataset: TableDataset) -> tuple[int, Counter[str]]:
    evidence, left_out = 0, Counter[str]()
    for batch in dataset.batches():
        evidence += len(batch.evidence)
        left_out.update(batch.left_out)
    return evidence, left_out


def _common_folder(questions: Path, documents: Path) -> str:
    """What DVC is to watch: the folder of the documents if the questions lie in it, else the one above both."""
    if questions.parent == documents:
        return str(documents)
    folders = [path for path in questions.parents if path in documents.parents]
    # Not the working folder itself: the results are written there too.
    return str(folders[0] if folders and folders[0] != Path() else documents)
