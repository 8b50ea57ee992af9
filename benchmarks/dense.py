"""Exact dense search over 200,000 x 384 vectors, 1,000 questions, top 10, two threads: `dense` beside its peers.

Each contender runs in fresh processes of its own, in turn with the others; medians of three.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

THREADS, TOP, ROUNDS = 2, 10, 3
SMALL = (3_400, 256)
Search = Callable[[], np.ndarray]


def ragtally(distance: str) -> Callable[[np.ndarray, np.ndarray], Search]:
    def index(chunks: np.ndarray, questions: np.ndarray) -> Search:
        from ragtally.api import Passages, Queries, Spans
        from ragtally_dense import register_retrievers

        (component,) = register_retrievers()
        retriever = component.build(embedder=None, distance=distance)
        rows = np.arange(len(chunks), dtype=np.int32)
        retriever.add(Passages([""] * len(chunks), Spans(rows, rows, rows)), chunks)
        names = [str(row) for row in range(len(questions))]
        return lambda: retriever.search(Queries(names, names, vectors=questions), TOP).passage

    return index


def faiss_floats(metric: str, normalise: bool = False) -> Callable[[np.ndarray, np.ndarray], Search]:
    def index(chunks: np.ndarray, questions: np.ndarray) -> Search:
        import faiss

        if normalise:
            chunks, questions = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (chunks, questions))
        return lambda: faiss.knn(questions, chunks, TOP, metric=getattr(faiss, metric))[1]

    return index


def pack(vectors: np.ndarray) -> np.ndarray:
    return np.packbits(vectors > 0, axis=1)


def faiss_hamming(chunks: np.ndarray, questions: np.ndarray) -> Search:
    import faiss

    index, query_bits = faiss.IndexBinaryFlat(chunks.shape[1]), pack(questions)
    index.add(pack(chunks))
    return lambda: index.search(query_bits, TOP)[1]


def usearch(metric: str) -> Callable[[np.ndarray, np.ndarray], Search]:
    def index(chunks: np.ndarray, questions: np.ndarray) -> Search:
        from usearch.index import MetricKind, search

        chunk_bits, query_bits = pack(chunks), pack(questions)
        kind = getattr(MetricKind, metric)
        return lambda: search(chunk_bits, query_bits, TOP, kind, exact=True, threads=THREADS).keys

    return index


def numpy_product(normalise: bool) -> Callable[[np.ndarray, np.ndarray], Search]:
    def index(chunks: np.ndarray, questions: np.ndarray) -> Search:
        if normalise:
            chunks, questions = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (chunks, questions))

        def search() -> np.ndarray:
            rows = []
            for start in range(0, len(questions), 100):
                scores = questions[start : start + 100] @ chunks.T
                best = np.argpartition(-scores, TOP, axis=1)[:, :TOP]
                order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1)
                rows.append(np.take_along_axis(best, order, axis=1))
            return np.concatenate(rows)

        return search

    return index


def numba_manhattan(chunks: np.ndarray, questions: np.ndarray) -> Search:
    import numba

    @numba.njit(parallel=True, fastmath=True)
    def distances(questions: np.ndarray, chunks: np.ndarray) -> np.ndarray:
        out = np.empty((len(questions), len(chunks)), np.float32)
        for chunk in numba.prange(len(chunks)):
            for question in range(len(questions)):
                total = np.float32(0)
                for component in range(chunks.shape[1]):
                    total += abs(questions[question, component] - chunks[chunk, component])
                out[question, chunk] = total
        return out

    distances(questions[:2], chunks[:2])

    def search() -> np.ndarray:
        rows = []
        for start in range(0, len(questions), 100):
            scores = distances(questions[start : start + 100], chunks)
            best = np.argpartition(scores, TOP, axis=1)[:, :TOP]
            order = np.argsort(np.take_along_axis(scores, best, axis=1), axis=1)
            rows.append(np.take_along_axis(best, order, axis=1))
        return np.concatenate(rows)

    return search


def scikit_learn(metric: str) -> Callable[[np.ndarray, np.ndarray], Search]:
    def index(chunks: np.ndarray, questions: np.ndarray) -> Search:
        from sklearn.neighbors import NearestNeighbors

        neighbours = NearestNeighbors(n_neighbors=TOP, algorithm="brute", metric=metric).fit(chunks)
        return lambda: neighbours.kneighbors(questions, return_distance=False)

    return index


CONTENDERS: dict[str, dict[str, Callable[[np.ndarray, np.ndarray], Search]]] = {
    "cosine": {
        "ragtally": ragtally("cosine"),
        "faiss": faiss_floats("METRIC_INNER_PRODUCT", normalise=True),
        "numpy": numpy_product(normalise=True),
        "scikit-learn": scikit_learn("cosine"),
    },
    "dot": {
        "ragtally": ragtally("dot"),
        "faiss": faiss_floats("METRIC_INNER_PRODUCT"),
        "numpy": numpy_product(normalise=False),
    },
    "l2": {
        "ragtally": ragtally("l2"),
        "faiss": faiss_floats("METRIC_L2"),
        "scikit-learn": scikit_learn("euclidean"),
    },
    "l1": {"ragtally": ragtally("l1"), "faiss": faiss_floats("METRIC_L1"), "numba": numba_manhattan},
    "hamming": {"ragtally": ragtally("hamming"), "faiss": faiss_hamming, "usearch": usearch("Hamming")},
    "jaccard": {"ragtally": ragtally("jaccard"), "usearch": usearch("Tanimoto")},
}


@dataclass(frozen=True)
class Timing:
    index: float
    search: float
    megabytes: float
    hits: np.ndarray


def run_one(folder: Path, distance: str, who: str) -> None:
    """In a process of its own: index, search once, and say how long both took and how much memory."""
    chunks, questions = np.load(folder / "chunks.npy"), np.load(folder / "questions.npy")
    start = time.perf_counter()
    search = CONTENDERS[distance][who](chunks, questions)
    middle = time.perf_counter()
    rows = search()
    end = time.perf_counter()
    np.save(folder / "hits.npy", np.asarray(rows).astype(np.int64))
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - chunks.nbytes / 2**20
    print(json.dumps({"index": middle - start, "search": end - middle, "megabytes": megabytes}))


def measure(folder: Path, distance: str, who: str) -> Timing:
    threads = {f"{name}_NUM_THREADS": str(THREADS) for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    result = subprocess.run(
        [sys.executable, __file__, "--one", str(folder), distance, who],
        env=os.environ | threads, capture_output=True, text=True, check=True,
    )  # fmt: skip
    numbers: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return Timing(**numbers, hits=np.load(folder / "hits.npy"))


def compare(folder: Path, distance: str) -> None:
    contenders = list(CONTENDERS[distance])
    runs: dict[str, list[Timing]] = {who: [] for who in contenders}
    for _ in range(ROUNDS):
        for who in contenders:
            runs[who].append(measure(folder, distance, who))
    seconds = {who: median(run.search for run in runs[who]) for who in contenders}
    fastest = min(seconds[who] for who in contenders if who != "ragtally")
    own = runs["ragtally"][0].hits
    for who in contenders:
        index = median(run.index for run in runs[who])
        megabytes = max(run.megabytes for run in runs[who])
        agreement = np.mean([len({*a} & {*b}) / len(a) for a, b in zip(own, runs[who][0].hits, strict=True)])
        print(
            f"{distance:9}{who:14}{index:8.2f}{seconds[who]:9.2f}{seconds[who] / fastest:16.2f}{megabytes:12.0f}"
            f"{agreement:13.4f}",
            flush=True,
        )


def draw(folder: Path, chunks: int, dimensions: int, questions: int) -> None:
    generator = np.random.default_rng(0)
    for name, count in {"chunks": chunks, "questions": questions}.items():
        np.save(folder / f"{name}.npy", generator.standard_normal((count, dimensions), dtype=np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=3, metavar=("FOLDER", "DISTANCE", "WHO"), help=argparse.SUPPRESS)
    parser.add_argument("--distance", nargs="+", choices=list(CONTENDERS), default=list(CONTENDERS))
    parser.add_argument("--chunks", type=int, default=200_000)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--questions", type=int, default=1_000)
    arguments = parser.parse_args()
    if arguments.one:
        run_one(Path(arguments.one[0]), arguments.one[1], arguments.one[2])
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw(folder, arguments.chunks, arguments.dimensions, arguments.questions)
        # Once for all, as after an installation: code is compiled and kept.
        for distance in arguments.distance:
            measure(folder, distance, "ragtally")
        print(
            f"{arguments.chunks:,} x {arguments.dimensions}, {arguments.questions:,} questions, top {TOP}, {THREADS} threads"
        )
        print(f"{'':23}{'index s':>8}{'search s':>9}{'/ fastest peer':>16}{'peak MB + v':>12}{'hits as ours':>13}")
        for distance in arguments.distance:
            compare(folder, distance)
        draw(folder, *SMALL, 1_000)
        print(f"\n{SMALL[0]:,} x {SMALL[1]}, 1,000 questions: nothing is compiled or loaded for so little")
        for distance in arguments.distance:
            runs = [measure(folder, distance, "ragtally") for _ in range(ROUNDS)]
            print(f"{distance:23}{median(run.index for run in runs):8.2f}{median(run.search for run in runs):9.2f}")


if __name__ == "__main__":
    main()
