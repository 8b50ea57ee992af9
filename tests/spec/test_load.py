"""A spec becomes a study; everything that is wrong with it is told at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ragtally.api import Choice, ErrorList, RagtallyError, SpecError
from ragtally.registry import Registry
from ragtally.spec.load import load_study
from ragtally.spec.study import Base, Grid, Label, Sample, Study

Load = Callable[[str], Study]
Errors = Callable[[str], list[RagtallyError]]


def test_a_whole_spec(load: Load, full: str) -> None:
    study = load(full)
    assert (study.name, study.seed, study.grid_on) == ("demo", 20, "base")
    assert (study.dataset.split, study.dataset.answers) == ("test", ("yes", "no", "maybe"))
    assert study.sample == Sample(50, True)
    assert study.label == Label(("llama", "tiny"), 3)
    assert study.base == Base(("llama",), Choice("rule", "unanimous", {}), True, ("floor",))
    assert [study.readers[name].train_split for name in ("llama", "tiny", "floor")] == [None, "train", None]
    assert [len(axis) for axis in (study.grid.chunker, study.grid.retriever, study.grid.top_k)] == [3, 5, 2]
    assert study.grid.reader == ("llama", "tiny", "floor", "people")
    assert study.grid.votes == (1, 3)
    assert study.grid.rule == (Choice("rule", "majority", {}),)
    assert study.controls == ("closed_book", "wrong_context")
    assert [metric.name for metric in study.metrics] == ["accuracy", "recall@k", "macro_f1"]


def test_the_smallest_spec_has_the_documented_defaults(load: Load) -> None:
    study = load("study: a\ndataset: bare\n")
    assert (study.seed, study.sample, study.readers, study.label, study.base) == (0, Sample(), {}, None, None)
    assert (study.grid, study.grid_on, study.controls, study.metrics) == (Grid(), "all", (), ())
    assert study.dataset.split is None


def test_a_default_written_out_and_one_left_out_are_the_same_study(load: Load, full: str) -> None:
    explicit = (
        full.replace("{model: small}", "{options: {}, temperature: 5e-1, model: small}")
        .replace("tiny: learner", "tiny: {learner: {train: {split: train}}}")
        .replace("- bm25", "- bm25: {stemmer: english}")
        .replace("test, answers", "test, seed: 20, answers")
        .replace("dim: [64, 256]", "seed: 20, dim: [64, 256]")
        .replace("rule: unanimous", "rule: {unanimous: {}}, agree_with_gold: true")
        .replace("votes: [1, 3]", "votes: {axis: [1, 3.0]}\n  rule: majority")
        + "grid_on: base\n"
    )
    assert load(explicit) == load(full)
    assert load(full) != load(full.replace("size: 50", "size: 51"))


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("grid: {chunker: whole, retriever: bm25}", ["recall@k", "mrr@k"]),
        ("readers: {a: learner}\nlabel: {voters: [a]}", ["accuracy", "macro_f1", "coverage"]),
        (
            "readers: {a: learner}\ngrid: {chunker: whole, retriever: bm25, top_k: 1, reader: a}",
            ["accuracy", "macro_f1", "coverage", "recall@k", "mrr@k"],
        ),
    ],
)
def test_metrics_that_are_left_out(load: Load, head: str, rest: str, expected: list[str]) -> None:
    assert [metric.name for metric in load(f"{head}{rest}\n").metrics] == expected


def test_places_are_kept(load: Load, full: str) -> None:
    study = load(full)
    assert str(study.location("readers.tiny")).endswith("spec.yaml:8:3")
    assert str(study.location("grid.retriever.1")).endswith("spec.yaml:17:7")
    assert str(study.location("grid.rule")).endswith("spec.yaml:13:1")
    assert study.location("").file == study.file


def test_an_alias_may_stand_for_a_component(load: Load, head: str) -> None:
    study = load(f"{head}readers:\n  a: &one {{chat: {{model: m}}}}\n  b: *one\n")
    assert study.readers["a"].choice == study.readers["b"].choice


def test_everything_wrong_is_told_at_once_in_order(errors: Errors) -> None:
    found = errors(
        """\
        study: Demo
        dataset: {toi: {split: test}}
        sample: {size: many}
        sample: {size: 3}
        readers:
          llama: {chat: {modle: small}}
          tiny: learner
        label: {voters: [llama, tinny], votes: 0}
        grid:
          chunker: wrods
          top_k: [1, 2, 1]
          reader: [llama, tin]
        bogus: 1
        """
    )
    told = [(error.location.line, error.message) for error in found if error.location]
    assert told == [
        (1, "study cannot be 'Demo'"),
        (2, "there is no dataset 'toi'"),
        (3, "sample.size must be a whole number or null, not 'many'"),
        (4, "the key 'sample' is there twice; the first is on line 3"),
        (6, "chat needs the parameter 'model'"),
        (6, "chat has no parameter 'modle'"),
        (8, "there is no reader 'tinny' under readers"),
        (8, "label.votes must be at least 1, not 0"),
        (10, "there is no chunker 'wrods'"),
        (11, "grid.top_k holds 1 twice"),
        (12, "there is no reader 'tin' under readers"),
        (13, "the spec has no key 'bogus'"),
    ]


FAULTS = (
    ("size: 50", "size: many"), ("{model: small}", "{model: small, heat: 1}"), ("model: big", "model: 3"),
    ("tiny: learner", "tiny: lerner"), ("[llama, tiny], votes", "[llama, tinny], votes"), ("votes: 3", "votes: 0"),
    ("from: [llama]", "from: [lama]"), ("rule: unanimous", "rule: {quorum: {k: 0}}"), ("overlap: 0", "overlap: x"),
    ("size: [32, 64]", "size: [32, 32]"), ("dim: [64, 256]", "dim: [64, 64]"), ("[cosine, dot]", "[cosine, dt]"),
    ("votes: [1, 3]", "votes: [3, 3]"), ("[closed_book, ", "[closedbook, "), ("recall@5", "recall@x"),
    ("mrr@3", "accuracy"), ("metric: coverage", "metric: 1"), ("{top_k: 3}", "{top_k: 4}"),
)  # fmt: skip


def test_no_mistake_hides_another(errors: Errors, full: str) -> None:
    spec = full + "compare:\n  - {metric: coverage, baseline: {top_k: 1}}\n  - {baseline: {top_k: 3}}\n"
    spec = spec.replace("recall@5", "coverage, recall@5").replace("macro_f1", "macro_f1, mrr@3")
    alone, worst = set(), spec
    for old, new in FAULTS:
        assert spec.count(old) == 1, old
        (error,) = errors(spec.replace(old, new))
        alone.add(error.message)
        worst = worst.replace(old, new)
    assert {error.message for error in errors(worst)} == alone


def test_what_could_not_be_read_is_not_blamed_twice(errors: Errors, head: str) -> None:
    assert [error.message for error in errors(f"{head}sample: {{size: 1e999}}\n")] == ["the number is too large"]


def test_one_error_is_raised_by_itself_and_several_as_a_list(load: Load, head: str) -> None:
    with pytest.raises(SpecError) as one:
        load(f"{head}bogus: 1\n")
    assert one.value.exit_code == 2
    assert str(one.value).endswith("hint: " + str(one.value.hint))
    with pytest.raises(ErrorList) as several:
        load(f"{head}bogus: 1\nother: 2\n")
    assert str(several.value).count("spec.yaml:") == 2


def test_the_path_is_told_as_it_was_typed(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text("study: a\n")
    with pytest.raises(SpecError, match=r"^a\.yaml:1:1: the spec needs the key 'dataset'"):
        load_study("a.yaml", registry)


def test_loading_is_quick(load: Load, full: str) -> None:
    begin = time.perf_counter()
    load(full)
    assert time.perf_counter() - begin < 0.5
