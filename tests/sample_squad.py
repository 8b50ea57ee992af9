"""A small file in the form of SQuAD: towns, each with a paragraph of its own, and what is asked of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ragtally.api import canonical_json

TOWNS = ("Arden", "Belmar", "Corlen", "Dunmoor", "Elvas", "Farrow", "Gorsey", "Hollin", "Irwell", "Jarvis")
RIVERS = ("Tarn", "Ouse", "Lune", "Wear", "Aire", "Nidd", "Swale", "Esk", "Don", "Rye")


def paragraph(row: int) -> dict[str, Any]:
    """Write a paragraph about a town: two questions that can be answered and, of every third, one that cannot."""
    town, river, people = TOWNS[row], RIVERS[row], str(1_000 + 37 * row)
    context = f"{town} lies on the river {river}. In the last census {people} people lived in {town}. It has a mill."
    questions = [
        (f"On which river does {town} lie?", river),
        (f"How many people live in {town}?", people),
        *([(f"Who founded {town}?", None)] if row % 3 == 0 else []),
    ]
    return {
        "context": context,
        "qas": [
            {
                "id": f"{town}-{number}",
                "question": question,
                "is_impossible": answer is None,
                "answers": [] if answer is None else [{"text": answer, "answer_start": context.index(answer)}],
            }
            for number, (question, answer) in enumerate(questions)
        ],
    }


def squad(towns: int = len(TOWNS)) -> dict[str, Any]:
    """Write two articles."""
    paragraphs = [paragraph(row) for row in range(towns)]
    half = towns // 2
    return {
        "data": [{"title": "A", "paragraphs": paragraphs[:half]}, {"title": "B", "paragraphs": paragraphs[half:]}]
    }


def references() -> dict[str, list[str]]:
    """The right answers by question."""
    every = [qa for article in squad()["data"] for each in article["paragraphs"] for qa in each["qas"]]
    return {qa["id"]: [answer["text"] for answer in qa["answers"]] for qa in every}


def write_squad(path: Path, content: Mapping[str, Any] | None = None) -> Path:
    """Write the file; say where."""
    path.write_text(canonical_json(squad() if content is None else content), encoding="utf-8")
    return path


def write_recorded(path: Path, answers: Mapping[str, list[str]]) -> Path:
    """Write recorded answers, one list of votes per question."""
    lines = [
        {"question": question, "vote": vote, "text": text}
        for question, votes in answers.items()
        for vote, text in enumerate(votes)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path
