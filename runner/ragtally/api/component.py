"""What a plugin hands over: a component's name, how to build it, and what a spec may say of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ragtally.api.converter import ConverterTraits
from ragtally.api.dataset import DatasetTraits
from ragtally.api.embedder import EmbedderTraits
from ragtally.api.executor import ExecutorTraits, Needs
from ragtally.api.footprint import Footprint
from ragtally.api.grader import GraderTraits
from ragtally.api.metric import MetricTraits
from ragtally.api.model import ModelTraits
from ragtally.api.reader import ReaderTraits
from ragtally.api.retriever import RetrieverTraits

Traits = (
    ConverterTraits
    | DatasetTraits
    | EmbedderTraits
    | ExecutorTraits
    | GraderTraits
    | ReaderTraits
    | RetrieverTraits
    | MetricTraits
    | ModelTraits
)

MODEL_SERVERS = ("llama.cpp", "ollama", "transformers", "vllm")
"""For whom `ragtally export model` writes a trained model."""

Progress = Callable[[str, int | None, int | None], None]
"""Told how far a long piece of work is: what is being done, how much of it is done, and how much there is; bytes
where it is a download, None where unknown."""


@dataclass(frozen=True, slots=True)
class ParameterFault:
    """What is wrong with parameters beyond their schema.

    Attributes:
        parameter: The parameter that is to blame, with dots for a key inside it (`options.depth`); None where it is
            all of them together.
        message: What is wrong, in one sentence.
        hint: What to write instead, where that is known.
    """

    parameter: str | None
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a component needs from the world outside, and whether it is there.

    Attributes:
        ok: Whether it is there.
        what: What was looked for and found, in one sentence.
        remedy: The command that fixes it, where there is one.
    """

    ok: bool
    what: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class ExternalResource:
    """Something outside the store that an index needs: a collection on a server, say.

    Attributes:
        what: What it is and where, in words that no other such thing has: `the collection A at http://...`.
        remove: Removes it, and does nothing where it is gone. Raises `RagtallyError` where it cannot, or where it is
            not what the index left there.
        verify: Looks whether it holds all that the index needs; where it does not, the finding says what is wrong,
            as the rest of a sentence that begins with `what`, and what to do. Raises `RagtallyError` where it cannot
            look: nothing is then known. None where there is nothing to look at.
    """

    what: str
    remove: Callable[[], None]
    verify: Callable[[Progress], Finding] | None = None


@dataclass(frozen=True, slots=True)
class Starter:
    """How `ragtally new` writes a component into a first spec.

    Attributes:
        parameters: Those that the spec states.
        name: A reader's name in the spec; its model's where it asks one.
        comment: What the spec says above it.
        data: The file or folder of a dataset that DVC watches.
        source: How a dataset's data get there: a command, or what to do; empty where nothing is needed.
        answers: What readers can answer a dataset's questions with; None where there is nothing to compare answers
            with, and retrieval alone is compared.
        grading: Of open answers the graders in order, with their parameters; the default of a spec where empty.
        language: The language of questions and documents (`pt`); empty where unknown.
        has_gold_context: Whether every question that can be answered has evidence, and so a gold context.
        metrics: What a dataset's field reports, the deciding metric first; the defaults of a spec where empty.
        notes: What to tell whoever gave the files: what was taken of them, and what was left.
        train_split: The split of a dataset that readers can learn from; None where there is none.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    comment: str = ""
    data: str = ""
    source: str = ""
    answers: Literal["labels", "open"] | None = "labels"
    grading: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    language: str = ""
    has_gold_context: bool = True
    metrics: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    train_split: str | None = "train"


@dataclass(frozen=True)
class Component:
    """One component that a plugin offers.

    Attributes:
        name: The name by which a spec picks it; for a metric with a cut-off it ends in `@k`.
        build: Called with every parameter by name; returns an object that keeps the kind's contract. Heavy
            imports belong inside it, not at the top of the plugin.
        summary: One sentence for `ragtally plugins` and the editor.
        version: To be raised whenever the same parameters and input would give another output; part of every
            address, so that old work is not taken for new.
        params: JSON Schema of each parameter by name. A parameter without a `default` must be given. Keywords
            of ragtally's own, beside JSON Schema's:
            `"x-ragtally-kind": "embedder"` - the value is a component of that kind; under `items` of a list each
            item is one. `build` gets it built, but None for what the engine itself makes use of: a model, and
            whatever a retriever names;
            `"x-ragtally-identity": false` - the value says where something is, not what it is (a path, a
            host), and stays out of addresses; give a `fingerprint` of what is there instead;
            `"x-ragtally-identity": "fingerprint"` - the value chooses what the `fingerprint` tells exactly (a
            model's name on a hub): that counts in addresses, and the value itself only for DVC, which knows
            no fingerprint;
            `"x-ragtally-identity": "if set"` - the value counts in addresses only where it is not null, so that a new
            parameter leaves finished work as it is;
            `"x-ragtally-identity": "if given"` - likewise, and where a spec leaves it out `build` does not get it;
            `"x-ragtally-search": true` (retrievers) - used in `search` only, so that indexes are shared
            between its values;
            `"x-ragtally-engine": true` - the engine takes care of it, `build` does not get it (`train`);
            `"x-ragtally-when": {"mode": ["hybrid"]}` - the value counts only where the other parameters have one of
            these values; elsewhere it is in no cell's name;
            `"x-ragtally-language": true` - left out, it is the dataset's `language` where the schema's `enum` has
            that;
            `"x-ragtally-null": "hnsw"` - what a null stands for, in cells' names and results.
            A parameter named `seed` is filled with the study's seed where the spec leaves it out.
        fingerprint: Called with the parameters; returns a hash of what the parameters point to (a file's
            content, a model's digest), or None. Raises `DataError` where that is missing.
        traits: What the engine must know before it builds the component; a value, or a function of the
            parameters. None takes the kind's defaults.
        check: Called with the parameters whenever a spec is read; says what is wrong with them beyond their
            schema, such as two that exclude each other. Fast, and without a look at the world outside.
        diagnose: Called by `ragtally doctor` with the parameters; looks whether all that the component needs is
            there (a server, a model, a key).
        missing_keys: Called with the parameters before a run asks anybody anything; returns a finding that is not ok
            for each key that the environment lacks. It asks no server.
        missing_models: Likewise before calls are made: returns a finding that is not ok for each of the user's own
            servers that does not have the model. A server that does not answer is none: the calls say so.
        provide: Called once before a run, with the parameters and a `Progress`; gets what is missing as far as
            the parameters allow it. Raises `DataError` where it cannot.
        external_resource: For a retriever that keeps its index outside the store: called with the folder that `save`
            was given, of any retriever's; says what of that index lies elsewhere, None where the folder is none of
            its own. `ragtally store gc` removes it together with the index, `ragtally store verify` looks at it.
        renamed_params: What to write instead of parameters that an earlier version had, by their old names; told to
            whoever still writes one.
        starter: How `ragtally new` writes a dataset, chunker, retriever, model or reader into a first spec, which
            leaves out whatever has none. Called with the study's name for a dataset, with what `--model` says for a
            model, with the model's name in the spec for a reader that asks one, and for a chunker or retriever with
            the language of the texts (`pt`), empty where unknown; else with an empty text.
        server_starter: Likewise for a model at a server of the user's own: called with what `--model` says, None
            where it says nothing, and with what `--api-base` does. It may ask the server.
        files_starter: Likewise for a dataset that reads the user's own files: called with the study's name, the table
            of questions, and the folder or table of documents. Raises `DataError` where no study comes of them.
        phrase: What a sentence calls it, where its name alone would not say enough: a noun phrase such as `BM25`; for
            a chunker its chunks, as in `256-word chunks`. A value, or a function of the parameters that count, in
            which each component is its own phrase.
        footprint: For a model, embedder or reader that runs in this process: what it has in memory, for
            `ragtally advise`. Called with the parameters; None where that cannot be known yet (nothing downloaded).
        citation: For a dataset, whom to cite for it: BibTeX, or a sentence.
        packages: Optional packages that its numbers depend on, beside those that its own distribution requires: the
            report names their versions. A value, or a function of the parameters.
        hand_over: For a reader that trains a model which others can serve: called with the parameters, the folder
            that `save` was given, which of `MODEL_SERVERS` is to serve it, and an empty folder for what that needs.
            Returns what to do with it, line by line. Raises `DataError` where that server does not take the model.
        needs: What one process that works with it wants of a machine, for an executor: a graphics card, say. A value,
            or a function of the parameters; None for one core.
    """

    name: str
    build: Callable[..., Any]
    summary: str
    version: int = 1
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fingerprint: Callable[[Mapping[str, Any]], str | None] | None = None
    traits: Traits | Callable[[Mapping[str, Any]], Traits] | None = None
    check: Callable[[Mapping[str, Any]], Sequence[ParameterFault]] | None = None
    diagnose: Callable[[Mapping[str, Any]], Sequence[Finding]] | None = None
    missing_keys: Callable[[Mapping[str, Any]], Sequence[Finding]] | None = None
    missing_models: Callable[[Mapping[str, Any]], Sequence[Finding]] | None = None
    provide: Callable[[Mapping[str, Any], Progress], None] | None = None
    external_resource: Callable[[Path], ExternalResource | None] | None = None
    renamed_params: Mapping[str, str] = field(default_factory=dict)
    starter: Callable[[str], Starter] | None = None
    server_starter: Callable[[str | None, str], Starter] | None = None
    files_starter: Callable[[str, Path, Path], Starter] | None = None
    phrase: str | Callable[[Mapping[str, Any]], str] = ""
    footprint: Callable[[Mapping[str, Any]], Footprint | None] | None = None
    citation: str = ""
    packages: Sequence[str] | Callable[[Mapping[str, Any]], Sequence[str]] = ()
    hand_over: Callable[[Mapping[str, Any], Path, str, Path], Sequence[str]] | None = None
    needs: Needs | Callable[[Mapping[str, Any]], Needs] | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of component.

    Attributes:
        name: The kind's name, which is also its key in a spec.
        hook: The hook through which plugins offer components of this kind.
        summary: What a component of this kind does.
        default_traits: The traits of a component that states none.
        in_spec: Whether a spec picks components of it; otherwise whoever runs the spec does.
    """

    name: str
    hook: str
    summary: str
    default_traits: Traits | None = None
    in_spec: bool = True


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("dataset", "register_datasets", "questions, labels, documents, evidence and splits", DatasetTraits()),
        Kind("converter", "register_converters", "reads files as documents", ConverterTraits()),
        Kind("chunker", "register_chunkers", "cuts documents into chunks"),
        Kind("embedder", "register_embedders", "turns texts into vectors", EmbedderTraits()),
        Kind("retriever", "register_retrievers", "finds chunks for questions", RetrieverTraits()),
        Kind("model", "register_models", "a language model that answers prompts", ModelTraits("", "")),
        Kind("reader", "register_readers", "answers questions from passages", ReaderTraits()),
        Kind("rule", "register_vote_rules", "turns the ballots on a question into a verdict"),
        Kind("grader", "register_graders", "says whether an open answer is right", GraderTraits()),
        Kind("metric", "register_metrics", "turns judged items into numbers", MetricTraits(measures="answers")),
        Kind("executor", "register_executors", "does the work, here or elsewhere", ExecutorTraits(), in_spec=False),
    )
}
"""Every kind, by name, in the order of the work."""
