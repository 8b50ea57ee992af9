"""A model in memory: reads a prompt once for all its votes, and writes answers, constrained ones too."""

from __future__ import annotations

import functools
import json
import os
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragtally import CallError
from ragtally_llama_cpp.library import chat_formats, grammars, llama_cpp, load
from ragtally_llama_cpp.model_file import header, name_of, path_of, require_context, require_template

# Prompts are read in blocks of so many tokens. A stopped run waits for no more than one; larger ones are no faster.
_BLOCK = 128
_FIRST_CONTEXT = 1024
# llama.cpp rounds contexts up to a multiple of this.
_STEP = 256
_ESCAPES = re.compile(r"(?:\\\\u[0-9a-f]{4})+")

Messages = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How words are drawn, and where an answer ends."""

    temperature: float
    top_p: float
    top_k: int
    min_p: float
    max_tokens: int
    frequency_penalty: float
    presence_penalty: float
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one prompt."""

    text: str
    finish_reason: str  # `stop`, or `length` where it was cut off
    prompt_tokens: int
    completion_tokens: int


class AbortedCall(Exception):
    """Nobody waits for the answer any more."""


class LocalModel:
    """One model file in memory, with the context of the prompt that it read last."""

    def __init__(
        self, model: str, adapter: str | None, num_ctx: int | None, threads: int | None, gpu_layers: int
    ) -> None:
        self._name, self._path = name_of(model, adapter), path_of(model)
        self._adapter = None if adapter is None else path_of(adapter)
        about = header(model)
        require_context(model, num_ctx)
        template = require_template(model, about)
        self._longest, self._grows = num_ctx or about.shape.window, num_ctx is None
        threads = threads or _default_threads()
        self._settings = {"n_threads": threads, "n_threads_batch": threads, "n_gpu_layers": gpu_layers}
        self._room = min(_FIRST_CONTEXT, self._longest) if self._grows else self._longest
        self._read: list[int] = []  # The tokens in the context, as far as they were read in whole blocks
        self._lock = threading.Lock()
        self._llama: Any = self._load(self._room)
        self._keeps = not (
            llama_cpp.llama_model_is_recurrent(self._llama.model)
            or llama_cpp.llama_model_is_hybrid(self._llama.model)
        )
        self._formatter = chat_formats.Jinja2ChatFormatter(
            template=template,
            eos_token=self._word(self._llama.token_eos()),
            bos_token=self._word(self._llama.token_bos()),
        )

    def make_room(self, tokens: int) -> None:
        """Have the next prompt find a context of so many tokens, as far as the model has it."""
        if self._grows:
            self._room = max(self._room, min(tokens, self._longest))

    def answer(
        self,
        messages: Messages,
        sampling: Sampling,
        seed: int | None,
        schema: Mapping[str, Any] | None,
        abort: threading.Event,
    ) -> Answer:
        """Answer one prompt."""
        with self._lock:
            tokens = self._tokenize(messages)
            self._fit(len(tokens), sampling.max_tokens)
            self._read_prompt(tokens, abort)
            return self._write(tokens, sampling, seed, schema, abort)

    def _load(self, tokens: int) -> Any:
        size = min(-(-tokens // _STEP) * _STEP, max(self._longest, _STEP))
        return load(self._path, self._adapter, n_ctx=size, n_batch=_BLOCK, n_ubatch=_BLOCK, **self._settings)

    def _tokenize(self, messages: Messages) -> list[int]:
        try:
            prompt = self._formatter(messages=list(messages)).prompt
        except ValueError:
            # What templates raise that know no system message (Gemma's); it then stands before the first question.
            prompt = self._formatter(messages=_without_system(messages)).prompt
        tokens: list[int] = self._llama.tokenize(prompt.encode(), add_bos=False, special=True)
        return tokens

    def _fit(self, prompt_tokens: int, answer_tokens: int) -> None:
        need = prompt_tokens + answer_tokens
        if need > self._longest:
            longer = "a model with a larger context" if self._grows else f"a larger context: num_ctx: {need}"
            raise CallError(
                f"the prompt has {prompt_tokens:,} tokens and its answer may have {answer_tokens:,}, more than the "
                f"{self._longest:,} that {self._name} reads",
                reason="too long",
                hint=f"a smaller top_k, context_words or max_tokens, or {longer}",
            )
        if max(need, self._room) > self._llama.n_ctx():
            # By leaps, so that ever longer prompts do not load the model ever again.
            self._llama.close()
            self._read = []
            self._llama = self._load(max(self._room, min(2 * need, self._longest)))

    def _read_prompt(self, tokens: list[int], abort: threading.Event) -> None:
        """Have the context hold a prompt but its last token; what it holds already is not read again."""
        # In the same blocks whatever was asked before: with the number of tokens that are read at once the last bits
        # of what a model computes change, and an answer would depend on its neighbours.
        body = tokens[:-1]
        same = body == self._read
        common = len(body) if same else _common(self._read, body) // _BLOCK * _BLOCK
        if not self._keeps:
            common = 0
            self._llama.reset()
        self._llama.n_tokens = common
        self._read = body[:common]
        for start in range(common, len(body), _BLOCK):
            if abort.is_set():
                raise AbortedCall
            block = body[start : start + _BLOCK]
            self._llama.eval(block)
            self._read += block

    def _write(
        self,
        tokens: list[int],
        sampling: Sampling,
        seed: int | None,
        schema: Mapping[str, Any] | None,
        abort: threading.Event,
    ) -> Answer:
        vocabulary = llama_cpp.llama_model_get_vocab(self._llama.model)
        self._llama.set_seed(llama_cpp.LLAMA_DEFAULT_SEED if seed is None else seed)
        stream = self._llama.generate(
            tokens[-1:],
            reset=False,
            temp=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            min_p=sampling.min_p,
            frequency_penalty=sampling.frequency_penalty,
            presence_penalty=sampling.presence_penalty,
            grammar=None if schema is None else _grammar(json.dumps(schema)),
        )
        answer: list[int] = []
        text, reason = "", "length"
        for token in stream:
            if abort.is_set():
                raise AbortedCall
            if llama_cpp.llama_vocab_is_eog(vocabulary, token):
                reason = "stop"
                break
            answer.append(token)
            if sampling.stop:
                text = self._text(answer, tokens)
                ends = [text.index(stop) for stop in sampling.stop if stop in text]
                if ends:
                    return Answer(text[: min(ends)], "stop", len(tokens), len(answer))
            if len(answer) == sampling.max_tokens:
                break
        return Answer(self._text(answer, tokens), reason, len(tokens), len(answer))

    def _text(self, answer: list[int], prompt: list[int]) -> str:
        # A character may be cut off in its middle.
        text: str = self._llama.detokenize(answer, prev_tokens=prompt).decode(errors="ignore")
        return text

    def _word(self, token: int) -> str:
        if token == -1:
            return ""
        text: bytes = llama_cpp.llama_vocab_get_text(llama_cpp.llama_model_get_vocab(self._llama.model), token)
        return text.decode(errors="replace")


def _default_threads() -> int:
    # llama.cpp's threads spin until the last one is done: where another process keeps a core busy, two threads on two
    # cores took 1 to 35 s for a prompt of which one takes 2.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // 2)


def _without_system(messages: Messages) -> list[dict[str, str]]:
    rules = "\n\n".join(message["content"] for message in messages if message["role"] == "system")
    others = [dict(message) for message in messages if message["role"] != "system"]
    if rules and others:
        others[0]["content"] = f"{rules}\n\n{others[0]['content']}"
    return others


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    pairs = enumerate(zip(left, right, strict=False))
    return next((number for number, (one, other) in pairs if one != other), min(len(left), len(right)))


@functools.lru_cache(maxsize=32)
def _grammar(schema: str) -> Any:
    grammar = grammars.json_schema_to_gbnf(schema)
    # It spells what is not ASCII by escapes; a model is to write its words as it knows them.
    readable = _ESCAPES.sub(lambda match: _plain(match[0].replace("\\\\", "\\")), grammar)
    # A line feed within a text is no JSON; llama.cpp's own grammar leaves control characters out as well.
    strict = readable.replace(r'[^"\\]', r'[^"\\\x7F\x00-\x1F]')
    return grammars.LlamaGrammar.from_string(strict, verbose=False)


def _plain(escapes: str) -> str:
    text: str = json.loads(f'"{escapes}"')
    return text if text.isprintable() and not text.isascii() else escapes.replace("\\", "\\\\")
