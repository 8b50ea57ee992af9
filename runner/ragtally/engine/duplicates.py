"""Near-duplicates in a study's data: among documents, among questions, and in another split (leakage).

No step of the plan: `ragtally check --data` asks for it, and it takes a second for a thousand questions. What is
slow, preparing the dataset, is shared with every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.api import QuestionEvidence
from ragtally.duplicates.near import Examples, NearDuplicates, near_duplicates
from ragtally.duplicates.shingles import word_sequences
from ragtally.engine.run import execute, provide
from ragtally.plan.tasks import StudyTasks
from ragtally.spec.study import Study
from ragtally.store import read_json, read_table
from ragtally.tables import load_all_questions, load_evidence, load_questions, load_texts
from ragtally.workspace import Workspace

# Words of a shingle of documents.
DOCUMENT_SHINGLE = 3
# Questions are short, and compared as sets of words.
QUESTION_SHINGLE = 1
_LONGEST_TEXT = 200

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts that are nearly the same."""

    first: str  # The id of one
    second: str  # The id of the other
    similarity: float  # Their Jaccard similarity
    first_text: str  # Its words, truncated where they are many
    second_text: str
    first_about: str  # A question's split and label; the splits in which a document is a gold document
    second_about: str


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Near-duplicates among all documents, or among all questions, of a dataset."""

    texts: int
    without_words: int  # How many of them have no word, and so are compared with nothing
    exact: int  # How many have an exact duplicate: the same words in the same order
    near: int  # How many have a near-duplicate, exact ones included
    groups: int  # How many groups near-duplicates form, where a text is in the group of each of its near-duplicates
    largest_group: int  # How many texts the largest group has; 0 without any
    pairs: tuple[Pair, ...]  # Some pairs, the most similar ones first


@dataclass(frozen=True, slots=True)
class Overlap:
    """The study's questions and their gold documents, compared with those of a split that they are not in."""

    split: str
    split_questions: int
    readers: tuple[str, ...]  # Those that are trained on the split, or whose prompts show examples from it
    study_questions_inside: int  # How many of the study's questions are in this very split, and not counted below
    study_questions: int  # How many are not in it: the denominator of what follows
    same_question: int  # How many stand in the split word for word
    near_question: int  # How many have a near-duplicate in the split, exact ones included
    same_document: int  # How many have a gold document that is the gold document of a question of the split
    near_document: int  # How many have a gold document that is, or is nearly, one of the split's
    any_overlap: int  # How many have a near-duplicate of either kind there
    question_pairs: tuple[Pair, ...]  # Some pairs of questions, the study's first
    document_pairs: tuple[Pair, ...]  # Some pairs of different gold documents, that of the study's question first


@dataclass(frozen=True, slots=True)
class Contradictions:
    """Near-duplicate questions with different labels."""

    dataset_labels: int  # How many questions of the dataset have a label
    dataset_contradictions: int  # How many of them have a near-duplicate with another label
    study_labels: int  # How many of the study's questions have a label
    study_contradictions: int  # How many of these have a near-duplicate with another label anywhere in the dataset
    pairs: tuple[Pair, ...]  # Some pairs, the most similar ones first


@dataclass(frozen=True, slots=True)
class CopiedEvidence:
    """The study's questions whose gold document has a near-duplicate in the corpus."""

    study_questions: int  # How many have a gold document
    exact: int  # How many have a gold document that stands in the corpus a second time word for word
    near: int  # How many have a gold document with a near-duplicate, exact ones included


@dataclass(frozen=True, slots=True)
class DataReport:
    """The near-duplicates in a study's data: counts with their denominators, and some pairs to look at."""

    study: str
    spec: str  # The study's file
    dataset: str
    similarity: float  # From which Jaccard similarity on texts are near-duplicates
    document_shingle: int  # Documents are compared as sets of runs of so many words
    question_shingle: int  # The same of questions
    split: str | None  # Whose questions the study asks; None for all
    study_questions: int
    documents: Duplicates
    questions: Duplicates
    overlaps: tuple[Overlap, ...]  # The study's questions against each split that some of them are not in
    contradictions: Contradictions
    copied_evidence: CopiedEvidence


@dataclass(frozen=True, slots=True)
class _Texts:
    """Texts with their near-duplicates; `about` describes one."""

    id: pl.Series
    text: Sequence[str]
    about: Callable[[int], str]
    duplicates: NearDuplicates

    def summary(self, most_pairs: int) -> Duplicates:
        """Count all near-duplicates."""
        everyone: Mask = np.ones(len(self.text), dtype=np.bool_)
        with_words = self.duplicates.group[self.duplicates.group >= 0]
        sizes = np.bincount(with_words) if len(with_words) else np.zeros(1, dtype=np.int64)
        near = self.duplicates.near(everyone)
        return Duplicates(
            texts=len(self.text),
            without_words=len(self.text) - len(with_words),
            exact=int(self.duplicates.copies(everyone).sum()),
            near=int(near.sum()),
            groups=int((sizes > 1).sum()),
            largest_group=int(sizes.max()) if near.any() else 0,
            pairs=self.pairs(near, self.duplicates.examples(everyone), most_pairs),
        )

    def pairs(self, rows: Mask, examples: Examples, most: int) -> tuple[Pair, ...]:
        """Some texts beside their examples, the most similar ones first; no pair twice."""
        hits = np.flatnonzero(rows & (examples.text >= 0))
        pairs_so_far: set[frozenset[int]] = set()
        pairs: list[Pair] = []
        for row in hits[np.lexsort((hits, -examples.similarity[hits]))].tolist():
            if len(pairs) == most:
                break
            other = int(examples.text[row])
            if frozenset((row, other)) not in pairs_so_far:
                pairs_so_far.add(frozenset((row, other)))
                pairs.append(self._pair(row, other, float(examples.similarity[row])))
        return tuple(pairs)

    def _pair(self, row: int, other: int, similarity: float) -> Pair:
        one, two = (_shorten(self.text[each]) for each in (row, other))
        about = (self.about(row), self.about(other))
        return Pair(self.id[row], self.id[other], round(similarity, 4), one, two, *about)


@dataclass(frozen=True)
class _Dataset:
    """A prepared dataset with its near-duplicates."""

    splits: Sequence[str]
    split: pl.Series
    label: pl.Series
    evidence: QuestionEvidence
    gold: Mask
    documents: _Texts
    questions: _Texts

    def with_gold(self, documents: Mask) -> Mask:
        """Which questions have one of some documents as their gold document."""
        questions = np.zeros(len(self.split), dtype=np.bool_)
        questions[self.evidence.question[documents[self.evidence.document]]] = True
        return questions


def check_data(
    studies: Sequence[Study], workspace: Workspace, similarity: float, most_pairs: int
) -> Iterator[DataReport]:
    """Look for near-duplicates in the data of studies."""
    datasets: dict[str, _Dataset] = {}
    for study in studies:
        provide(study, workspace, "dataset")
        tasks = StudyTasks(study, workspace.registry)
        execute([tasks.sample], workspace, study)
        folder = workspace.entry(tasks.dataset)
        if tasks.dataset.address not in datasets:
            try:
                datasets[tasks.dataset.address] = _search(folder, similarity, workspace)
            finally:
                workspace.progress.finish()
        rows = load_questions(workspace.entry(tasks.sample))["row"].to_numpy()
        yield _report(study, datasets[tasks.dataset.address], rows, similarity, most_pairs)


def _report(study: Study, data: _Dataset, rows: NDArray[np.int64], similarity: float, most_pairs: int) -> DataReport:
    questions: Mask = np.zeros(len(data.split), dtype=np.bool_)
    questions[rows] = True
    readers = {
        split: tuple(name for name, reader in study.readers.items() if reader.train_split == split)
        for split in data.splits
    }
    in_split = {split: (data.split == split).to_numpy() for split in data.splits}
    return DataReport(
        study=study.name,
        spec=study.file,
        dataset=study.dataset.choice.name,
        similarity=similarity,
        document_shingle=DOCUMENT_SHINGLE,
        question_shingle=QUESTION_SHINGLE,
        split=study.dataset.split,
        study_questions=len(rows),
        documents=data.documents.summary(most_pairs),
        questions=data.questions.summary(most_pairs),
        overlaps=tuple(
            _overlap(data, questions, split, readers[split], most_pairs)
            for split in data.splits
            if in_split[split].any() and (questions & ~in_split[split]).any()
        ),
        contradictions=_contradictions(data, questions, most_pairs),
        copied_evidence=_copied_evidence(data, questions),
    )


def _overlap(data: _Dataset, questions: Mask, split: str, readers: tuple[str, ...], most_pairs: int) -> Overlap:
    inside: Mask = (data.split == split).to_numpy()
    outside = questions & ~inside
    gold_inside = data.gold[:, list(data.splits).index(split)]
    duplicates = data.questions.duplicates
    near_question = outside & duplicates.near(inside)
    same_document = outside & data.with_gold(gold_inside)
    near_document = same_document | (outside & data.with_gold(data.documents.duplicates.near(gold_inside)))
    # Of documents that are gold in both, the pair would be the document and some other one.
    of_study = np.zeros(len(gold_inside), dtype=np.bool_)
    of_study[data.evidence.document[outside[data.evidence.question]]] = True
    return Overlap(
        split=split,
        split_questions=int(inside.sum()),
        readers=readers,
        study_questions_inside=int((questions & inside).sum()),
        study_questions=int(outside.sum()),
        same_question=int((outside & duplicates.copies(inside)).sum()),
        near_question=int(near_question.sum()),
        same_document=int(same_document.sum()),
        near_document=int(near_document.sum()),
        any_overlap=int((near_question | near_document).sum()),
        question_pairs=data.questions.pairs(near_question, duplicates.examples(inside), most_pairs),
        document_pairs=data.documents.pairs(
            of_study & ~gold_inside, data.documents.duplicates.examples(gold_inside), most_pairs
        ),
    )


def _contradictions(data: _Dataset, questions: Mask, most_pairs: int) -> Contradictions:
    has_label: Mask = data.label.is_not_null().to_numpy()
    text, similarity = np.full(len(has_label), -1), np.zeros(len(has_label))
    for label in data.label.drop_nulls().unique(maintain_order=True):
        own: Mask = (data.label == label).fill_null(value=False).to_numpy()
        examples = data.questions.duplicates.examples(has_label & ~own)
        text[own], similarity[own] = examples.text[own], examples.similarity[own]
    has_contradiction = text >= 0
    return Contradictions(
        dataset_labels=int(has_label.sum()),
        dataset_contradictions=int(has_contradiction.sum()),
        study_labels=int((has_label & questions).sum()),
        study_contradictions=int((has_contradiction & questions).sum()),
        pairs=data.questions.pairs(has_contradiction, Examples(text, similarity), most_pairs),
    )


def _copied_evidence(data: _Dataset, questions: Mask) -> CopiedEvidence:
    duplicates = data.documents.duplicates
    everything: Mask = np.ones(len(duplicates.group), dtype=np.bool_)
    return CopiedEvidence(
        study_questions=int((questions & data.with_gold(everything)).sum()),
        exact=int((questions & data.with_gold(duplicates.copies(everything))).sum()),
        near=int((questions & data.with_gold(duplicates.near(everything))).sum()),
    )


def _search(folder: Path, similarity: float, workspace: Workspace) -> _Dataset:
    """Find the near-duplicates: of questions by split and label, of documents by the splits that they are gold in."""
    questions, evidence = load_all_questions(folder), load_evidence(folder)
    split, label = questions["split"], questions["label"]
    splits: list[str] = read_json(folder / "dataset.json")["splits"]
    kind = pl.DataFrame({"split": split, "label": label}).select(pl.struct("split", "label").rank("dense"))
    kinds = kind.to_series().to_numpy().astype(np.int64) - 1
    texts = load_texts(folder)
    gold: Mask = np.zeros((len(texts), len(splits)), dtype=np.bool_)
    for number, name in enumerate(splits):
        gold[evidence.document[(split == name).to_numpy()[evidence.question]], number] = True

    def describe_question(row: int) -> str:
        return split[row] if label[row] is None else f"{split[row]}, {label[row]}"

    def describe_document(row: int) -> str:
        return ", ".join(name for number, name in enumerate(splits) if gold[row, number])

    question_texts, classes = questions["text"].to_list(), np.eye(int(kinds.max()) + 1, dtype=np.bool_)[kinds]
    ids = read_table(folder / "documents.parquet", ["id"])["id"]
    return _Dataset(
        splits,
        split,
        label,
        evidence,
        gold,
        _Texts(
            ids, texts, describe_document,
            _near(texts, DOCUMENT_SHINGLE, similarity, gold, "documents", workspace),
        ),
        _Texts(
            questions["id"], question_texts, describe_question,
            _near(question_texts, QUESTION_SHINGLE, similarity, classes, "questions", workspace),
        ),
    )  # fmt: skip


def _near(
    texts: Sequence[str], width: int, similarity: float, classes: Mask, what: str, workspace: Workspace
) -> NearDuplicates:
    def progress(doing: str, total: int, so_far: int) -> None:
        workspace.progress.measure(f"{what}: {doing}", total, so_far)

    sequences = word_sequences(texts, lambda so_far: progress("words", len(texts), so_far))
    return near_duplicates(sequences, width, similarity, classes, progress)


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
