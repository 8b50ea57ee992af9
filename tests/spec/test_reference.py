"""specs/README.md is what the generator writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragtally.registry import Registry, RegistryEntry, load_registry
from ragtally.spec.reference import in_box, main, spec_reference, type_words, written_by_hand

README = Path(__file__).parents[2] / "specs" / "README.md"
SCHEMA = Path(__file__).parents[2] / "runner" / "ragtally" / "spec" / "spec.schema.json"


def test_the_committed_reference_is_up_to_date() -> None:
    assert README.read_text(encoding="utf-8").startswith(spec_reference(in_box(load_registry()))), (
        "write it again: make generated"
    )


def test_what_is_written_by_hand_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "README.md"
    path.write_text(spec_reference(in_box(load_registry())).replace("# Specs", "# Old") + "by hand\n")
    monkeypatch.setattr("sys.argv", ["reference", str(path)])
    main()
    text = path.read_text()
    assert text.startswith("# Specs") and text.endswith("by hand\n") and "# Old" not in text
    assert written_by_hand(text) == "by hand\n"


def test_the_committed_schema_is_up_to_date(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["reference", "--schema"])
    main()
    assert SCHEMA.read_text(encoding="utf-8") == capsys.readouterr().out, "write it again: make generated"


def test_every_component_and_parameter_is_in_it(registry: Registry) -> None:
    text = spec_reference(registry)
    for item in registry.all():
        assert f"| `{item.component.name}` |" in text
        section = text.partition(f"### `{item.component.name}`\n")[2].partition("\n#")[0]
        for name in item.component.params:
            assert f"| `{name}` |" in section or (name, item.kind) == ("k", "metric")
    for key in ("study", "label.votes", "base.exclude_closed_book_right", "grid.top_k"):
        assert f"| `{key}` |" in text


def test_what_is_not_in_the_box_is_left_out(registry: Registry) -> None:
    (template, *_) = registry.all()
    other = RegistryEntry(template.component, "dataset", "elsewhere", "ragtally-more 1.0")
    assert in_box(Registry({("dataset", "toy"): other})).all() == ()
    assert in_box(registry).all() == registry.all()


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1}, "whole number, at least 1"),
        ({"type": ["number", "null"], "exclusiveMinimum": 0}, "number or null, more than 0"),
        ({"enum": ["a", None]}, "`a` or `null`"),
        ({"const": 3}, "`3`"),
        ({"type": "array", "items": {"type": "string"}}, "list of text"),
        ({"type": "object", "properties": {"a": {}}}, "mapping with `a`"),
        ({"anyOf": [{"$ref": "#/$defs/embedder"}, {"type": "null"}]}, "[embedder](#embedder) or null"),
        ({"x-ragtally-axis": True, "anyOf": [{"$ref": "#/$defs/grid.rule"}]}, "[rule](#rule); an axis"),
        ({}, "any value"),
    ],
)
def test_types_in_words(schema: dict[str, object], words: str) -> None:
    assert type_words(schema) == words
