"""Check what no single key can tell: names that must exist elsewhere, and keys that need or exclude each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ragtally.api import OPEN, Choice, ModelTraits, ReaderTraits, did_you_mean
from ragtally.spec.defaults import DECIDING_METRIC
from ragtally.spec.document import PathOf
from ragtally.spec.study import LONG_CONTROLS, Base, Compare, DatasetPick, Grid, Label, ReaderPick
from ragtally.spec.validation import Faults, axis_values, component_name, show

# How many combinations a grid may have.
MAX_CELLS = 100_000
# What a judge's reply takes: a reason in a sentence, and the grade.
JUDGE_TOKENS = 64


class DraftReader(NamedTuple):
    """A reader with what the engine knows of it before it is built."""

    pick: ReaderPick
    traits: ReaderTraits


@dataclass(frozen=True, slots=True)
class Draft:
    """The parts of a study that could be resolved; None for one that is absent or in which something is wrong."""

    data: Mapping[str, Any]  # The spec as written
    dataset: DatasetPick | None
    readers: Mapping[str, DraftReader]  # The readers that could be resolved, by name
    label: Label | None  # Who labels
    base: Base | None  # Which questions stay
    grid: Grid | None  # The axes, empty where there is no grid
    grading: tuple[Choice, ...]  # Graders of open answers
    metrics: tuple[Choice, ...]
    traits: Callable[[Choice, PathOf], Any]
    is_paired: Callable[[Choice, PathOf], bool]  # Whether a metric can be compared question by question


def check(draft: Draft, faults: Faults) -> None:
    """Note everything that is wrong between the keys of a spec."""
    _check_names(draft, faults)
    _check_answers(draft, faults)
    _check_structured(draft, faults)
    _check_tuning(draft, faults)
    _check_judges(draft, faults)
    _check_label(draft, faults)
    _check_base(draft, faults)
    if draft.grid is not None:
        _check_retrieval(draft, draft.grid, faults)
        _check_grid_readers(draft, draft.grid, faults)
        _check_metrics(draft, draft.grid, faults)


def names_at(draft: Draft, *path: str) -> Iterator[tuple[str, PathOf]]:
    value: Any = draft.data
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, str):
        yield value, path
    values, steps = axis_values(value, lists=True) or ([], ())
    for index, name in enumerate(values):
        if isinstance(name, str):
            yield name, (*path, *steps, index)


def _check_names(draft: Draft, faults: Faults) -> None:
    readers = draft.data.get("readers", {})
    names = list(readers) if isinstance(readers, dict) else []
    for path in (("label", "voters"), ("base", "from"), ("base", "exclude_closed_book_right"), ("grid", "reader")):
        for name, where in names_at(draft, *path):
            if name not in names:
                hint = did_you_mean(name, names) if names else f"name it under readers: {{{name}: ...}}"
                faults.add(where, f"there is no reader {name!r} under readers", hint)


def _check_answers(draft: Draft, faults: Faults) -> None:
    """Refuse what needs labels where answers are open, and the other way round."""
    dataset = draft.dataset
    if dataset is None:
        return
    name, traits = dataset.choice.name, draft.traits(dataset.choice, ("dataset",))
    path: PathOf = ("dataset", name, "answers")
    if traits is not None and dataset.is_open and traits.answers == "labels":
        hint = "leave answers out, or use a dataset with reference texts, as squad"
        faults.add(path, f"the dataset {name} has no reference texts to compare open answers with", hint)
    if traits is not None and dataset.answers and traits.answers == OPEN:
        message = f"the dataset {name} has reference texts and no labels"
        faults.add(path, message, "leave answers out, or write answers: open")
    if "grading" in draft.data and not dataset.is_open:
        message = "grading is of open answers; a label is right where it is the gold label"
        faults.add(("grading",), message, "remove it, or give the dataset answers: open", at="key")
    if dataset.is_open and (draft.data.get("sample") or {}).get("balance"):
        message = "a balanced sample takes equally many questions of each class, and open answers have none"
        faults.add(("sample", "balance"), message, "balance: false")
    _check_readers_answers(draft, faults, is_open=dataset.is_open)
    _check_metrics_answers(draft, faults, is_open=dataset.is_open)


def _check_readers_answers(draft: Draft, faults: Faults, *, is_open: bool) -> None:
    for name, reader in draft.readers.items():
        kind = reader.pick.choice.name
        if is_open and reader.traits.answers == "labels":
            message = f"{kind} chooses among classes, and the answers of this study are open"
            faults.add(("readers", name), message, "take best_sentence, chat or recorded, which answer in words")
        elif not is_open and reader.traits.answers == OPEN:
            message = f"{kind} answers in words, and the answers of this study are labels"
            faults.add(("readers", name), message, "take a reader that chooses a label, as chat or specialist")


def _check_metrics_answers(draft: Draft, faults: Faults, *, is_open: bool) -> None:
    for index, metric in enumerate(draft.metrics if "metrics" in draft.data else ()):
        path = ("metrics", index)
        traits = draft.traits(metric, path)
        if traits is None or traits.measures != "answers":
            continue
        if is_open and traits.answers == "labels":
            message = f"{metric.name} is of classes, and the answers of this study are open"
            faults.add(path, message, "remove it; accuracy, exact_match, token_f1, rouge_l and abstained apply")
        elif not is_open and traits.answers == OPEN:
            message = f"{metric.name} compares with reference texts, and the answers of this study are labels"
            faults.add(path, message, "remove it; accuracy and macro_f1 apply")


def check_splits(draft: Draft, splits: Sequence[str], faults: Faults) -> None:
    """Note the splits that a dataset does not have."""
    if draft.dataset is None:
        return
    name = draft.dataset.choice.name
    places: list[tuple[str | None, PathOf]] = [(draft.dataset.split, ("dataset", name, "split"))]
    for key, reader in draft.readers.items():
        places.append((reader.pick.train_split, ("readers", key, reader.pick.choice.name, "train", "split")))
    for split, path in places:
        if split is not None and split not in splits:
            faults.add(path, *no_split(name, split, splits))


def no_split(dataset: str, split: str, splits: Sequence[str]) -> tuple[str, str]:
    """Say that a dataset has no such split, and which it has."""
    return f"the dataset {dataset} has no split {split!r}, but {', '.join(splits)}", did_you_mean(split, splits)


def _check_tuning(draft: Draft, faults: Faults) -> None:
    """Refuse to have a model fine-tuned that nobody is known to fine-tune."""
    for name, reader in draft.readers.items():
        if not reader.traits.tunes:
            continue
        choice = reader.pick.choice
        path = ("readers", name, choice.name, "model")
        model: ModelTraits | None = draft.traits(choice.parameters["model"], path)
        if model is not None and model.tuning is None:
            message = f"{model.provider}/{model.model} is not known to be fine-tuned by its provider"
            hint = "name a model of a provider or server with OpenAI's fine-tuning jobs, or let a reader train here"
            faults.add(path, message, hint)


def _check_structured(draft: Draft, faults: Faults) -> None:
    for name, reader in draft.readers.items():
        if reader.traits.structured is not True:
            continue
        choice = reader.pick.choice
        path = ("readers", name, choice.name, "structured")
        model = draft.traits(choice.parameters["model"], path)
        if model is not None and model.takes_schema is False:
            message = f"{model.provider}/{model.model} takes no schema of an answer, or has a form of its own"
            faults.add(path, message, "structured: false; or prompt, to ask for JSON in the prompt alone")


def _check_judges(draft: Draft, faults: Faults) -> None:
    """Check the graders that ask language models, and the metrics of what these say."""
    criteria: set[str] = set()
    graders = [(grader, draft.traits(grader, ("grading", grader.name))) for grader in draft.grading]
    asking = [grader for grader, traits in graders if traits is not None and traits.criteria]
    for grader in asking[1:]:
        message = f"{asking[0].name} asks models already, and one panel of judges decides"
        faults.add(("grading", grader.name), message, "keep one of them", at="key")
    for grader, traits in graders:
        if traits is not None and traits.criteria:
            criteria.update(traits.criteria)
            _check_panel(draft, grader, faults)
            if "same" in traits.criteria and not _has_several_votes(draft):
                message = "judges pool votes, and no question has several"
                faults.add(("grading", grader.name), message, "grid: {votes: 3}, or leave pools_votes out", at="key")
    for index, metric in enumerate(draft.metrics if "metrics" in draft.data else ()):
        traits = draft.traits(metric, ("metrics", index))
        if traits is not None and traits.criterion not in (None, *criteria):
            wanted = "from: [MODEL]" + (", grounded: true" if traits.criterion == "supported" else "")
            message = f"{metric.name} is what judges say, and no grader asks them that"
            faults.add(("metrics", index), message, f"grading: {{judges: {{{wanted}}}}}, or remove it")


def _has_several_votes(draft: Draft) -> bool:
    """Whether anything is decided by more than one vote; so where that part of the spec is wrong itself."""
    of_grid = max(draft.grid.votes, default=1) if draft.grid else 2
    of_label = draft.label.votes if draft.label else 1 + ("label" in draft.data)
    voters = len(draft.base.voters) if draft.base else 1 + ("base" in draft.data)
    return max(of_grid, of_label, voters) > 1


def _check_panel(draft: Draft, grader: Choice, faults: Faults) -> None:
    models, votes = grader.inner("model"), grader.parameters["votes"]
    structured = grader.parameters["structured"]
    for index, model in enumerate(models):
        path = ("grading", grader.name, "from", index)
        traits = draft.traits(model, path)
        if traits is None:
            continue
        name = f"{traits.provider}/{traits.model}"
        if model in models[:index]:
            hint = "leave it out, or raise votes"
            faults.add(path, f"{name} with these parameters is a judge already, under another name", hint)
        if traits.deterministic and votes > 1:
            message = f"{votes} ballots of {name}, which always answers the same, are one ballot"
            hint = "votes: 1, or give this judge a temperature, under a name of its own in models"
            faults.add(("grading", grader.name, "votes"), message, hint)
        if structured is True and traits.takes_schema is False:
            message = f"{name} takes no schema of an answer, or has a form of its own"
            faults.add(("grading", grader.name, "structured"), message, "structured: auto")
        if traits.output_tokens is not None and traits.output_tokens < JUDGE_TOKENS:
            message = f"{name} may write {traits.output_tokens} tokens, and a judge's reason and grade take more"
            hint = f"give this judge max_tokens: {2 * JUDGE_TOKENS} or more, under a name of its own in models"
            faults.add(path, message, hint)
    _check_quorum(grader.parameters["rule"], len(models) * votes, ("grading", grader.name, "rule"), faults)


def _check_label(draft: Draft, faults: Faults) -> None:
    for name, path in names_at(draft, "label", "voters"):
        reader = draft.readers.get(name)
        if reader is None:
            continue
        condition = reader.traits.condition
        if condition not in (None, "gold_context"):
            message = f"{name} cannot vote: voters read the gold context, and its answers are {condition}"
            faults.add(path, message, "put it under grid.reader to measure it")
        votes = draft.label.votes if draft.label else 1
        if votes > 1 and reader.traits.draws == "fixed":
            message = f"{votes} votes of {name}, which always answers the same, are one vote"
            faults.add(("label", "votes"), message, f"votes: 1, or leave {name} out of the voters")


def _check_base(draft: Draft, faults: Faults) -> None:
    if "base" in draft.data and "label" not in draft.data:
        hint = "label: {voters: [...], votes: 3}"
        faults.add(("base",), "a base needs the votes of label", hint, at="key")
        return
    voters = [name for name, _ in names_at(draft, "label", "voters")]
    for name, path in names_at(draft, "base", "from"):
        if name in draft.readers and name not in voters:
            hint = f"add it there, or {did_you_mean(name, voters)}"
            faults.add(path, f"{name} casts no votes: it is not among label.voters", hint)
    for name, path in names_at(draft, "base", "exclude_closed_book_right"):
        reader = draft.readers.get(name)
        if reader and reader.traits.condition not in (None, "closed_book"):
            message = f"{name} cannot be asked without context: its answers are {reader.traits.condition}"
            faults.add(path, message, "name a reader that reads what is put before it")
    if draft.base and draft.label:
        _check_quorum(draft.base.rule, len(draft.base.voters) * draft.label.votes, ("base", "rule"), faults)


def _check_quorum(rule: Choice, ballots: int, path: PathOf, faults: Faults) -> None:
    # By convention the number of ballots that a rule asks for is its parameter k.
    quorum = rule.parameters.get("k")
    if isinstance(quorum, int) and quorum > ballots:
        message = f"{rule} asks for {quorum} ballots of at most {ballots}: there would never be a verdict"
        faults.add(path, message, f"k: {ballots}, or more votes")


def _check_retrieval(draft: Draft, grid: Grid, faults: Faults) -> None:
    contexts = (*grid.top_k, *grid.context_words)
    cells = math.prod(
        max(1, len(axis))
        for axis in (grid.parser, grid.chunker, grid.retriever, contexts, grid.reader, grid.votes, grid.rule)
    )
    if cells > MAX_CELLS:
        faults.add(("grid",), f"the grid has {cells:,} cells", f"{MAX_CELLS:,} at most: leave values out", at="key")
    if grid.parser:
        _check_parsers(draft, grid, faults)
    if grid.retriever and not grid.chunker:
        faults.add(("grid", "retriever"), "a retriever needs chunks", "add grid.chunker", at="key")
    if grid.chunker and not grid.retriever:
        faults.add(("grid", "chunker"), "nothing searches the chunks", "add grid.retriever", at="key")
    for key, axis in (("top_k", grid.top_k), ("context_words", grid.context_words)):
        if axis and not grid.retriever:
            faults.add(("grid", key), f"{key} is of retrieved chunks", "add grid.retriever", at="key")
    if grid.retriever and contexts:
        return
    for name in grid.reader:
        reader = draft.readers.get(name)
        if reader is None or reader.traits.condition is not None:
            continue
        if grid.retriever:
            hint = "add grid.top_k, as in top_k: [1, 3, 5], or grid.context_words"
            faults.add(("grid",), f"{name} reads retrieved chunks; the grid does not say how many", hint, at="key")
            return
        if not draft.data.get("controls"):
            hint = "add grid.chunker, grid.retriever and grid.top_k, or controls: [gold_context]"
            faults.add(("grid",), f"the grid has nothing to put before {name}", hint, at="key")
            return


def _check_parsers(draft: Draft, grid: Grid, faults: Faults) -> None:
    if not grid.retriever:
        faults.add(("grid", "parser"), "nothing searches what parsers read", "add grid.retriever", at="key")
    traits = draft.traits(draft.dataset.choice, ("dataset",)) if draft.dataset else None
    if draft.dataset and traits is not None and not traits.parses:
        message = f"the dataset {draft.dataset.choice.name} has no files that a parser could read"
        faults.add(("grid", "parser"), message, "remove grid.parser, or take the dataset table", at="key")


def _check_grid_readers(draft: Draft, grid: Grid, faults: Faults) -> None:
    if draft.data.get("grid_on") == "base" and "base" not in draft.data:
        faults.add(("grid_on",), "there is no base to ask the grid's readers on", "grid_on: all, or add base")
    if "on_overlong" in draft.data and not set(draft.data.get("controls") or ()).intersection(LONG_CONTROLS):
        message = "on_overlong is about whole_document and whole_corpus, and the study has neither"
        faults.add(("on_overlong",), message, "remove it, or add one of them to the controls", at="key")
    if grid.reader:
        most = max(grid.votes, default=1)
        for rule in grid.rule:
            _check_quorum(rule, most, ("grid", "rule"), faults)
        return
    for path in (("grid", "votes"), ("grid", "rule"), ("controls",), ("grid_on",)):
        part = draft.data.get("grid", {}) if len(path) > 1 else draft.data
        if part.get(path[-1]) and not faults.touch(path):
            faults.add(path, f"{'.'.join(path)} is about readers, but the grid has none", "add grid.reader", at="key")


def _check_metrics(draft: Draft, grid: Grid, faults: Faults) -> None:
    if "metrics" not in draft.data or grid.retriever:
        return
    for index, metric in enumerate(draft.metrics):
        path = ("metrics", index)
        traits = draft.traits(metric, path)
        if traits is not None and traits.measures == "retrieval":
            message = f"{draft.data['metrics'][index]} scores retrieval, but the grid has no retriever"
            faults.add(path, message, "remove it, or add grid.chunker and grid.retriever")


def resolve_compare(
    families: Sequence[Mapping[str, Any]], draft: Draft, axes: Mapping[str, Sequence[Any]], faults: Faults
) -> tuple[Compare, ...]:
    """Find the picks that baselines name among those of the grid's axes; those with something wrong are not there."""
    names = {_printed_name(metric): metric for metric in draft.metrics}
    comparisons = []
    for number, family in enumerate(families):
        path: PathOf = ("compare", number)
        if faults.touch(path):
            continue
        metric = family.get("metric", DECIDING_METRIC)
        metric_path = (*path, "metric") if "metric" in family else path
        if not names:
            pass  # Something is wrong with the metrics, or with the grid that says which there are by default.
        elif metric not in names:
            hint = f"add it to metrics, or {did_you_mean(metric, list(names))}"
            faults.add(metric_path, f"{metric!r} is no metric of the study", hint)
        elif not draft.is_paired(names[metric], metric_path):
            others = [name for name, choice in names.items() if draft.is_paired(choice, metric_path)]
            faults.add(
                metric_path,
                f"{metric} cannot be compared: it does not say what each question contributes to it",
                f"metrics of this study that can be: {', '.join(others)}" if others else "add accuracy to metrics",
            )
        baseline: dict[str, Choice | int | str] = {}
        counterparts: dict[str, str] = {}
        for axis, value in family["baseline"].items():
            own = (*path, "baseline", axis)
            pick: Choice | int | str | None = None
            if axis == "train":
                counterparts = _counterparts(value, axes.get("reader", ()), draft, faults, own)
                pick = f"{{{', '.join(f'{key}: {item}' for key, item in value.items())}}}" if counterparts else None
            elif axis in axes:
                pick = _find(axis, value, axes[axis], own, faults)
            if pick is not None:
                baseline[axis] = pick
        if len(baseline) == len(family["baseline"]) and metric in names:
            comparisons.append(Compare(metric, names[metric], baseline, counterparts))
    return tuple(comparisons)


def _counterparts(
    train: Mapping[str, Any], names: Sequence[str], draft: Draft, faults: Faults, path: PathOf
) -> dict[str, str]:
    """For each reader of the grid the one that is the same but learns from what a baseline names."""
    picks = [draft.readers[name].pick for name in names if name in draft.readers]
    learners = [pick for pick in picks if pick.learns]
    counterparts: dict[str, str] = {}
    for pick in learners:
        alike = [other.name for other in learners if _is_same_but_trained(pick, other) and other.learns_from(train)]
        if len(alike) > 1:
            message = f"{show(train)} fits {' and '.join(alike)}, which are the same reader else"
            faults.add(path, message, "say more of what it learns from, or name the reader: baseline: {reader: ...}")
            return {}
        if alike and alike != [pick.name]:
            counterparts[pick.name] = alike[0]
    # Where a reader could not be resolved, it may be the one.
    if not counterparts and names and len(picks) == len(names):
        message = f"no two readers of the grid are the same but for their training, one of them on {show(train)}"
        faults.add(path, message, "add the same reader under another name, with this `train`")
    return counterparts


def _is_same_but_trained(one: ReaderPick, other: ReaderPick) -> bool:
    first, second = ({**pick.choice.parameters, "train": None} for pick in (one, other))
    return one.choice.name == other.choice.name and first == second


def _printed_name(metric: Choice) -> str:
    return metric.name.replace("@k", f"@{metric.parameters['k']}") if metric.name.endswith("@k") else metric.name


def _find(axis: str, value: Any, picks: Sequence[Any], path: PathOf, faults: Faults) -> Any:
    """Find the one pick that a baseline means."""
    if not picks:
        faults.add(path, f"the grid has no {axis}", f"add grid.{axis}", at="key")
        return None
    component = component_name(value) if isinstance(picks[0], Choice) else None
    matches = [pick for pick in picks if (_fits(pick, value) if component else pick == value)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        text = ", ".join(map(str, matches[:4]))
        faults.add(
            path,
            f"{show(value)} fits {len(matches)} picks of grid.{axis}: {text}",
            "give the parameter that differs",
        )
        return None
    name = component.name if component else str(value)
    names = list(dict.fromkeys(pick.name if isinstance(pick, Choice) else str(pick) for pick in picks))
    hint = did_you_mean(name, names) if name not in names else "give the parameters as they are in the grid"
    faults.add(path, f"{show(value)} is no pick of grid.{axis}", hint)
    return None


def _fits(pick: Any, value: Any) -> bool:
    """Whether a pick is what a value names: of that name, with the parameters given; others may be anything."""
    if not isinstance(pick, Choice):
        return bool(pick == value)
    component = component_name(value)
    if component is None or component.name != pick.name:
        return False
    parameters = component.parameters if isinstance(component.parameters, Mapping) else {}
    return all(key in pick.parameters and _fits(pick.parameters[key], item) for key, item in parameters.items())
