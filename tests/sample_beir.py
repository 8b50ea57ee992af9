"""BEIR folders made for tests."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Rows = Sequence[tuple[str, str, Any]]
HEADER = "query-id\tcorpus-id\tscore\n"


def document(identifier: str, text: str, title: str = "") -> dict[str, Any]:
    """Write a document as BEIR does."""
    return {"_id": identifier, "title": title, "text": text, "metadata": {}}


def query(identifier: str, text: str, **metadata: Any) -> dict[str, Any]:
    """Write a query as BEIR does."""
    return {"_id": identifier, "text": text, "metadata": metadata}


def write(path: Path, text: str, compressed: bool = False) -> None:
    """Write a file, plain or compressed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if compressed:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    else:
        path.write_text(text, encoding="utf-8")


def write_folder(
    folder: Path,
    corpus: Sequence[Mapping[str, Any]],
    queries: Sequence[Mapping[str, Any]],
    qrels: Mapping[str, Rows],
    *,
    compressed: bool = False,
    header: str = HEADER,
) -> Path:
    """Write a whole folder; `qrels` holds query, document and score by split."""
    for name, lines in (("corpus.jsonl", corpus), ("queries.jsonl", queries)):
        write(folder / name, "".join(json.dumps(line) + "\n" for line in lines), compressed)
    for split, rows in qrels.items():
        text = header + "".join(f"{one}\t{other}\t{score}\n" for one, other, score in rows)
        write(folder / "qrels" / f"{split}.tsv", text, compressed)
    return folder
