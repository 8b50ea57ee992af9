"""The suite for datasets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ragtally.api import DATASET_PARAMETERS, Component, Dataset, DatasetBatch, ParsingDataset
from ragtally.testing.component import ComponentSuite


class DatasetSuite(ComponentSuite):
    """Checks a dataset; give it parameters that keep it small."""

    kind = "dataset"
    protocol = Dataset

    @pytest.fixture
    def dataset(self, build: Callable[[], Any]) -> Any:
        """The dataset under test."""
        return build()

    @pytest.fixture
    def batches(self, dataset: Any) -> list[DatasetBatch]:
        """All of its batches."""
        return list(dataset.batches())

    def test_split_and_answers_are_left_to_the_engine(self, component: Component) -> None:
        """Every dataset has these two keys in a spec without declaring them."""
        reserved = component.params.keys() & DATASET_PARAMETERS.keys()
        assert not reserved, f"the engine takes care of {sorted(reserved)}"

    def test_answers_and_splits_are_named(self, dataset: Any) -> None:
        """Tuples of distinct words; no answers at all where there are no labels and none are known."""
        for name, least in (("answers", 2), ("splits", 1)):
            words = getattr(dataset, name)
            assert isinstance(words, tuple) and all(isinstance(word, str) and word for word in words), f"`{name}`"
            least = 0 if name == "answers" and not words and not dataset.labelled else least
            assert len(set(words)) == len(words) >= least, f"`{name}` must hold at least {least}, none of them twice"

    def test_batches_are_yielded_one_by_one(self, dataset: Any) -> None:
        """A dataset need never be whole in memory."""
        assert isinstance(dataset.batches(), Iterator), "`batches` must be a generator"

    def test_columns_have_one_length(self, batches: list[DatasetBatch]) -> None:
        """One row per document, question or span of evidence."""
        assert batches, "there is no batch"
        for batch in batches:
            for table in (batch.documents, batch.questions, batch.evidence):
                for field in dataclasses.fields(table):
                    column = getattr(table, field.name)
                    if column is not None or field.default is not None:
                        assert len(column) == len(table), f"`{field.name}` has another length than its table"

    def test_ids_are_unique(self, batches: list[DatasetBatch]) -> None:
        """Over all batches, and never empty."""
        for table in ("documents", "questions"):
            ids = [one for batch in batches for one in getattr(batch, table).id]
            assert all(isinstance(one, str) and one for one in ids), f"ids of {table} are texts that are not empty"
            assert len(set(ids)) == len(ids), f"an id of {table} is there twice"

    def test_sections_lie_in_their_documents(self, batches: list[DatasetBatch]) -> None:
        """In order, without overlap, and not empty."""
        for batch in batches:
            table = batch.documents
            for text, starts, ends in zip(table.text, table.section_starts, table.section_ends, strict=True):
                assert len(starts) == len(ends), "a document's sections have starts and ends of different number"
                bounds = [bound for pair in zip(starts, ends, strict=True) for bound in pair]
                assert bounds == sorted(bounds), "sections must be in order and must not overlap"
                assert all(start < end for start, end in zip(starts, ends, strict=True)), "a section is empty"
                assert not bounds or (bounds[0] >= 0 and bounds[-1] <= len(text)), "a section leaves its document"

    def test_questions_have_known_labels_and_splits(self, dataset: Any, batches: list[DatasetBatch]) -> None:
        """A label is a declared answer or missing."""
        for batch in batches:
            assert all(text.strip() for text in batch.questions.text), "a question is empty"
            assert set(batch.questions.label) <= {*dataset.answers, None}, "a label is no declared answer"
            assert set(batch.questions.split) <= set(dataset.splits), "a question is in a split that is not declared"

    def test_a_dataset_says_whether_it_is_labelled(self, dataset: Any, batches: list[DatasetBatch]) -> None:
        """Where it is not, verdicts become silver labels, so no gold label may be there."""
        labelled = any(label is not None for batch in batches for label in batch.questions.label)
        assert dataset.labelled is labelled, f"`labelled` is {dataset.labelled}, but the labels say {labelled}"

    def test_references_are_texts(self, traits: Any, batches: list[DatasetBatch]) -> None:
        """Where the traits say that there are any; a question without one cannot be answered."""
        columns = [batch.questions.references for batch in batches if len(batch.questions)]
        has_references = traits.answers != "labels"
        assert all((column is not None) is has_references for column in columns), "the traits say otherwise"
        texts = [text for column in columns for of_question in column or () for text in of_question]
        assert all(isinstance(text, str) and text.strip() for text in texts), "a reference is empty"

    def test_it_can_be_parsed_where_the_traits_say_so(self, dataset: Any, traits: Any) -> None:
        """`grid.parser` is offered exactly where a parser can be chosen."""
        assert isinstance(dataset, ParsingDataset) is traits.parses, "the traits say otherwise"

    def test_files_can_be_converted_elsewhere(self, dataset: Any, traits: Any, batches: list[DatasetBatch]) -> None:
        """What converters make of each file gives the same batches, whoever asked them."""
        if not traits.parses:
            pytest.skip("it reads no files by converters")
        files = dataset.files()
        assert files == dataset.files(), "the second time the files differ"
        conversions = {path: dataset.convert(path) for path in files}
        assert list(dataset.converted_by(conversions.__getitem__).batches()) == batches, "the batches differ"

    def test_evidence_lies_in_documents_and_belongs_to_questions(self, batches: list[DatasetBatch]) -> None:
        """Spans of known documents for known questions, none of them empty."""
        length = {
            one: len(text)
            for batch in batches
            for one, text in zip(batch.documents.id, batch.documents.text, strict=True)
        }
        question_ids = {one for batch in batches for one in batch.questions.id}
        for batch in batches:
            table = batch.evidence
            assert set(table.question) <= question_ids, "evidence of a question that there is not"
            for document, start, end in zip(table.document, table.start, table.end, strict=True):
                assert document in length, f"evidence in a document that there is not: {document!r}"
                assert 0 <= start < end <= length[document], f"[{start}, {end}) is no span of {document!r}"
            grades = [1] if table.grade is None else table.grade
            assert all(isinstance(grade, int) and grade >= 1 for grade in grades), "grades are 1 or more"

    def test_the_dataset_is_the_same_every_time(
        self, build: Callable[[], Any], dataset: Any, batches: list[DatasetBatch]
    ) -> None:
        """Twice by one dataset, and by another one of the same parameters."""
        assert list(dataset.batches()) == batches, "the second time the batches differ"
        assert list(build().batches()) == batches, "another dataset of the same parameters differs"
