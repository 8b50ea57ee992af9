"""A study lists everything that it names, what stands inside other components too."""

from __future__ import annotations

from collections.abc import Callable

from ragtally.spec.load import load_study
from toy_study import SPEC
from workbench import Bench


def test_components_inside_come_first_and_each_once(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench()
    nested = "wider: {retriever: {letters: {embedder: letter_counts}}, window: {pieces: {size: 90}}}"
    path = bench.folder / "spec.yaml"
    path.write_text(SPEC.replace("- shared_words", f"- shared_words\n    - {nested}"))
    component_name = [name for name, _ in load_study(path, bench.registry).components()]
    assert component_name == [
        "dataset made_up",
        "reader finder",
        "reader learner",
        "reader people",
        "chunker pieces",
        "chunker pieces",
        "retriever shared_words",
        "chunker pieces",
        "embedder letter_counts",
        "retriever letters",
        "retriever wider",
        "retriever letters",
    ]
