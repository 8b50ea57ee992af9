"""What stands twice in a study's data: among documents, among questions, and in another split (leakage).

No step of the plan: the report is asked for by hand and takes a second for a thousand questions. What is slow to
make, the prepared dataset, is shared with every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.duplicates import Examples, NearDuplicates, near_duplicates, word_sequences
from ragtally.duplicates.report import Contradictions, CopiedEvidence, DataReport, Duplicates, Overlap, Pair
from ragtally.engine.run import execute, provide
from ragtally.plan.shared import SharedTasks
from ragtally.spec.study import Study
from ragtally.steps import prepare, sample
from ragtally.steps.prepare import PreparedEvidence
from ragtally.store import read_json, read_table
from ragtally.workspace import Workspace

# Words of a shingle of documents.
DOCUMENT_SHINGLE = 3
# Questions are short, and compared as sets of words.
QUESTION_SHINGLE = 1
_LONGEST_TEXT = 200

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Texts:
    """Texts with their near-duplicates; `about` is what else there is to say of one."""

    id: pl.Series
    text: Sequence[str]
    about: Callable[[int], str]
    found: NearDuplicates

    def summary(self, shown: int) -> Duplicates:
        """Count all near-duplicates."""
        everyone: Mask = np.ones(len(self.text), dtype=np.bool_)
        worded = self.found.group[self.found.group >= 0]
        sizes = np.bincount(worded) if len(worded) else np.zeros(1, dtype=np.int64)
        near = self.found.near(everyone)
        return Duplicates(
            texts=len(self.text),
            without_words=len(self.text) - len(worded),
            exact=int(self.found.copies(everyone).sum()),
            near=int(near.sum()),
            groups=int((sizes > 1).sum()),
            largest_group=int(sizes.max()) if near.any() else 0,
            pairs=self.pairs(near, self.found.examples(everyone), shown),
        )

    def pairs(self, rows: Mask, examples: Examples, shown: int) -> tuple[Pair, ...]:
        """Show some texts beside their examples, the most similar ones first; no pair twice."""
        hit = np.flatnonzero(rows & (examples.text >= 0))
        seen: set[frozenset[int]] = set()
        pairs: list[Pair] = []
        for row in hit[np.lexsort((hit, -examples.similarity[hit]))].tolist():
            if len(pairs) == shown:
                break
            other = int(examples.text[row])
            if frozenset((row, other)) not in seen:
                seen.add(frozenset((row, other)))
                pairs.append(self._pair(row, other, float(examples.similarity[row])))
        return tuple(pairs)

    def _pair(self, row: int, other: int, similarity: float) -> Pair:
        one, two = (_cut(self.text[each]) for each in (row, other))
        about = (self.about(row), self.about(other))
        return Pair(self.id[row], self.id[other], round(similarity, 4), one, two, *about)


@dataclass(frozen=True)
class _Dataset:
    """A prepared dataset, searched."""

    splits: Sequence[str]
    split: pl.Series
    label: pl.Series
    evidence: PreparedEvidence
    gold: Mask
    documents: _Texts
    questions: _Texts

    def with_gold(self, documents: Mask) -> Mask:
        """Say which questions have one of some documents as their gold document."""
        asked = np.zeros(len(self.split), dtype=np.bool_)
        asked[self.evidence.question[documents[self.evidence.document]]] = True
        return asked


def check_data(studies: Sequence[Study], workspace: Workspace, similarity: float, shown: int) -> Iterator[DataReport]:
    """Look for near-duplicates in the data of studies."""
    searched: dict[str, _Dataset] = {}
    for study in studies:
        provide(study, workspace, "dataset")
        tasks = SharedTasks(study, workspace.registry)
        execute([tasks.sampled], workspace, study)
        folder = workspace.entry(tasks.prepared)
        if tasks.prepared.address not in searched:
            try:
                searched[tasks.prepared.address] = _search(folder, similarity, workspace)
            finally:
                workspace.progress.finish()
        asked = sample.load_questions(workspace.entry(tasks.sampled))["row"].to_numpy()
        yield _report(study, searched[tasks.prepared.address], asked, similarity, shown)


def _report(study: Study, data: _Dataset, asked: NDArray[np.int64], similarity: float, shown: int) -> DataReport:
    rows: Mask = np.zeros(len(data.split), dtype=np.bool_)
    rows[asked] = True
    learnt_by = {
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
        asked=len(asked),
        documents=data.documents.summary(shown),
        questions=data.questions.summary(shown),
        overlaps=tuple(
            _overlap(data, rows, split, learnt_by[split], shown)
            for split in data.splits
            if in_split[split].any() and (rows & ~in_split[split]).any()
        ),
        contradictions=_contradictions(data, rows, shown),
        copied_evidence=_copied_evidence(data, rows),
    )


def _overlap(data: _Dataset, asked: Mask, split: str, learnt_by: tuple[str, ...], shown: int) -> Overlap:
    inside: Mask = (data.split == split).to_numpy()
    external_resource = asked & ~inside
    gold_inside = data.gold[:, list(data.splits).index(split)]
    found = data.questions.found
    near_question = external_resource & found.near(inside)
    same_document = external_resource & data.with_gold(gold_inside)
    near_document = same_document | (external_resource & data.with_gold(data.documents.found.near(gold_inside)))
    # Of documents that are gold in both, the pair would be the document and some other one.
    only_asked = np.zeros(len(gold_inside), dtype=np.bool_)
    only_asked[data.evidence.document[external_resource[data.evidence.question]]] = True
    return Overlap(
        split=split,
        questions=int(inside.sum()),
        learnt_by=learnt_by,
        asked_in_it=int((asked & inside).sum()),
        asked=int(external_resource.sum()),
        same_question=int((external_resource & found.copies(inside)).sum()),
        near_question=int(near_question.sum()),
        same_document=int(same_document.sum()),
        near_document=int(near_document.sum()),
        affected=int((near_question | near_document).sum()),
        question_pairs=data.questions.pairs(near_question, found.examples(inside), shown),
        document_pairs=data.documents.pairs(
            only_asked & ~gold_inside, data.documents.found.examples(gold_inside), shown
        ),
    )


def _contradictions(data: _Dataset, asked: Mask, shown: int) -> Contradictions:
    labelled: Mask = data.label.is_not_null().to_numpy()
    text, similarity = np.full(len(labelled), -1), np.zeros(len(labelled))
    for label in data.label.drop_nulls().unique(maintain_order=True):
        own: Mask = (data.label == label).fill_null(value=False).to_numpy()
        examples = data.questions.found.examples(labelled & ~own)
        text[own], similarity[own] = examples.text[own], examples.similarity[own]
    contradicted = text >= 0
    return Contradictions(
        labelled=int(labelled.sum()),
        contradicted=int(contradicted.sum()),
        asked=int((labelled & asked).sum()),
        asked_contradicted=int((contradicted & asked).sum()),
        pairs=data.questions.pairs(contradicted, Examples(text, similarity), shown),
    )


def _copied_evidence(data: _Dataset, asked: Mask) -> CopiedEvidence:
    found = data.documents.found
    everything: Mask = np.ones(len(found.group), dtype=np.bool_)
    return CopiedEvidence(
        asked=int((asked & data.with_gold(everything)).sum()),
        exact=int((asked & data.with_gold(found.copies(everything))).sum()),
        near=int((asked & data.with_gold(found.near(everything))).sum()),
    )


def _search(folder: Path, similarity: float, workspace: Workspace) -> _Dataset:
    """Search a prepared dataset; questions by split and label, documents by the splits that they are gold in."""
    questions, evidence = prepare.load_questions(folder), prepare.load_evidence(folder)
    split, label = questions["split"], questions["label"]
    splits: list[str] = read_json(folder / "dataset.json")["splits"]
    kind = pl.DataFrame({"split": split, "label": label}).select(pl.struct("split", "label").rank("dense"))
    kinds = kind.to_series().to_numpy().astype(np.int64) - 1
    texts = prepare.load_texts(folder)
    gold: Mask = np.zeros((len(texts), len(splits)), dtype=np.bool_)
    for number, name in enumerate(splits):
        gold[evidence.document[(split == name).to_numpy()[evidence.question]], number] = True

    def of_question(row: int) -> str:
        return split[row] if label[row] is None else f"{split[row]}, {label[row]}"

    def of_document(row: int) -> str:
        return ", ".join(name for number, name in enumerate(splits) if gold[row, number])

    asked_texts, classes = questions["text"].to_list(), np.eye(int(kinds.max()) + 1, dtype=np.bool_)[kinds]
    ids = read_table(folder / "documents.parquet", ["id"])["id"]
    return _Dataset(
        splits,
        split,
        label,
        evidence,
        gold,
        _Texts(ids, texts, of_document, _near(texts, DOCUMENT_SHINGLE, similarity, gold, "documents", workspace)),
        _Texts(
            questions["id"], asked_texts, of_question,
            _near(asked_texts, QUESTION_SHINGLE, similarity, classes, "questions", workspace),
        ),
    )  # fmt: skip


def _near(
    texts: Sequence[str], width: int, similarity: float, classes: Mask, what: str, workspace: Workspace
) -> NearDuplicates:
    def told(doing: str, total: int, done: int) -> None:
        workspace.progress.measure(f"{what}: {doing}", total, done)

    sequences = word_sequences(texts, lambda done: told("words", len(texts), done))
    return near_duplicates(sequences, width, similarity, classes, told)


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
