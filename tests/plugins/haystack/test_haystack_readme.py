"""What plugins/README.md says of Haystack without a plugin is a spec that ragtally takes."""

from __future__ import annotations

import re
from pathlib import Path

from ragtally.registry import load_registry
from ragtally.spec.load import load_study

README = Path(__file__).parents[3] / "plugins" / "README.md"


def test_the_example_is_a_spec(tmp_path: Path) -> None:
    section = README.read_text(encoding="utf-8").split("## Haystack without a plugin")[1]
    (example,) = re.findall(r"```yaml\n(.*?)```", section.split("\n## ")[0], re.DOTALL)
    spec = tmp_path / "spec.yaml"
    rest = "readers: {asked: {chat: {model: mini}}}\n"
    spec.write_text(
        f"study: example\ndataset: {{synthetic: {{questions: 20}}}}\n{rest}{example}  top_k: [3]\n  reader: [asked]\n"
    )
    study = load_study(spec, load_registry())
    assert [choice.name for choice in (*study.grid.chunker, *study.grid.retriever)] == ["haystack"] * 3
