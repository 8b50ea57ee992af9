"""Chunkers: their chunks hold the whole text and slice back to it."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.api import Chunker, Documents, Spans, SpecError
from ragtally_chunkers import register_chunkers

COMPONENTS = {component.name: component for component in register_chunkers()}
SPACES = " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2003\u2028\u2029\u202f\u205f\u3000"
TEXTS = st.lists(
    st.one_of(
        st.text(st.sampled_from(SPACES), min_size=1, max_size=3),
        st.sampled_from(
            ["Dr.", "p", "=", "0.05.", "e.g.", "End.", "What?", "1.", "J.", "。", "…", "(", ")", "\u200b"]
        ),
        st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
        st.sampled_from(["🧬", "👩‍🔬", "e\u0301", "x" * 3000, "." * 40]),
    ),
    max_size=30,
).map("".join)


@st.composite
def documents(draw: st.DrawFn) -> Documents:
    texts = draw(st.lists(TEXTS, max_size=4))
    starts, ends = [], []
    for text in texts:
        offsets = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
        starts.append(offsets[0 : len(offsets) - 1 : 2])
        ends.append(offsets[1::2])
    return Documents([str(row) for row in range(len(texts))], texts, starts, ends)


def plain(*texts: str) -> Documents:
    return Documents([str(row) for row in range(len(texts))], texts, [[]] * len(texts), [[]] * len(texts))


def build(name: str, **given_parameters: int | str) -> Chunker:
    component = COMPONENTS[name]
    defaults = {key: schema["default"] for key, schema in component.params.items()}
    return component.build(**{**defaults, **given_parameters})


def slices(spans: Spans, given_documents: Documents) -> list[str]:
    rows = zip(spans.document.tolist(), spans.start.tolist(), spans.end.tolist(), strict=True)
    return [given_documents.text[row][start:end] for row, start, end in rows]


def split(name: str, text: str, **parameters: int | str) -> list[str]:
    given_documents = plain(text)
    return slices(build(name, **parameters).split(given_documents), given_documents)


EVERY = [
    ("words", {"size": 1}),
    ("words", {"size": 3, "overlap": 2}),
    ("words", {"size": 5, "overlap": 1}),
    ("sentences", {"size": 1}),
    ("sentences", {"size": 3, "overlap": 1}),
    ("words", {"size": 3, "overlap": 1, "language": "ja"}),
    ("sentences", {"size": 1, "language": "de"}),
    ("sections", {}),
    ("whole", {}),
]


@pytest.mark.parametrize(("name", "parameters"), EVERY)
@given(given_documents=documents())
def test_chunks_hold_every_character_and_no_outer_white_space(
    name: str, parameters: dict[str, int | str], given_documents: Documents
) -> None:
    spans = build(name, **parameters).split(given_documents)
    covered = [np.zeros(len(text), bool) for text in given_documents.text]
    for row, start, end, text in zip(
        spans.document.tolist(), spans.start.tolist(), spans.end.tolist(), slices(spans, given_documents), strict=True
    ):
        assert text.strip()
        # A whole document is all of it, so that it holds all of an evidence that is the document.
        assert text == (given_documents.text[row] if name == "whole" else text.strip())
        assert len(text) == end - start
        covered[row][start:end] = True
    for text, seen in zip(given_documents.text, covered, strict=True):
        assert all(seen[location] or character.isspace() for location, character in enumerate(text))
    places = list(zip(spans.document.tolist(), spans.start.tolist(), strict=True))
    assert places == sorted(places)
    assert {spans.document.dtype, spans.start.dtype, spans.end.dtype} == {np.dtype(np.int32)}


@given(text=TEXTS, size=st.integers(1, 6), overlap=st.integers(0, 5))
def test_words_are_those_of_split(text: str, size: int, overlap: int) -> None:
    overlap = min(overlap, size - 1)
    words = text.split()
    expected = []
    for first in range(0, len(words), size - overlap):
        expected.append(words[first : first + size])
        if first + size >= len(words):
            break
    assert [chunk.split() for chunk in split("words", text, size=size, overlap=overlap)] == expected


def test_words_across_batches_are_those_of_each_document() -> None:
    texts = [f"  {row} " + "word " * (row * 7919 % 30_000) for row in range(60)]
    given_documents = plain(*texts, "", " \n")
    spans = build("words", size=100, overlap=20).split(given_documents)
    singly = [build("words", size=100, overlap=20).split(plain(text)) for text in texts]
    assert spans.document.tolist() == [row for row, of_one in enumerate(singly) for _ in range(len(of_one))]
    assert spans.start.tolist() == [start for of_one in singly for start in of_one.start.tolist()]
    assert spans.end.tolist() == [end for of_one in singly for end in of_one.end.tolist()]


def test_white_space_is_what_python_says_for_every_code_point() -> None:
    characters = [chr(code) for code in range(sys.maxunicode + 1)]
    text = "".join(f"{character}x" for character in characters)
    assert split("words", text, size=1) == text.split()


@pytest.mark.parametrize("name", ["words", "sentences", "tokens"])
def test_a_window_that_does_not_move_is_told_when_the_spec_is_read(name: str) -> None:
    (component,) = (each for each in register_chunkers() if each.name == name)
    assert component.check is not None
    assert not component.check({"size": 4, "overlap": 3})
    (fault,) = component.check({"size": 4, "overlap": 4})
    assert fault.parameter == "overlap"
    assert "from 0 to 3" in str(fault.hint)


@pytest.mark.parametrize("name", ["words", "sentences"])
@pytest.mark.parametrize(("size", "overlap"), [(4, 4), (4, 9), (0, 0), (3, -1)])
def test_a_window_that_does_not_move_is_refused(name: str, size: int, overlap: int) -> None:
    with pytest.raises(SpecError, match=name) as caught:
        build(name, size=size, overlap=overlap)
    assert caught.value.hint


ONE_SENTENCE = [
    "The effect was significant (p = 0.05) in all arms.",
    "Effects were seen at P < .001 and at 3.5 mg/dl.",
    "Anticoagulants, e.g. Warfarin and others, were stopped.",
    "Dr. Smith and Prof. Jones examined them.",
    "Aspirin vs. Placebo was compared.",
    "J. R. R. Tolkien and A. Einstein never met.",
    "Infection with E. coli or C. Difficile was rare.",
    "See Fig. 2 and Table 3, vol. 12, pp. 4-9, No. 5.",
    "Smith et al. Reported this first.",
    "It rose by 1.5 to 2.5 (cf. Table 1).",
    "Was it (i.e. Treatment A) better than approx. 5 mg?",
    "They waited... and nothing happened.",
    "1. Introduction of the device",
    "Patients in the U.S. Army were excluded.",
]
SENTENCES = [
    (["It works.", "We tried it.", "Did it?", "Yes!", "3 of 4 agreed."]),
    (["P was 0.05.", "The others were not significant."]),
    (["Levels fell (P = 0.01).", "“Never again,” they said.", "(Two left.)", "mRNA rose."]),
    (["It was given at 5 p.m. to all.", "None left."]),
    (["They tested vitamin C.", "The result was negative."]),
    (["He lives in the U.S.", "She does not."]),
    (["First line", "Second paragraph."]),
    (["これは文です。", "次の文です。"]),
    (["The dose was 5.", "7 died."]),
    (["There were others, etc.", "However, they left."]),
]


@pytest.mark.parametrize("text", ONE_SENTENCE)
def test_a_sentence_stays_whole(text: str) -> None:
    assert split("sentences", text, size=1) == [text]


@pytest.mark.parametrize("expected", SENTENCES)
def test_sentences_are_told_apart(expected: list[str]) -> None:
    between = "\n \n" if expected[0] == "First line" else " "
    assert split("sentences", between.join(expected), size=1) == expected


def test_sentences_overlap() -> None:
    chunks = split("sentences", "One is. Two are. Three are. Four are. Five are.", size=3, overlap=1)
    assert chunks == ["One is. Two are. Three are.", "Three are. Four are. Five are."]


def test_sentences_end_where_sections_do() -> None:
    text = "Aims\nTo see more of it"
    given_documents = Documents(["a"], [text], [[0, 5]], [[4, len(text)]])
    assert slices(build("sentences", size=1).split(given_documents), given_documents) == ["Aims", "To see more of it"]


@pytest.mark.parametrize("text", ["." * 200_000 + "x", "a." * 100_000, "\n " * 100_000 + "x", "(" * 200_000])
def test_odd_text_takes_no_longer_than_its_length(text: str) -> None:
    assert "".join(split("sentences", text, size=1)).replace("\n ", "") == text.replace("\n ", "")


def test_sections_come_as_given_with_what_lies_outside() -> None:
    text = "Title. First section. Between. Second section. After."
    first, second = (7, 21), (31, 46)
    given_documents = Documents(["a", "b"], [text, "no sections"], [[7, 31], []], [[21, 46], []])
    spans = build("sections").split(given_documents)
    assert list(zip(spans.start.tolist(), spans.end.tolist(), strict=True)) == [
        (0, 6),
        first,
        (22, 30),
        second,
        (47, 53),
        (0, 11),
    ]


def test_sections_may_overlap_and_come_in_any_order() -> None:
    given_documents = Documents(["a"], ["one two three four"], [[8, 0, 4, 3]], [[13, 7, 13, 4]])
    chunks = slices(build("sections").split(given_documents), given_documents)
    assert chunks == ["one two", "two three", "three", "four"]


def test_whole_documents() -> None:
    assert split("whole", "\n A. B.\n\nC \t") == ["\n A. B.\n\nC \t"]


def test_signs_of_a_script_without_spaces_count_as_words() -> None:
    text = "\u57282010\u5e74\uff0c\u4ed6 said: \u300c\u597d\u300d\u3002"
    expected = ["\u57282010", "\u5e74\uff0c\u4ed6", "said: \u300c", "\u597d\u300d\u3002"]
    assert split("words", text, size=2, language="zh") == expected
    assert split("words", text, size=2) == [text[:8] + " said:", text[-4:]]
