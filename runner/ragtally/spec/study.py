"""A study as the rest of the engine sees it: every default filled in, every axis expanded, every name resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ragtally.api import Choice, Location
from ragtally.examples.wording import Kind

# Controls that put long contexts before a reader.
LONG_CONTROLS = ("whole_document", "whole_corpus")


@dataclass(frozen=True, slots=True)
class DatasetPick:
    """Which questions of which dataset."""

    choice: Choice  # The dataset component
    split: str | None  # The split whose questions are asked; None for all
    # The answers to keep questions of, in the spec's order; None for all that the dataset has.
    answers: tuple[str, ...] | None
    # The language of open answers, which are texts; None where answers are labels.
    language: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether answers are texts, compared with references, and no labels."""
        return self.language is not None


@dataclass(frozen=True, slots=True)
class Sample:
    """How many of the questions."""

    size: int | None = None  # At most so many; None for all
    balance: bool = False  # Whether to take equally many of each class


TrainingSource = Literal["gold", "base", "examples"]
Curation = Literal["full", "validators", "none"]


@dataclass(frozen=True, slots=True)
class ReaderPick:
    """A reader under the name that the spec gives it."""

    name: str  # The name in the spec
    choice: Choice  # The reader component
    # The split that it learns from, or that its prompts' examples come from; None for neither.
    train_split: str | None
    # Which questions of that split: all with their gold labels, or those that the voters of the base can answer; or
    # no split, but the study's own examples.
    train_from: TrainingSource = "gold"
    curation: Curation = "full"  # Which of the examples
    # Whether examples count whose documents the study's questions are about.
    test_documents: bool = False

    @property
    def learns(self) -> bool:
        """Whether there is anything that it learns from, or that its prompts show."""
        return self.train_split is not None or self.train_from == "examples"

    def learns_from(self, train: Mapping[str, Any]) -> bool:
        """Whether it learns from what a spec says of some of `train`."""
        own = {
            "split": self.train_split or "train",
            "from": self.train_from,
            "curation": self.curation,
            "test_documents": self.test_documents,
        }
        return all(own[key] == value for key, value in train.items())


@dataclass(frozen=True, slots=True)
class Budget:
    """Where to stop."""

    usd: float | None = None  # US dollars for all calls that the study needs; None for no limit
    hours: float | None = None  # Hours of wall time of one run; None for no limit


@dataclass(frozen=True, slots=True)
class Label:
    """Who votes on every question with its gold context in front, and how often."""

    voters: tuple[str, ...]  # Names of readers
    votes: int  # Votes of each


@dataclass(frozen=True, slots=True)
class Base:
    """Which questions stay."""

    voters: tuple[str, ...]  # Names of the voters whose ballots are pooled (`from` in a spec)
    rule: Choice
    agree_with_gold: bool  # Whether the verdict must be the gold label
    # Names of readers; a question that one of them answers right without any context is dropped.
    exclude_closed_book_right: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """The axes; a cell is one pick from each."""

    chunker: tuple[Choice, ...] = ()  # Chunkers, axes inside their parameters expanded
    retriever: tuple[Choice, ...] = ()  # Retrievers, likewise
    top_k: tuple[int, ...] = ()  # How many chunks are put before the reader
    context_words: tuple[int, ...] = ()  # How many words of the ranked chunks are put before the reader, instead
    reader: tuple[str, ...] = ()  # Names of readers
    votes: tuple[int, ...] = (1,)  # How many votes of the reader
    rule: tuple[Choice, ...] = ()
    parser: tuple[
        Choice, ...
    ] = ()  # Converters whose texts are compared; none where the dataset's own reads the files


@dataclass(frozen=True, slots=True)
class Compare:
    """One family of comparisons: every cell against the cell that is equal on all axes but the baseline's."""

    metric: str  # The metric's printed name
    choice: Choice
    # By axis the pick that the others are compared with: a choice, a number, or a reader's name; by `train` what is
    # learnt from.
    baseline: Mapping[str, Choice | int | str]
    # Where what they learn from is compared: by reader, the one that is the same but for that.
    counterparts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Validation:
    """Which models grade every example, and by what."""

    validators: tuple[str, ...]  # Names of models (`from` in a spec)
    votes: int  # Votes of each
    rule: Choice
    criteria: Mapping[str, str]  # What is asked, by the criterion's name


@dataclass(frozen=True, slots=True)
class Evolution:
    """How accepted examples are varied."""

    rounds: int
    ways: Mapping[str, str]  # What is to be done with an example, by the way's name


@dataclass(frozen=True, slots=True)
class Handover:
    """What people decide about examples, and the files that training programs read."""

    log: str | None = None  # The file of decisions; None for `curation.csv` in data/raw/STUDY
    require_expert: bool = False  # Whether only what a person accepted is exported
    split: Mapping[str, float] = field(default_factory=dict)  # The share of each set
    forms: tuple[str, ...] = ()  # Names of `FORMS`
    tokenizer: str | None = None  # A `tokenizer.json`; None for an estimate
    window: int | None = None  # Tokens of the model that is to learn
    licence: str | None = None


@dataclass(frozen=True, slots=True)
class Chats:
    """How the messages of documents become turns."""

    assistant: tuple[str, ...]  # The senders whose messages are answers; all others ask
    speaker: str | None = None  # Of tables, the column with the sender; None for chats
    text: str | None = None  # The column with the words


@dataclass(frozen=True, slots=True)
class ExampleRecipe:
    """How examples for training come to be."""

    kinds: tuple[Kind, ...]
    generators: tuple[str, ...]  # Names of models; none where chats alone become examples
    per_chunk: int  # Examples of each kind, from each passage, of each generator
    chunker: Choice | None  # None for passages that fit into the models' windows
    labels: tuple[str, ...]  # The closed set of the kind label
    language: str | None  # The language to write in; None for each passage's own
    templates: Mapping[str, str]  # The text of the template by the prompt's name
    near_duplicates: float  # Prompts of at least this Jaccard similarity are one
    # Worked examples for the style, and the small set that is expanded instead of passages: kinds and fields.
    style: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    seeds: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    validation: Validation | None = None
    repair: int = 0  # Rounds for what was rejected
    evolution: Evolution | None = None
    chats: Chats | None = None  # None where no chats become examples
    test_questions: tuple[Choice, ...] = ()  # Datasets whose questions no example may repeat, beside the study's own
    handover: Handover = Handover()

    @property
    def written_kinds(self) -> set[Kind]:
        """The kinds that there may be, whoever writes them."""
        return {*self.kinds, *(Kind(kind) for kind, _ in self.seeds), *((Kind.CHAT,) if self.chats else ())}

    @property
    def models(self) -> tuple[str, ...]:
        """The names of all models that are asked."""
        return tuple(dict.fromkeys((*self.generators, *(self.validation.validators if self.validation else ()))))


@dataclass(frozen=True)
class Study:
    """One spec, resolved."""

    name: str  # The study's name; its results lie in a folder of that name
    seed: int  # The seed from which every other is derived
    dataset: DatasetPick  # Which questions of which dataset
    sample: Sample  # How many of them
    readers: Mapping[str, ReaderPick]  # The readers by their names in the spec
    label: Label | None  # Who labels; None for no labelling
    base: Base | None  # Which questions stay; None where there is no base and all stay
    grid: Grid  # The axes
    grid_on: str  # Whether the grid's readers are asked the base's questions or all of them
    controls: tuple[str, ...]  # Conditions under which every reader of the grid is measured as well
    grading: tuple[Choice, ...]  # Who says whether an open answer is right, in order; empty where answers are labels
    metrics: tuple[Choice, ...]  # The metrics, in the spec's order; `recall@5` is the choice `recall@k` with `k` = 5
    file: str  # The spec's path as the user typed it
    models: Mapping[str, Choice] = field(default_factory=dict)  # The language models by their names in the spec
    budget: Budget = Budget()  # Where to stop
    max_failed: float = 0.0  # The largest share of a step's calls that may fail permanently
    compare: tuple[Compare, ...] = ()  # The families of comparisons that the report tests
    on_overlong: str = (
        "error"  # Whether a control that is too long for a model is an `error`, or `skip` leaves it out
    )
    # `all` to pick the best cell on all questions, `dev` on one half, to score it on the other.
    select_on: str = "all"
    examples: ExampleRecipe | None = None  # None where no examples are written
    # Where in the file each key stands, by dotted path (`grid.retriever`, `readers.tiny`).
    places: Mapping[str, Location] = field(default_factory=dict, compare=False)

    def components(self) -> Iterator[tuple[str, Choice]]:
        """List everything that the study names and that may need something of the world outside."""
        yield f"dataset {self.dataset.choice.name}", self.dataset.choice
        yield from ((f"model {name}", choice) for name, choice in self.models.items())
        yield from ((f"reader {name}", pick.choice) for name, pick in self.readers.items())
        if self.examples is not None:
            yield from ((f"dataset {choice.name}", choice) for choice in self.examples.test_questions)
        components: list[Choice] = []
        for pick in self.readers.values():
            for each in pick.choice.inner("embedder"):
                if each not in components:
                    components.append(each)
                    yield f"{each.kind} {each.name}", each
        chunkers = (self.examples.chunker,) if self.examples and self.examples.chunker else ()
        for axis in (self.grid.parser, self.grid.chunker, self.grid.retriever, chunkers):
            for choice in axis:
                for each in _with_inner(choice):
                    if each not in components:
                        components.append(each)
                        yield f"{each.kind} {each.name}", each

    def askable(self) -> Iterator[tuple[str, Choice]]:
        """List the models and embedders that are asked, each with the path of its key."""
        names = {*(self.label.voters if self.label else ()), *self.grid.reader}
        names.update(self.base.exclude_closed_book_right if self.base else ())
        askers = [*(self.readers[name].choice for name in names), *self.grid.retriever, *self.grading]
        models = [model for asker in askers for each in _with_inner(asker) for model in each.inner("model")]
        models += [self.models[name] for name in (self.examples.models if self.examples else ())]
        yield from ((f"models.{name}", choice) for name, choice in self.models.items() if choice in models)
        for retriever in self.grid.retriever:
            yield from (("grid.retriever", each) for each in _with_inner(retriever) if each.kind == "embedder")

    def location(self, path: str) -> Location:
        """Say where in the spec a key stands."""
        while path and path not in self.places:
            path = path.rpartition(".")[0]
        return self.places.get(path, Location(self.file))


def _with_inner(choice: Choice) -> Iterator[Choice]:
    for kind in ("embedder", "chunker", "retriever"):
        for inner in choice.inner(kind):
            yield from _with_inner(inner)
    yield choice
