"""Embedders that run here over 7,000, 70,000 and (`--large`) 700,000 chunks of about 100 words: linear growth?

Each size and embedder runs in a process of its own, which is given its texts lazily, as the engine gives them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "runner"))
sys.path.insert(0, str(Path(__file__).parent.parent / "plugins"))

WORDS = 100
SIZES = (7_000, 70_000, 700_000)
EMBEDDERS = {
    "lsa": ("ragtally_lsa", {"dim": 256, "stopwords": "english", "fit_chunks": 100_000, "seed": 1}),
    "hashing": ("ragtally_hashing", {}),
}


class Texts(Sequence[str]):
    """Chunks that are read from a file when they are looked at."""

    def __init__(self, path: Path, count: int) -> None:
        import numpy as np

        self._file = path.open("rb")
        self._ends = np.load(path.with_suffix(".npy"), mmap_mode="r")[: count + 1]

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, row: Any) -> Any:
        start, end = int(self._ends[row]), int(self._ends[row + 1])
        self._file.seek(start)
        return self._file.read(end - start).decode()


def write_chunks(path: Path, count: int) -> None:
    """Write made-up studies, cut after every hundredth word."""
    import numpy as np

    from ragtally_synthetic.dataset import SyntheticDataset

    dataset = SyntheticDataset(count, 2, 0.5, {"yes": 0.55, "no": 0.34, "maybe": 0.11}, 3)
    ends = [0]
    with path.open("wb") as file:
        for batch in dataset.batches():
            for text in batch.documents.text:
                words = text.split()
                for first in range(0, len(words), WORDS):
                    ends.append(ends[-1] + file.write(" ".join(words[first : first + WORDS]).encode()))
                    if len(ends) > count:
                        np.save(path.with_suffix(".npy"), np.array(ends))
                        return
    raise AssertionError("the dataset has too few chunks")


def embed(name: str, path: Path, count: int) -> dict[str, float]:
    """Fit, save and embed, and tell the seconds and the peak of memory."""
    import importlib
    import resource

    module, parameters = EMBEDDERS[name]
    (component,) = importlib.import_module(module).register_embedders()
    values = {key: schema.get("default") for key, schema in component.params.items()} | {"seed": 1} | dict(parameters)
    embedder, texts = component.build(**values), Texts(path, count)
    start, before = time.perf_counter(), time.process_time()
    embedder.fit(texts)
    middle = time.perf_counter()
    vectors = embedder.embed_documents(texts)
    end = time.perf_counter()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "fit": middle - start,
        "embed": end - middle,
        "cpu": usage.ru_utime + usage.ru_stime - before,
        "peak": usage.ru_maxrss / 1024,
        "vectors": vectors.nbytes / 2**20,
    }


def main() -> None:
    """Print one row per embedder and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="700,000 chunks too")
    parser.add_argument("--one", nargs=3, metavar=("EMBEDDER", "FILE", "CHUNKS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        name, path, count = arguments.one
        print(json.dumps(embed(name, Path(path), int(count))))
        return
    sizes = SIZES if arguments.large else SIZES[:-1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chunks.txt"
        write_chunks(path, sizes[-1])
        print("embedder   chunks  fit s  embed s  CPU s  CPU ms / 1,000 chunks  peak MB  of these vectors")
        for name in EMBEDDERS:
            for count in sizes:
                command = [sys.executable, __file__, "--one", name, str(path), str(count)]
                result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                each = 1e6 * result["cpu"] / count
                print(
                    f"{name:8} {count:8,} {result['fit']:6.1f} {result['embed']:8.1f} {result['cpu']:6.1f} {each:22.0f} "
                    f"{result['peak']:8.0f} "
                    f"{result['vectors']:17.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
