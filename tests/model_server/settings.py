"""What the server can be told, at its start and while it runs."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from model_server.examples import FAULTS as EXAMPLE_FAULTS
from model_server.faults import FAULTS
from model_server.schemas import WAYS

USAGES = ("right", "absent", "wrong")


@dataclass(frozen=True, slots=True)
class Model:
    """One model on offer.

    Attributes:
        digest: Ollama's digest of it: 64 hexadecimal digits, made from the name where none is given.
        context_length: How many tokens it can take. The hosted APIs refuse a longer prompt; Ollama cuts it silently.
        pulled: Whether Ollama has it here; a model that is not pulled is unknown until it is.
        reasoning_tokens: Tokens that it thinks before it answers; a smaller limit leaves the answer empty.
        refuses: Parameters that it answers with 400; `temperature` and `top_p` other than 1 only.
        architecture: Prefix of the keys of `model_info`.
        dimensions: How many numbers its embeddings have, where it is not asked for fewer.
        capabilities: What Ollama says that it can do; `thinking` is added to that of one that thinks.
        mislisted: Whether Ollama's list, though not its page, takes it for a model for chats.
    """

    digest: str | None = None
    context_length: int = 131_072
    pulled: bool = True
    reasoning_tokens: int = 0
    refuses: tuple[str, ...] = ()
    architecture: str = "llama"
    dimensions: int = 32
    capabilities: tuple[str, ...] = ("completion", "embedding")
    mislisted: bool = False

    def digest_of(self, name: str) -> str:
        return self.digest or hashlib.sha256(name.encode()).hexdigest()


DEFAULT_MODELS: dict[str, Any] = {
    "llama3.1:8b": {},
    "gemma2:2b": {"context_length": 8192, "architecture": "gemma2"},
    "qwen2.5:7b": {"pulled": False, "context_length": 32_768, "architecture": "qwen2"},
    "openai/gpt-oss-20b": {},
    "gpt-4.1-mini": {},
    "gpt-5-mini": {"refuses": ["temperature", "top_p", "max_tokens"]},
    "nomic-embed-text:latest": {"context_length": 2048, "architecture": "nomic-bert"},
    "text-embedding-3-small": {"context_length": 8192},
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set, by JSON.

    Attributes:
        models: Models by name, each a mapping with the fields of `Model`.
        any_model: Whether every other name is a model too; then none is listed.
        listed: The names in the list of OpenAI's API, whatever names it answers under, as llama.cpp's server; None
            for those of the models.
        owner: Whose that list says that they are: `vllm`, `llamacpp`.
        seed: Decides which answers are right and which requests suffer faults.
        skill: Share of the answers that are right, from 0 to 1.
        labels: The answers there are; a prompt, or the schema it brings, may allow fewer.
        schemas: What becomes of a JSON schema for the answer: one of `schemas.WAYS`.
        usage: What answers say of their tokens: `right`, `absent` or `wrong`.
        latency: Seconds before an answer.
        cache: Whether prompts are cached, and answers say how much of theirs was.
        ollama_version: Ollama's version, where the server is one alone; None for a server of every API.
        slots: How many calls at once it says that it does, as llama.cpp's server; 0 for another server. It does any.
        faults: Share of requests that suffer a fault, by the fault's name.
        mix: Share of requests that suffer one of `faults.PASSING`, all equally often.
        script: Faults (or null) for the first requests, one each in the order of their coming.
        after: Faults that every request suffers once so many calls have succeeded, by the fault's name.
        retry_after: Seconds that a 429 asks to wait.
        hold_seconds: How long `drip` takes to write a body, and `hang` waits to write one.
        max_in_flight: More requests than that at a time are answered with 429.
        api_key: The key that must come as a bearer token; None for none.
        pull_fails: Whether pulls break off in the middle.
        shuffled: Whether embeddings come in another order than the texts, told by their `index`.
        example_faults: Share of the replies with examples that go wrong, by a fault of `examples.FAULTS`.
        bad_examples: Share of the examples whose answer no passage says; those written again are good.
        grading_errors: Share of the grades of examples that are wrong.
        batch_seconds: How long a batch takes.
        batch_ends: How the batches end, in the order of their coming: `completed`, `failed`, `expired`,
            `cancelled` or `queue_full` each; the rest are completed. Half of the calls of one that expires or is
            cancelled are answered before.
        batch_creations: What happens to requests to create a batch, in the order of their coming: null, one of
            `batches.CREATIONS` (it is accepted, but the caller does not hear of it), or a fault with a status.
        batch_faults: Share of the requests to files and batches that suffer a fault: one with a status, `hang` or
            `reset`.
        batch_rows: Share of the good rows of results that go wrong, by a fault of `batch_rows.written_row`.
        batch_halves: Whether the first download of each file breaks off in the middle.
        batch_content: What every file of results holds instead of them, with the status 200.
        batch_nothing: What is said where there is no file: `null`, `text` or `object`.
        batch_listed_after: Seconds after which a new batch is in the list.
        batch_page: The most batches on one page of the list.
        batch_bytes: A larger file is not taken.
        fine_tuning: Whether there are fine-tuning jobs at all. Their list has the pages and the delay of batches.
        tuning_seconds: How long such a job takes.
        tuning_ends: How the jobs end, in the order of their coming: `succeeded`, `failed` each; the rest succeed.
        tuning_creations: As `batch_creations`, for fine-tuning jobs.
        tuned_skill: The skill of models that were fine-tuned.
        not_tunable: Models that cannot be fine-tuned.
    """

    models: Mapping[str, Any] = field(default_factory=lambda: DEFAULT_MODELS)
    any_model: bool = False
    listed: tuple[str, ...] | None = None
    owner: str = "made up"
    seed: int = 0
    skill: float = 1.0
    labels: tuple[str, ...] = ("yes", "no", "maybe")
    schemas: str = "kept"
    usage: str = "right"
    latency: float = 0.0
    ollama_version: str | None = None
    slots: int = 0
    cache: bool = False
    faults: Mapping[str, float] = field(default_factory=dict)
    mix: float = 0.0
    script: tuple[str | None, ...] = ()
    example_faults: Mapping[str, float] = field(default_factory=dict)
    bad_examples: float = 0.0
    grading_errors: float = 0.0
    after: Mapping[str, int] = field(default_factory=dict)
    retry_after: float = 1
    hold_seconds: float = 30.0
    max_in_flight: int | None = None
    api_key: str | None = None
    pull_fails: bool = False
    shuffled: bool = False
    batch_seconds: float = 0.0
    batch_ends: tuple[str | None, ...] = ()
    batch_creations: tuple[str | None, ...] = ()
    batch_faults: Mapping[str, float] = field(default_factory=dict)
    batch_rows: Mapping[str, float] = field(default_factory=dict)
    batch_halves: bool = False
    batch_nothing: str = "null"
    batch_content: str | None = None
    batch_listed_after: float = 0.0
    batch_page: int = 100
    batch_bytes: int = 200_000_000
    fine_tuning: bool = True
    tuning_seconds: float = 0.0
    tuning_ends: tuple[str | None, ...] = ()
    tuning_creations: tuple[str | None, ...] = ()
    tuned_skill: float = 1.0
    not_tunable: tuple[str, ...] = ()

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """Take over some settings, as JSON has them; raises ValueError where there is none, or it cannot be that."""
        if unknown := sorted(set(changes) - {each.name for each in fields(self)}):
            raise ValueError(f"no such settings: {', '.join(unknown)}")
        values: dict[str, Any] = {name: _frozen(value) for name, value in changes.items()}
        settings = replace(self, **values)
        settings._check()
        return settings

    def _check(self) -> None:
        for model in self.models.values():
            _model(model)
        names = [*self.faults, *self.after, *filter(None, self.script)]
        _only("fault", names, FAULTS)
        _only("example fault", self.example_faults, EXAMPLE_FAULTS)
        _only("usage", [self.usage], USAGES)
        _only("way with schemas", [self.schemas], WAYS)
        if sum(self.faults.values()) + self.mix > 1:
            raise ValueError("the faults' shares add up to more than 1")

    def model_named(self, name: str, *, pulled: bool = False) -> Model | None:
        """Find a model; a name without a tag means `latest`."""
        content = self.models.get(name, self.models.get(f"{name}:latest", {} if self.any_model else None))
        if content is None:
            return None
        model = _model(content)
        return model if model.pulled or not pulled else None


def _model(content: Mapping[str, Any]) -> Model:
    if unknown := sorted(set(content) - {each.name for each in fields(Model)}):
        raise ValueError(f"a model has no {', '.join(unknown)}")
    values: dict[str, Any] = {name: _frozen(value) for name, value in content.items()}
    return Model(**values)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _only(what: str, names: Iterable[str], allowed: Container[str]) -> None:
    for name in names:
        if name not in allowed:
            raise ValueError(f"no such {what}: {name}")
