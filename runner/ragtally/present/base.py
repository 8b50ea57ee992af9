"""From the dataset to the base: how many questions each stage leaves, and which share of each class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ragtally.present.numbers import PORTION, Portion, percent
from ragtally.present.table import Column, Section, Table
from ragtally.results import Results

_STAGES = {
    "sample": "asked (the sample)",
    "ballots": "some ballot could be read",
    "verdict": "the votes decided",
    "agreement": "the votes agree with the gold label",
    "base": "the base",
}


def base_section(results: Results) -> Section:
    """How the questions of the dataset come down to the base."""
    return Section(
        "funnel", "From the dataset to the base", " ".join(study_sentences(results)), tables=(_stages(results),)
    )


def study_sentences(results: Results) -> list[str]:
    """What is asked of which corpus."""
    corpus, questions = results.dataset["corpus"], results.dataset["questions"]
    sentences = [
        f"Study {results.study} on {results.dataset['dataset']}: the corpus that is searched has"
        f" {corpus['documents']:,} documents, whatever the stages leave."
    ]
    if corpus.get("left_out"):
        left_out = ", ".join(f"{number:,} {what}" for what, number in corpus["left_out"].items())
        sentences.append(f"Left out of the dataset’s files: {left_out}.")
    without_answer = questions["dropped_by_answers"]
    other_answers = f"; {without_answer:,} dropped for other answers" if without_answer else ""
    sentences.append(
        f"Asked: {questions['sampled']:,} of {questions['in_dataset']:,} questions (split"
        f" {results.dataset['split'] or 'all'}{other_answers})."
    )
    if results.is_open:
        unanswerable = questions["sampled_without_reference"]
        rest = f"; {unanswerable:,} of them cannot be answered, and to abstain is right" if unanswerable else ""
        sentences.append(f"The answers are open, and graded by reference texts{rest}.")
    elif not any(questions["sampled_by_class"].values()):
        silver = "; the voters’ verdicts are silver labels" if results.has_base else ""
        sentences.append(f"The questions have no labels{silver}.")
    if not results.has_base:
        sentences.append("The spec has no base, so all questions asked stay.")
    return sentences


def _stages(results: Results) -> Table:
    questions, base = results.dataset["questions"], results.base["funnel"]
    by_class: Mapping[str, int] = questions["sampled_by_class"]
    rows: list[tuple[Any, ...]] = [
        _counts("in the dataset", questions["in_dataset"], by_class),
        _counts("in the split", questions["in_split"], by_class),
        _counts("with an answer that counts", questions["in_split"] - questions["dropped_by_answers"], by_class),
    ]
    stages = {"sample": {"questions": questions["sampled"], "by_class": by_class}} | (base["stages"] if base else {})
    for name, stage in stages.items():
        shares = [Portion(stage["by_class"].get(label, 0), total) for label, total in by_class.items()]
        rows.append((_STAGES.get(name, name), Portion(stage["questions"], questions["sampled"]), *shares))
    labels = f" ({base['labels']} labels)" if base else ""
    return Table(
        "funnel-stages",
        f"Questions left after each stage{labels}; in brackets the share of the questions asked",
        (Column("stage"), Column("questions", PORTION), *(Column(label, PORTION) for label in by_class)),
        tuple(rows),
        notes=(*_majorities(results), *_classes_lost(results)),
    )


def _counts(stage: str, number: int, by_class: Mapping[str, int]) -> tuple[Any, ...]:
    return (stage, Portion(number, 0), *(None for _ in by_class))


def most_frequent_label(results: Results, question_set: str) -> tuple[str, Portion] | None:
    """What always giving the most frequent answer would score on `all` questions asked or on those of the `base`."""
    frame = results.questions.filter("in_base") if question_set == "base" else results.questions
    labels = frame["label"].drop_nulls()
    if not len(labels):
        return None
    counts = {answer: int((labels == answer).sum()) for answer in results.answer_names}
    # The first answer of equals, as in the analysis.
    most = max(counts, key=lambda answer: counts[answer])
    return most, Portion(counts[most], len(labels))


def _majorities(results: Results) -> list[str]:
    sets = {"all": "asked"} | ({"base": "of the base"} if results.has_base else {})
    return [
        f"Always saying “{label}” is right on {percent(right.count / right.total)} of the {right.total:,} questions"
        f" {words}."
        for name, words in sets.items()
        for label, right in filter(None, [most_frequent_label(results, name)])
    ]


def _classes_lost(results: Results) -> list[str]:
    if not results.has_base:
        return []
    sample, base = (results.base["funnel"]["stages"][stage] for stage in ("sample", "base"))
    missing = [name for name, number in sample["by_class"].items() if number and not base["by_class"][name]]
    if not missing or not base["questions"]:
        return []
    left = sum(bool(number) for number in base["by_class"].values())
    return [f"no {' and no '.join(missing)} is left: on the base, macro averages run over {left} classes"]
