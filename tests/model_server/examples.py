"""Replies to prompts that ask for examples for training, or for grades of one; bad ones at known rates."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from model_server.faults import fraction

if TYPE_CHECKING:
    from model_server.asks import Ask
    from model_server.settings import Settings

_FORM = re.compile(r"Reply with this JSON alone:\n(\{.*\})")
_BLOCK = re.compile(r'(Passage|Example|example|rejected):\n"""\n(.*?)\n"""', re.DOTALL)
_COUNT = re.compile(r"Write (\d+) ")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
UNGROUNDED = "It was settled in Atlantis in the year 1234."
"""The answer of a bad example; no passage says so."""
FAULTS = ("prose", "half", "many", "language", "empty", "nonsense")
"""What becomes of a reply that goes wrong: each share is a setting."""
MANY = 200


def examples_reply(ask: Ask, settings: Settings) -> str | None:
    """Answer a prompt that asks for examples or grades; None for another prompt."""
    if (match := _FORM.search(ask.text)) is None:
        return None
    form, blocks = json.loads(match[1]), dict(_BLOCK.findall(ask.text))
    passage = blocks.get("Passage")
    if "examples" not in form:
        return json.dumps(_grades(form, passage, blocks["Example"], ask, settings), ensure_ascii=False)
    fault = _fault(ask, settings)
    count = int(found[1]) if (found := _COUNT.search(ask.text)) else 1
    if fault == "prose":
        return "Sure! Here are some questions that one could ask about this text. What is it about? It is about much."
    if fault == "empty":
        return ""
    if fault == "nonsense":
        return '{"result": "ok"}'
    number = MANY if fault == "many" else count
    language = fault == "language"
    items = [_example(form["examples"][0], passage, n, ask, settings, spanish=language) for n in range(number)]
    text = json.dumps({"examples": items}, ensure_ascii=False)
    return text[: len(text) // 2] if fault == "half" else text


def _fault(ask: Ask, settings: Settings) -> str | None:
    chance, below = fraction("example fault", settings.seed, ask.key), 0.0
    for name, share in settings.example_faults.items():
        below += share
        if chance < below:
            return name
    return None


def _example(
    form: dict[str, Any],
    passage: str | None,
    number: int,
    ask: Ask,
    settings: Settings,
    *,
    spanish: bool,
) -> dict[str, Any]:
    chance = fraction("example", settings.seed, f"{ask.key}{number}")
    sentences = [text for text in _SENTENCE.split(passage or "Water boils at a hundred degrees.") if text.strip()]
    answer = sentences[int(chance * len(sentences))]
    topic = " ".join(re.findall(r"\w+", answer)[:8])
    question = f"What is known, by note {int(chance * 1_000_000)}, about {topic}?"
    bad = fraction("bad example", settings.seed, f"{ask.key}{number}") < settings.bad_examples
    if spanish:
        question, answer = (
            f"¿Qué se sabe de este asunto número {number} en general?",
            "No se sabe nada de eso todavía.",
        )
    elif bad and "was rejected" not in ask.text:
        answer = UNGROUNDED
    if "turns" in form:
        more = [{"role": "user", "text": "And is that sure?"}, {"role": "assistant", "text": answer}]
        return {"turns": [{"role": "user", "text": question}, {"role": "assistant", "text": answer}, *more]}
    if "label" in form:
        labels = form["label"].split(" or ")
        return {"text": f"{topic}, note {int(chance * 1_000_000)}.", "label": labels[int(chance * len(labels))]}
    if "instruction" in form:
        return {"instruction": question, "input": "", "output": answer}
    return {"question": question, "answer": answer}


def _grades(form: dict[str, str], passage: str | None, example: str, ask: Ask, settings: Settings) -> dict[str, str]:
    """Grounded is an example whose last answer stands in the passage; all else passes. Some grades are wrong."""
    answer = example.rpartition("Assistant: ")[2].strip()
    grades = {}
    for name in form:
        if name.endswith("_reason"):
            grades[name] = f"As the passage has it, by the criterion {name.removesuffix('_reason')}."
            continue
        right = name != "grounded" or passage is None or answer in passage or "label" in example
        wrong = fraction(f"grade {name}", settings.seed, ask.key) < settings.grading_errors
        grades[name] = "yes" if right != wrong else "no"
    return grades
