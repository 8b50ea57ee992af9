"""The reader behind `fine_tuning`: the prompts of `chat`, and the replies that a model is to learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ragtally import ABSTENTION, TuningSettings
from ragtally_prompts import own_prompt
from ragtally_prompts.builtin import BuiltInPrompt, Form
from ragtally_prompts.reader import ChatReader
from ragtally_prompts.wording import WORDINGS


class FineTuningReader(ChatReader):
    """Writes prompts without examples, which the model has learnt from instead."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        form = Form(
            structured=parameters["structured"] in (True, "prompt"),
            instructions=parameters["instructions"],
            wording=WORDINGS[parameters["language"] or "en"],
        )
        template = parameters["template"]
        writer = BuiltInPrompt(form) if template is None else own_prompt(template, 0)
        super().__init__(writer, parameters["words"], 0, form)
        self._reply, self._own_words = form, parameters["words"] or {}
        names = ("epochs", "batch", "rate_multiplier", "seed")
        self._settings = TuningSettings(**{name: parameters[name] for name in names})

    def replies(self, labels: Sequence[str], answers: tuple[str, ...]) -> Sequence[str]:
        cannot = self._reply.wording.cannot
        words = [cannot if label == ABSTENTION else self._own_words.get(label, label) for label in labels]
        return [self._reply.answer(word) for word in words]

    def tuning(self) -> TuningSettings:
        return self._settings
