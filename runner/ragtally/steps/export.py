"""export: the included examples in the forms that training programs read, with where each is from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ragtally.curation.curated import final_example
from ragtally.steps.step import Step, Work
from ragtally.store import read_table, write_json, write_table, write_text
from ragtally.support.training_forms import FORMS, Form, Line, TrainingExample, full_line, source_line
from ragtally.tables import load_examples, load_splits

FOLDER, MANIFEST = "examples", "manifest.json"
# What the dataset `curated` reads.
_MANIFEST_FORM = "ragtally examples 1"


def run(work: Work) -> None:
    """Write the folder `examples`: files by form and split, documents, configurations, and `manifest.json`."""
    settings = work.task.settings
    table = load_examples(work.input("curate")).join(load_splits(work.input("split")), on="example", how="left")
    names: Sequence[str] = settings["generators"]
    rows = table.to_dicts()
    folder = work.folder / FOLDER
    folder.mkdir()
    counts: dict[str, Any] = {}
    configurations: list[tuple[str, str, Form]] = []
    # Programs that train take lines as they come, and learn what a column is from the first ones: so they are mixed.
    order = np.random.default_rng(settings["seed"]).permutation(len(rows))
    for split in settings["splits"]:
        own = [rows[number] for number in order if rows[number]["included"] and rows[number]["split"] == split]
        examples = [training_example(row, names) for row in own]
        for name in settings["forms"]:
            lines = [(one, full_line(FORMS[name], one)) for one in examples]
            fitting = [(one, line) for one, line in lines if line is not None]
            counts.setdefault(name, {})[split] = {"lines": len(fitting), "no_place": len(lines) - len(fitting)}
            if fitting:
                _write_lines(folder / name, split, [line for _, line in fitting])
                if not FORMS[name].has_sources:
                    _write_jsonl(folder / name / f"{split}.sources.jsonl", [source_line(one) for one, _ in fitting])
                configurations.append((name, split, FORMS[name]))
    _write_jsonl(folder / "rejected.jsonl", [_rejection(row, names) for row in rows if not row["included"]])
    write_json(folder / "dataset_info.json", dict(_llama_factory(configurations)))
    write_text(folder / "axolotl.yaml", "\n".join(_axolotl(configurations)) + "\n")
    if (documents := work.optional("prepare")) is not None:
        write_table(folder / "documents.parquet", read_table(documents / "documents.parquet"))
    write_json(folder / MANIFEST, {**empty_manifest(), "counts": counts, "files": _files(folder)})


def empty_manifest() -> dict[str, Any]:
    """The manifest of an export without files."""
    return {"form": _MANIFEST_FORM, "counts": {}, "files": {}}


def training_example(row: Mapping[str, Any], names: Sequence[str]) -> TrainingExample:
    """An example as it is exported."""
    example, generator = final_example(row), row["generator"]
    return TrainingExample(
        id=row["example"],
        kind=str(example.kind),
        turns=example.turns,
        input=example.input,
        label=example.label,
        document=example.source.document,
        start=example.source.start,
        end=example.source.end,
        location=example.source.location,
        generator=None if generator is None else names[generator],
    )


def _write_lines(folder: Path, split: str, lines: Sequence[Line]) -> None:
    folder.mkdir(exist_ok=True)
    _write_jsonl(folder / f"{split}.jsonl", lines)
    write_table(folder / f"{split}.parquet", pl.DataFrame(lines, infer_schema_length=None))


def _write_jsonl(path: Path, lines: Sequence[Line]) -> None:
    path.parent.mkdir(exist_ok=True)
    write_text(path, "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines))


def _rejection(row: Mapping[str, Any], names: Sequence[str]) -> Line:
    why = ("status", "reasons", "duplicate_of", "expert", "experts", "expert_reasons")
    return {**(full_line(FORMS["chat"], training_example(row, names)) or {}), **{name: row[name] for name in why}}


def _llama_factory(configurations: Sequence[tuple[str, str, Form]]) -> Iterator[tuple[str, Any]]:
    """The entries of `dataset_info.json`; the folder is LLaMA-Factory's `dataset_dir`."""
    for name, split, form in configurations:
        if form.columns:
            formatting = {} if name == "alpaca" else {"formatting": "sharegpt"}
            tags = {"tags": form.tags} if form.tags else {}
            yield (
                f"{name}_{split}",
                {"file_name": f"{name}/{split}.jsonl", **formatting, "columns": form.columns, **tags},
            )


def _axolotl(configurations: Sequence[tuple[str, str, Form]]) -> Iterator[str]:
    """One entry for each file, of which a configuration takes those of one form; JSON is YAML."""
    yield "# Entries for Axolotl's configuration, by form: copy those of one form. Paths are relative to this file."
    for split, key in (("train", "datasets"), ("dev", "test_datasets")):
        yield f"{key}:"
        for name, own, form in configurations:
            if own == split and form.axolotl is not None:
                entry = {"path": f"{name}/{split}.jsonl", "ds_type": "json", "split": "train", **form.axolotl}
                yield f"  - {json.dumps(entry)}"


def _files(folder: Path) -> dict[str, Any]:
    files = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        # As `sha256sum` prints it.
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        files[path.relative_to(folder).as_posix()] = {"bytes": path.stat().st_size, "sha256": digest}
    return files


EXPORT = Step("export", 1, run, inputs=("curate", "split", "prepare"))
