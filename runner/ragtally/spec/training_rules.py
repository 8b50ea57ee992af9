"""Check what readers learn from: never from what they are tested on, and from something that there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ragtally.api import Choice, EmbedderTraits, Price
from ragtally.examples.wording import Kind
from ragtally.spec.document import PathOf
from ragtally.spec.rules import Draft, DraftReader, names_at
from ragtally.spec.study import ExampleRecipe
from ragtally.spec.validation import Faults


def check_training(draft: Draft, recipe: ExampleRecipe | None, faults: Faults) -> None:
    """Note everything that is wrong with what readers learn from."""
    _check_split(draft, faults)
    _check_base(draft, faults)
    _check_examples(draft, recipe, faults)
    _check_embedders(draft, faults)


def _check_split(draft: Draft, faults: Faults) -> None:
    if draft.dataset is None:
        return
    split_of_study = draft.dataset.split
    for name, reader in draft.readers.items():
        split = reader.pick.train_split
        if split is None or split_of_study not in (None, split):
            continue
        which = "all splits are asked" if split_of_study is None else f"the split {split_of_study!r} is asked"
        path = ("readers", name, reader.pick.choice.name, "train", "split")
        hint = "give the dataset a split that no reader learns from, as in dataset: {...: {split: test}}"
        faults.add(path, f"{name} learns from the split {split!r} and would be tested on it: {which}", hint)


def _check_base(draft: Draft, faults: Faults) -> None:
    """Refuse bases over a training split that cannot be made, or whose voters have seen the answers."""
    for name, reader in draft.readers.items():
        if reader.pick.train_from != "base":
            continue
        path = ("readers", name, reader.pick.choice.name, "train", "from")
        if not reader.traits.trains:
            message = f"{name} shows examples and does not learn from them; these have their gold labels"
            faults.add(path, message, "from: gold")
        elif "base" not in draft.data:
            message = f"{name} learns from the base, and the spec has none"
            faults.add(path, message, "add base: {from: [...], rule: majority}, or from: gold")
        for voter in _base_voters(draft):
            other = draft.readers.get(voter)
            if other is None or other.pick.train_split != reader.pick.train_split:
                continue
            message = f"{voter} votes on the base, and would vote on the very questions that it learns from"
            hint = "let models that are not trained vote, or readers trained on another split; or from: gold"
            faults.add(path, f"{name} learns from the base of {reader.pick.train_split!r}: {message}", hint)


def _base_voters(draft: Draft) -> Iterator[str]:
    for key in ("from", "exclude_closed_book_right"):
        yield from (name for name, _ in names_at(draft, "base", key))


def _check_examples(draft: Draft, recipe: ExampleRecipe | None, faults: Faults) -> None:
    """Refuse what cannot be learnt from the study's examples, before any is written."""
    learners = [name for name, reader in draft.readers.items() if reader.pick.train_from == "examples"]
    if learners and recipe is not None:
        answers = draft.dataset.answers if draft.dataset else None
        if not recipe.handover.split.get("train"):
            message = f"{learners[0]} learns from the set train of the examples, and its share is 0"
            faults.add(("examples", "split", "train"), message, "split: {train: 0.8, dev: 0.1, test: 0.1}")
        if recipe.labels and (missing := missing_answers(recipe, answers or ())):
            faults.add(("examples", "labels"), *missing)
    for name, reader in draft.readers.items():
        train = reader.pick.choice.parameters.get("train") or {}
        path: PathOf = ("readers", name, reader.pick.choice.name, "train")
        if reader.pick.train_from != "examples":
            for key in ("curation", "test_documents"):
                if key in train:
                    message = f"{key} is of examples, and {name} learns from the {reader.pick.train_from}"
                    faults.add((*path, key), message, "from: examples, or remove it", at="key")
            continue
        if train.get("split", "train") != "train":
            message = f"the examples that readers learn from are the set train, not {train['split']!r}"
            faults.add((*path, "split"), message, "split: train, or leave it out")
        if not reader.traits.trains:
            message = f"{name} shows labelled questions and does not learn from examples"
            faults.add((*path, "from"), message, "from: gold")
        elif "examples" not in draft.data:
            message = f"{name} learns from the study's examples, and the spec has none"
            hint = "add examples: {kinds: [...], generators: [...]}, or from: gold"
            faults.add((*path, "from"), message, hint)
        elif recipe is not None:
            _check_recipe(draft, reader, recipe, (*path, "from"), faults)


def _check_recipe(draft: Draft, reader: DraftReader, recipe: ExampleRecipe, path: PathOf, faults: Faults) -> None:
    name = reader.pick.name
    if draft.dataset is not None and not recipe.written_kinds & set(learnable_kinds(is_open=draft.dataset.is_open)):
        written = ", ".join(sorted(recipe.written_kinds))
        if draft.dataset.is_open:
            message = f"answers are open, so {name} learns from words, and the examples are of the kind {written}"
            faults.add(path, message, "examples: {kinds: [question_answer]}, or from: gold")
        else:
            message = f"answers are labels, so {name} learns from labels, and the examples are of the kind {written}"
            faults.add(path, message, "examples: {kinds: [label], labels: [...]}, or from: gold")
    if reader.pick.curation == "validators" and recipe.validation is None:
        message = f"{name} learns from what validators accept, and nobody validates"
        faults.add((*path[:-1], "curation"), message, "examples: {validate: {from: [...]}}, or curation: full")


def missing_answers(recipe: ExampleRecipe, answers: Sequence[str]) -> tuple[str, str] | None:
    """Say which answer no example can have: who learns from them could never give it. None where there is none."""
    missing = [answer for answer in answers if answer not in recipe.labels]
    if not missing:
        return None
    return f"no example to learn from can have the answer {missing[0]!r}", f"labels: [{', '.join(answers)}]"


def learnable_kinds(*, is_open: bool) -> tuple[Kind, ...]:
    """The kinds of examples that hold such answers as a study has."""
    return (Kind.QUESTION_ANSWER, Kind.INSTRUCTION, Kind.CHAT) if is_open else (Kind.LABEL,)


def _check_embedders(draft: Draft, faults: Faults) -> None:
    """Refuse readers whose embedders cost something: readers ask them, so that no plan and no budget knows."""
    for name, reader in draft.readers.items():
        choice = reader.pick.choice
        for key, embedder in choice.parameters.items():
            if not isinstance(embedder, Choice) or embedder.kind != "embedder":
                continue
            path = ("readers", name, choice.name, key)
            traits: EmbedderTraits | None = draft.traits(embedder, path)
            if traits is None or _is_free(traits.price):
                continue
            what = traits.name or embedder.name
            cost = "its price is not known" if traits.price is None else "it is paid for"
            message = f"{name} asks {what} by itself, outside of plan and budget, and {cost}"
            hint = (
                f"a model that runs here, as {key}: {{lsa: {{dim: 100}}}}; or state that it is free: usd_per_hour: 0"
            )
            faults.add(path, message, hint)


def _is_free(price: Price | None) -> bool:
    return price is not None and not any((price.input, price.output, price.usd_per_hour))
