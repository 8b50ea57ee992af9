"""A line of every form is read back as the example that it was written from."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragtally.support.training_forms import FORMS, TrainingExample, Turn, full_line, read_line, source_line

text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
turns = st.lists(text, min_size=2, max_size=6).map(
    lambda words: tuple(
        Turn(("user", "assistant")[number % 2], one) for number, one in enumerate(words[: len(words) // 2 * 2])
    )
)
systems = st.lists(text.map(lambda words: Turn("system", words)), max_size=1).map(tuple)
EXAMPLE = TrainingExample(
    "00ff",
    "instruction",
    (Turn("user", "Do."), Turn("assistant", "Done.")),
    "This.",
    None,
    "d",
    3,
    9,
    "page 1",
    "big",
)


@settings(max_examples=40)
@given(turns, systems, st.none() | text, st.none() | text)
def test_every_form_gives_the_example_back(
    turns: tuple[Turn, ...], system: tuple[Turn, ...], about: str | None, label: str | None
) -> None:
    example = replace(EXAMPLE, turns=system + turns, input=about, label=label)
    for name, form in FORMS.items():
        line = full_line(form, example)
        if line is None:
            assert name == "alpaca"
            assert len(turns) > 2
            continue
        assert None not in line.values()
        source = None if form.has_sources else source_line(example)
        assert read_line(json.loads(json.dumps(line)), source) == example


@pytest.mark.parametrize("name", FORMS)
def test_an_example_of_no_document_and_nobody(name: str) -> None:
    example = TrainingExample("1", "question_answer", EXAMPLE.turns)
    line = full_line(FORMS[name], example)
    assert line is not None
    assert read_line(line, None if FORMS[name].has_sources else source_line(example)) == example


def test_the_strict_form_holds_nothing_else() -> None:
    assert full_line(FORMS["openai"], EXAMPLE) == {
        "messages": [{"role": "user", "content": "Do.\n\nThis."}, {"role": "assistant", "content": "Done."}]
    }


def test_other_peoples_lines_are_read() -> None:
    line = {"instruction": "Do.", "input": "", "output": "Done."}
    assert read_line(line) == TrainingExample("", "question_answer", EXAMPLE.turns)
    assert read_line({**line, "input": "x"}).kind == "instruction"
    assert read_line(
        {"conversations": [{"from": "human", "value": "Do."}, {"from": "gpt", "value": "Done."}]}
    ).turns == (EXAMPLE.turns)


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"text": "x"},
        {"messages": []},
        {"messages": [{"role": "user", "content": "x"}]},
        {"messages": [{"role": "assistant"}]},
        {"messages": [{"role": "assistant", "content": 3}]},
        {"messages": "x"},
        {"instruction": "x"},
        {"completion": [{"role": "assistant", "content": "x"}]},
    ],
)
def test_what_is_no_example_is_an_error(line: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"form|turn"):
        read_line(line)
