"""Which answers a study has, checked against its dataset."""

from __future__ import annotations

from ragtally.api import DataError, Dataset, LocatingDataset, ReaderTraits, SpecError, did_you_mean
from ragtally.parsing import twins
from ragtally.registry import Registry
from ragtally.spec.rules import no_split
from ragtally.spec.study import Study
from ragtally.spec.training_rules import missing_answers


def answers_of(study: Study, registry: Registry) -> tuple[str, ...]:
    """Check split and answers against the dataset, and fill in all answers where the spec names none."""
    pick = study.dataset
    name = pick.choice.name
    dataset: Dataset = registry.build(pick.choice)
    splits = {"split": pick.split} | {f"readers.{key}": reader.train_split for key, reader in study.readers.items()}
    for where, split in splits.items():
        if split is not None and split not in dataset.splits:
            path = f"dataset.{name}.split" if where == "split" else where
            message, hint = no_split(name, split, dataset.splits)
            raise SpecError(message, location=study.location(path), hint=hint)
    if pick.is_open:
        return ()
    for answer in pick.answers or ():
        # A dataset that knows no answers takes those of the spec.
        if dataset.answers and answer not in dataset.answers:
            raise SpecError(
                f"the dataset {name} has no answer {answer!r}",
                location=study.location(f"dataset.{name}.answers"),
                hint=did_you_mean(answer, dataset.answers),
            )
    if study.base and study.base.agree_with_gold and not dataset.labelled:
        raise SpecError(
            f"the base is to agree with gold labels, but the dataset {name} has none with these parameters",
            location=study.location("base.agree_with_gold"),
            hint="write agree_with_gold: false; the verdicts are then silver labels",
        )
    answers = pick.answers or dataset.answers
    _require_labels(study, answers)
    if study.readers and not answers:
        raise SpecError(
            f"readers need answers to choose from, and the dataset {name} knows none with these parameters",
            location=study.location(f"dataset.{name}"),
            hint="name them: answers: [yes, no]",
        )
    if study.readers:
        _require_readable(study, registry, dataset, answers)
    return answers


def _require_labels(study: Study, answers: tuple[str, ...]) -> None:
    """Refuse examples to learn from that lack an answer which only the dataset knows."""
    learns = any(reader.train_from == "examples" for reader in study.readers.values())
    if study.examples is not None and learns and (missing := missing_answers(study.examples, answers)):
        message, hint = missing
        raise SpecError(message, location=study.location("examples.labels"), hint=hint)


def _require_readable(study: Study, registry: Registry, dataset: Dataset, answers: tuple[str, ...]) -> None:
    """Refuse answers and options that no reply could tell apart, and options for what is no answer."""
    if same := twins(answers):
        location = dataset.answer_location(same[1]) if isinstance(dataset, LocatingDataset) else None
        raise DataError(
            f"the answers {same[0]!r} and {same[1]!r} are two classes that no reply can tell apart",
            location=location or study.location(f"dataset.{study.dataset.choice.name}"),
            hint="write both the same way in the data, or keep one of them: answers: [...]",
        )
    for name, reader in study.readers.items():
        traits: ReaderTraits = registry.traits(reader.choice)
        word_of = dict(traits.words)
        for option, answer in traits.options:
            location = study.location(f"readers.{name}.{reader.choice.name}.options")
            if answer not in answers:
                hint = did_you_mean(answer, answers)
                raise SpecError(f"`options` names {answer!r}, which is no answer", location=location, hint=hint)
            others = [word_of.get(other, other) for other in answers if other != answer]
            others += [other for other, meaning in traits.options if meaning != answer]
            if same := next(filter(None, (twins((other, option)) for other in others)), None):
                message = f"the option {option!r} for {answer!r} cannot be told apart from {same[0]!r}"
                raise SpecError(message, location=location, hint="give each option a spelling of its own")
