"""From the dataset to the base: how many questions each stage leaves, and which share of each class."""

from __future__ import annotations

from collections.abc import Mapping

from ragtally.present.numbers import percent
from ragtally.present.parts import Entry, Section, Table
from ragtally.results import Results

_STAGES = {
    "sample": "asked (the sample)",
    "ballots": "some ballot could be read",
    "verdict": "the votes decided",
    "agreement": "the votes agree with the gold label",
    "base": "the base",
}


def funnel(results: Results) -> Section:
    """Show how the questions of the dataset come down to the base."""
    questions, corpus = results.dataset["questions"], results.dataset["corpus"]
    classes = list(questions["sampled_by_class"])
    rows = [
        ("in the dataset", questions["in_dataset"], None),
        ("in the split", questions["in_split"], None),
        ("with an answer that counts", questions["in_split"] - questions["dropped_by_answers"], None),
        (_STAGES["sample"], questions["sampled"], questions["sampled_by_class"]),
    ]
    if results.base["funnel"] is not None:
        for name, stage in results.base["funnel"]["stages"].items():
            if name != "sample":
                rows.append((_STAGES.get(name, name), stage["questions"], stage["by_class"]))
    asked: Mapping[str, int] = questions["sampled_by_class"]
    sampled = questions["sampled"]
    table = Table(
        "funnel-stages",
        "Questions left after each stage; in brackets the share of the questions asked.",
        ("stage", "questions", *classes),
        tuple(
            (
                Entry(name),
                _kept(left, sampled if by_class is not None else None),
                *(_kept(None if by_class is None else by_class.get(label, 0), asked[label]) for label in classes),
            )
            for name, left, by_class in rows
        ),
    )
    searched = f"The corpus that is searched has {corpus['documents']:,} documents, whatever the stages leave."
    left_out = corpus.get("left_out", {})
    if left_out:
        told = ", ".join(f"{number:,} {what}" for what, number in left_out.items())
        searched += f" Left out of the dataset’s files: {told}."
    without = "" if results.has_base else " The spec has no base, so all questions asked stay."
    return Section(
        "funnel", "From the dataset to the base", searched + without, tables=(table,), notes=_shares(results)
    )


def _kept(left: int | None, of: int | None) -> Entry:
    if left is None:
        return Entry("")
    share = f" ({percent(left / of)} of {of:,})" if of else ""
    return Entry(f"{left:,}{share}", float(left))


def _shares(results: Results) -> tuple[str, ...]:
    said = []
    for name, frame in (("asked", results.questions), ("of the base", results.questions.filter("in_base"))):
        labels = frame["label"].drop_nulls()
        if len(labels) and (results.has_base or name == "asked"):
            most = labels.value_counts(sort=True, name="times").sort(["times", "label"], descending=[True, False])
            share = percent(most["times"][0] / len(labels))
            said.append(
                f"Always saying “{most['label'][0]}” is right on {share} of the {len(labels):,} questions {name}."
            )
    return tuple(said)
