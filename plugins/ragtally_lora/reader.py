"""The reader behind `lora`: learns to give the examples' answers, and answers in batches."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ragtally import ABSTENTION, Answers, DataError, Examples, Location, Prompt, Reading, TrainingSession, Vote
from ragtally.support.dev_split import split_dev
from ragtally.support.local_models import memory_error, torch_state
from ragtally_lora.base import Base, State, load_base
from ragtally_lora.card import model_card
from ragtally_lora.source import WEIGHTS, BaseSource
from ragtally_lora.texts import Exchange, encode_answer, encode_prompt, require_room
from ragtally_lora.training import Settings, Training
from ragtally_prompts import own_prompt
from ragtally_prompts.builtin import BuiltInPrompt, Form
from ragtally_prompts.reader import ChatReader
from ragtally_prompts.wording import WORDINGS

_FEWEST = 1
_SETTINGS = ("epochs", "rate", "schedule", "warmup", "batch", "accumulation", "patience", "checkpoint_every")


class LoraReader:
    """A base with adapters of its own; one training a vote."""

    # On one machine with one number of threads the same seed gives the same bytes; elsewhere sums are rounded
    # otherwise, and losses differ from about the fifth digit on.

    def __init__(self, source: BaseSource, parameters: Mapping[str, Any]) -> None:
        self._source, self._parameters = source, dict(parameters)
        self._form = Form(wording=WORDINGS[parameters["language"] or "en"], instructions=parameters["instructions"])
        template = parameters["template"]
        self._words: Mapping[str, str] = parameters["words"] or {}
        self._prompts = ChatReader(
            BuiltInPrompt(self._form) if template is None else own_prompt(template, 0),
            parameters["words"], 0, self._form,
        )  # fmt: skip
        self._config: LoraConfig | None = None
        self._state: State | None = None
        self._examples = 0

    def train(self, examples: Examples, vote: Vote) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.train_in(TrainingSession(Path(folder), lambda point, steps: None), examples, vote)

    def train_in(self, session: TrainingSession, examples: Examples, vote: Vote) -> None:
        answers = examples.reading.answers
        learnt, aside = split_dev(examples.label, self._parameters["dev"], vote.seed, answers=answers, fewest=_FEWEST)
        base = self._load_base()
        prompts = self._prompts.prompts(examples.reading, None)
        exchanges = [
            Exchange(
                encode_prompt(base.tokenizer, prompt), encode_answer(base.tokenizer, self._answer(label), base.end)
            )
            for prompt, label in zip(prompts, examples.label, strict=True)
        ]
        require_room(exchanges, self._window(base))
        settings = Settings(**{name: self._parameters[name] for name in _SETTINGS})
        layers = self._parameters["layers"]
        config = LoraConfig(
            r=self._parameters["rank"],
            lora_alpha=self._parameters["alpha"],
            lora_dropout=self._parameters["dropout"],
            target_modules=self._parameters["targets"],
            layers_to_transform=None if layers is None else base.last_layers(layers),
            task_type="CAUSAL_LM",
        )
        with torch_state(vote.seed, self._parameters["threads"]):
            base.attach(config, None)
            if self._parameters["gradient_checkpointing"]:
                base.save_memory()
            train, dev = [exchanges[row] for row in learnt], [exchanges[row] for row in aside]
            state = Training(base, train, dev, settings, vote.seed, session).run()
        self._config, self._state, self._examples = base.config(), state, len(examples)

    def read(self, reading: Reading, vote: Vote) -> Answers:
        if self._state is None or self._config is None:
            raise DataError("the reader lora was asked before it was trained", hint="train or load it first")
        base = self._load_base()
        prompts = self._prompts.prompts(reading, None)
        with torch_state(vote.seed, self._parameters["threads"]), torch.inference_mode():
            base.attach(self._config, self._state)
            try:
                return self._answers(base, prompts, reading.answers)
            except RuntimeError as error:
                batch = self._parameters["read_batch"]
                raise memory_error("the base", batch, "questions", error) or error from error

    def _answers(self, base: Base, prompts: Sequence[Prompt], answers: tuple[str, ...]) -> Answers:
        encoded = [encode_prompt(base.tokenizer, prompt) for prompt in prompts]
        scores = self._parameters["answer"] == "score"
        words = [self._answer(answer) for answer in answers] if scores else []
        candidates = [encode_answer(base.tokenizer, word, base.end) for word in words]
        room = max(map(len, candidates)) if scores else self._parameters["max_new_tokens"]
        window = self._window(base)
        fits = [window is None or len(tokens) + room <= window for tokens in encoded]
        # Of one length or nearly, so that little is filled up.
        order = sorted((row for row in range(len(encoded)) if fits[row]), key=lambda row: (len(encoded[row]), row))
        text: list[str | None] = [None] * len(encoded)
        choice: list[str | None] = [None] * len(encoded)
        written: list[int | None] = [None] * len(encoded)
        batch = self._parameters["read_batch"]
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            prompts_of_rows = [encoded[row] for row in rows]
            if scores:
                for row, best in zip(rows, base.likeliest(prompts_of_rows, candidates), strict=True):
                    choice[row], written[row] = answers[best], len(candidates[best])
            else:
                for row, tokens in zip(rows, base.write(prompts_of_rows, room), strict=True):
                    text[row], written[row] = base.tokenizer.decode(tokens, skip_special_tokens=True), len(tokens)
        error = [
            None if fit else f"the prompt has {len(tokens):,} tokens, with {room} for the answer more than {window:,}"
            for fit, tokens in zip(fits, encoded, strict=True)
        ]
        return Answers(
            text=text, choice=choice, error=error, input_tokens=list(map(len, encoded)), output_tokens=written
        )

    def _answer(self, label: str) -> str:
        said = self._form.wording.cannot if label == ABSTENTION else self._words.get(label, label)
        return self._form.answer(said)

    def _window(self, base: Base) -> int | None:
        asked, most = self._parameters["max_tokens"], base.window
        if asked is not None and most is not None and asked > most:
            raise DataError(f"{self._source.title} reads {most:,} tokens, not {asked:,}", hint=f"max_tokens: {most}")
        return most if asked is None else asked

    def _load_base(self) -> Base:
        settings = (self._parameters[name] for name in ("precision", "quantise", "device"))
        return load_base(self._source, *settings)

    def save(self, folder: Path) -> None:
        """Write the adapter as PEFT does, with a card; the same training gives the same bytes."""
        if self._state is None or self._config is None:
            raise DataError("the reader lora has nothing to save", hint="train or load it first")
        save_file(self._state, folder / WEIGHTS, metadata={"format": "pt"})
        # In an order, and without the base's path, which PEFT notes: the same training gives the same bytes anywhere.
        config = {**self._config.to_dict(), "base_model_name_or_path": self._source.title, "inference_mode": True}
        text = json.dumps(config, indent=2, sort_keys=True)
        (folder / "adapter_config.json").write_text(text + "\n", encoding="utf-8")
        (folder / "README.md").write_text(
            model_card(self._source, self._parameters, self._examples), encoding="utf-8"
        )

    def load(self, folder: Path) -> None:
        try:
            self._state = load_file(folder / WEIGHTS)
            self._config = LoraConfig.from_pretrained(str(folder))
        except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
            raise DataError(
                f"no adapter can be read from here: {error}",
                location=Location(str(folder)),
                hint="remove the folder and train again: ragtally run SPEC --stage train",
            ) from error
