"""The dataset synthetic: its offsets are right, it grows from the front, and only the evidence tells the answer."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from math import isclose, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

import ragtally_synthetic
from ragtally.api import DataError, Dataset, DatasetBatch
from ragtally_synthetic.outcomes import OUTCOMES

(COMPONENT,) = ragtally_synthetic.register_datasets()
NUMBER = re.compile(r"-?\d*\.?\d+")


def build(**given_parameters: Any) -> Dataset:
    defaults = {key: schema["default"] for key, schema in COMPONENT.params.items() if "default" in schema}
    return COMPONENT.build(**{**defaults, "seed": 3, **given_parameters})


class Whole:
    """All batches of a dataset together."""

    def __init__(self, batches: Iterator[DatasetBatch]) -> None:
        self.documents: dict[str, tuple[str, list[tuple[int, int]]]] = {}
        self.questions: dict[str, tuple[str, str, str]] = {}
        self.evidence: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
        for batch in batches:
            document = batch.documents
            for name, text, starts, ends in zip(
                document.id, document.text, document.section_starts, document.section_ends, strict=True
            ):
                assert name not in self.documents
                self.documents[name] = text, list(zip(starts, ends, strict=True))
            for name, *row in zip(
                batch.questions.id, batch.questions.text, batch.questions.label, batch.questions.split, strict=True
            ):
                assert name not in self.questions
                self.questions[name] = tuple(row)
            evidence = batch.evidence
            for name, *span in zip(evidence.question, evidence.document, evidence.start, evidence.end, strict=True):
                self.evidence[name].append(tuple(span))

    def sentences(self, question: str) -> list[str]:
        return [self.documents[name][0][start:end] for name, start, end in self.evidence[question]]

    def distractors(self, question: str) -> list[str]:
        gold = self.evidence[question][0][0]
        group = f"s{question[1:]}-"
        names = [f"{group}{number}" for number in range(10)]
        return [self.documents[name][0] for name in names if name in self.documents and name != gold]


@pytest.fixture(scope="module")
def world() -> Whole:
    return Whole(build(questions=1500).batches())


def majority_share(labels: list[str]) -> float:
    return Counter(labels).most_common(1)[0][1] / len(labels)


def guessed_share(texts: list[str], labels: list[str], longest: int = 2) -> float:
    """How often a strong bag-of-words classifier is right, cross-validated."""
    words = TfidfVectorizer(ngram_range=(1, longest), min_df=3, sublinear_tf=True).fit_transform(texts)
    model = LogisticRegression(C=1.0, max_iter=300)
    return float(np.mean(cross_val_predict(model, words, labels, cv=3) == np.array(labels)))


def two_standard_errors(share: float, count: int) -> float:
    return 2 * sqrt(share * (1 - share) / count)


def test_evidence_is_one_or_two_whole_sentences_of_one_document(world: Whole) -> None:
    counts = Counter()
    for question in world.questions:
        spans = world.evidence[question]
        assert len({name for name, _, _ in spans}) == 1
        assert spans == sorted(spans)
        counts[len(spans)] += 1
        for name, start, end in spans:
            text, _ = world.documents[name]
            assert text[end - 1] == "." and (text[start].isupper() or text[start].isdigit())
            assert start == 0 or text[start - 2 : start] == ". " or text[start - 1] == "\n"
            assert end == len(text) or text[end] in " \n"
    assert set(counts) == {1, 2}
    assert 0.3 < counts[2] / len(world.questions) < 0.5


def test_evidence_names_the_outcome_that_is_asked_for(world: Whole) -> None:
    for question, (words, _, _) in world.questions.items():
        asked = [one for one in OUTCOMES if any(name in words for name in one.names)]
        first = world.sentences(question)[0].lower()
        assert any(name.lower() in first for outcome in asked for name in outcome.names)


def test_a_second_sentence_may_stand_apart_and_may_begin_a_section(world: Whole) -> None:
    pairs = [spans for spans in world.evidence.values() if len(spans) == 2]
    gaps = Counter(second[1] - first[2] for first, second in pairs)
    assert gaps[1] > len(pairs) / 2
    assert sum(count for gap, count in gaps.items() if gap > 1) > len(pairs) / 10


def test_sections_cover_the_text_but_for_the_line_breaks_between_them(world: Whole) -> None:
    counts = Counter()
    for text, sections in world.documents.values():
        assert text == "\n".join(text[start:end] for start, end in sections)
        assert sections[0][0] == 0 and sections[-1][1] == len(text)
        counts[len(sections)] += 1
    assert set(counts) == {3, 4}


def test_documents_have_150_to_400_words(world: Whole) -> None:
    lengths = [len(text.split()) for text, _ in world.documents.values()]
    assert min(lengths) >= 150
    assert max(lengths) <= 400
    assert max(lengths) - min(lengths) > 150


def test_nothing_is_left_unfilled_in_the_templates(world: Whole) -> None:
    texts = [text for text, _ in world.documents.values()] + [row[0] for row in world.questions.values()]
    assert not any(re.search(r"[{}]|\s\s|\bNone\b| \.", text) for text in texts)


def test_the_position_of_the_evidence_varies(world: Whole) -> None:
    places = [spans[0][1] / len(world.documents[spans[0][0]][0]) for spans in world.evidence.values()]
    assert min(places) < 0.1
    assert max(places) > 0.9
    assert np.std(places) > 0.2


def test_the_place_of_the_gold_document_in_its_group_says_nothing(world: Whole) -> None:
    groups = Counter(name[1:7] for name in world.documents)
    places = [int(spans[0][0][8:]) for question, spans in world.evidence.items() if groups[question[1:]] == 3]
    assert all(count > len(places) / 5 for count in (places.count(location) for location in range(3)))


@pytest.mark.parametrize("mean", [0, 0.5, 2, 3.25])
def test_distractors_are_as_many_as_asked_for_on_average(mean: float) -> None:
    found = Whole(build(questions=600, distractors=mean).batches())
    assert isclose(len(found.documents) / 600 - 1, mean, abs_tol=0.15 * mean)


def test_distractors_share_the_drug_or_the_condition_never_both(world: Whole) -> None:
    shared = Counter()
    for question in islice(world.questions, 200):
        names = [word for word in re.findall(r"\w+", world.questions[question][0].lower()) if len(word) > 8]
        gold = world.documents[world.evidence[question][0][0]][0].lower()
        subject = [name for name in names if gold.count(name) > 2]
        for text in world.distractors(question):
            held = sum(text.lower().count(name) > 2 for name in subject if name not in COMMON)
            shared[held] += 1
    assert shared[1] > 0.8 * shared.total()


DOCUMENTS = {"distractors", "other_question", "rest_of_document"}
COMMON = {"treatment", "patients", "associated", "effective", "improving", "decreasing", "reduction"}


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 2**40), st.floats(0, 4), st.floats(0, 1))
def test_a_larger_dataset_begins_with_the_smaller_one(
    questions: int, more: int, seed: int, distractors: float, train_share: float
) -> None:
    parameters = {"seed": seed, "distractors": distractors, "train_share": train_share}
    small = Whole(build(questions=questions, **parameters).batches())
    large = Whole(build(questions=questions + more, **parameters).batches())
    assert list(large.questions.items())[: len(small.questions)] == list(small.questions.items())
    assert list(large.documents.items())[: len(small.documents)] == list(small.documents.items())
    assert {name: large.evidence[name] for name in small.evidence} == small.evidence


def test_another_seed_is_another_world() -> None:
    texts, others = (
        {text for text, _, _ in Whole(build(questions=300, seed=seed).batches()).questions.values()}
        for seed in (3, 4)
    )
    assert not texts & others


def test_it_streams() -> None:
    dataset = build(questions=211_000)
    first = next(iter(dataset.batches()))
    assert len(first.questions) < 1000


@pytest.mark.parametrize(("share", "train"), [(0, 0), (0.25, 25), (0.5, 50), (0.7, 70), (1, 100)])
def test_the_split_is_exact(share: float, train: int) -> None:
    found = Whole(build(questions=100, train_share=share).batches())
    assert sum(split == "train" for _, _, split in found.questions.values()) == train


def test_classes_are_mixed_as_asked_for(world: Whole) -> None:
    labels = Counter(label for _, label, _ in world.questions.values())
    for answer, share in {"yes": 0.55, "no": 0.34, "maybe": 0.11}.items():
        assert abs(labels[answer] / 1500 - share) < 1.5 * two_standard_errors(share, 1500)
    sure = Whole(build(questions=50, class_shares={"yes": 0, "no": 1, "maybe": 0}).batches())
    assert {label for _, label, _ in sure.questions.values()} == {"no"}


def test_shares_that_do_not_add_up_to_one_are_an_error() -> None:
    with pytest.raises(DataError, match=r"add up to 1\.2") as error:
        build(class_shares={"yes": 0.7, "no": 0.4, "maybe": 0.1})
    assert error.value.hint


def test_the_evidence_tells_the_answer(world: Whole) -> None:
    labels = [label for _, label, _ in world.questions.values()]
    reduced = [numberless(" ".join(world.sentences(question))) for question in world.questions]
    assert guessed_share(reduced, labels) > majority_share(labels) + 0.2


def numberless(text: str) -> str:
    text = re.sub(r"[pP] ?< ?0?\.001|[pP] ?= ?0?\.0[0-4]\d*", " psmall ", text)
    return re.sub(r"[pP] ?= ?0?\.\d+", " plarge ", text)


def test_of_two_sentences_both_are_needed(world: Whole) -> None:
    pairs = [question for question in world.questions if len(world.evidence[question]) == 2]
    labels = [world.questions[question][1] for question in pairs]
    both = guessed_share([numberless(" ".join(world.sentences(question))) for question in pairs], labels)
    for half in (0, 1):
        alone = guessed_share([numberless(world.sentences(question)[half]) for question in pairs], labels)
        assert both > alone + 0.02


@pytest.mark.parametrize("source", ["question", "distractors", "other_question", "rest_of_document", "shape"])
def test_nothing_but_the_evidence_beats_the_majority_share(world: Whole, source: str) -> None:
    questions = list(world.questions)
    if source == "distractors":
        questions = [question for question in questions if world.distractors(question)]
    texts = [without_the_answer(world, questions, row, source) for row in range(len(questions))]
    labels = [world.questions[question][1] for question in questions]
    majority = majority_share(labels)
    longest = 1 if source in DOCUMENTS else 2
    assert guessed_share(texts, labels, longest) < majority + two_standard_errors(majority, len(labels))


def without_the_answer(world: Whole, questions: list[str], row: int, source: str) -> str:
    question = questions[row]
    name, start, _ = world.evidence[question][0]
    text, sections = world.documents[name]
    if source == "question":
        return world.questions[question][0]
    if source == "distractors":
        return " ".join(map(numberless, world.distractors(question)))
    if source == "other_question":
        return numberless(world.documents[world.evidence[questions[row - 7]][0][0]][0])
    if source == "rest_of_document":
        for sentence in world.sentences(question):
            text = text.replace(sentence, "")
        return numberless(text)
    return f"length{len(text.split()) // 20} place{int(start / len(text) * 10)} sections{len(sections)} {name[7:]}x"
