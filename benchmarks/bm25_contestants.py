"""One contestant of `bm25.py`: indexes and searches in a fresh process, and prints what that took as JSON."""

from __future__ import annotations

import json
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

TOP = 10
Rows = Sequence[Sequence[int]]
Search = Callable[[Sequence[str]], Rows]


def ragtally(chunks: Sequence[str]) -> Search:
    import numpy as np

    from ragtally.api import Passages, Queries, Spans
    from ragtally_bm25 import register_retrievers

    (component,) = register_retrievers()
    parameters = {name: schema["default"] for name, schema in component.params.items()}
    rows = np.arange(len(chunks), dtype=np.int32)
    passages = Passages(chunks, Spans(rows, rows, rows))
    # As the engine does it: what is searched is what was saved.
    folder = tempfile.TemporaryDirectory()
    builder, retriever = component.build(**parameters), component.build(**parameters)
    builder.add(passages, None)
    builder.save(Path(folder.name))
    retriever.load(Path(folder.name), passages, None)

    def search(questions: Sequence[str]) -> Rows:
        with folder:
            rows: Rows = retriever.search(Queries(questions, questions), TOP).passage.tolist()
            return rows

    return search


def bm25s_numba(chunks: Sequence[str]) -> Search:
    return _bm25s(chunks, "numba")


def bm25s_numpy(chunks: Sequence[str]) -> Search:
    return _bm25s(chunks, "numpy")


def _bm25s(chunks: Sequence[str], backend: str) -> Search:
    tokenizer, index = _bm25s_index(chunks, backend)

    def search(questions: Sequence[str]) -> Rows:
        queries = tokenizer.tokenize(questions, return_as="ids", update_vocab=False, show_progress=False)
        threads = 2 if backend == "numba" else 0
        rows: Rows = index.retrieve(queries, k=TOP, show_progress=False, n_threads=threads).documents.tolist()
        return rows

    return search


def _bm25s_index(chunks: Sequence[str], backend: str) -> tuple[Any, Any]:
    import bm25s
    import Stemmer

    tokenizer = bm25s.tokenization.Tokenizer(stopwords="english", stemmer=Stemmer.Stemmer("english"))
    tokens = tokenizer.tokenize(chunks, return_as="tuple", show_progress=False)
    index = bm25s.BM25(backend=backend)
    index.index(tokens, show_progress=False)
    return tokenizer, index


def scipy_product(chunks: Sequence[str]) -> Search:
    """bm25s's index, its rows multiplied with the questions'; the best of the scores that are not zero."""
    import numpy as np
    from scipy.sparse import csr_matrix

    tokenizer, index = _bm25s_index(chunks, "numpy")
    scores = index.scores
    words = len(scores["indptr"]) - 1
    weights = csr_matrix((scores["data"], scores["indices"], scores["indptr"]), shape=(words, len(chunks)))

    def search(questions: Sequence[str]) -> Rows:
        queries = tokenizer.tokenize(questions, return_as="ids", update_vocab=False, show_progress=False)
        ends = np.cumsum([0, *map(len, queries)])
        flat = np.array([word for question in queries for word in question])
        counts = csr_matrix((np.ones(len(flat), np.float32), flat, ends), shape=(len(questions), words))
        rows = []
        for row in range(len(questions)):
            product = counts[row] @ weights
            first = max(0, len(product.data) - TOP)
            best = np.argpartition(product.data, first)[first:]
            rows.append(product.indices[best[np.argsort(-product.data[best])]].tolist())
        return rows

    return search


def tantivy(chunks: Sequence[str]) -> Search:
    import tantivy as library

    schema = library.SchemaBuilder()
    schema.add_text_field("text", stored=False, tokenizer_name="en_stem", index_option="freq")
    schema.add_unsigned_field("row", stored=True)
    index = library.Index(schema.build())
    writer = index.writer(heap_size=512_000_000, num_threads=2)
    for row, text in enumerate(chunks):
        writer.add_document(library.Document(text=text, row=row))
    writer.commit()
    writer.wait_merging_threads()

    def search(questions: Sequence[str]) -> Rows:
        index.reload()
        searcher = index.searcher()
        rows = []
        for question in questions:
            query = index.parse_query(re.sub(r"[^\w\s]", " ", question), ["text"])
            hits = searcher.search(query, TOP).hits
            rows.append([searcher.doc(address)["row"][0] for _, address in hits])
        return rows

    return search


def rank_bm25(chunks: Sequence[str]) -> Search:
    import numpy as np
    import Stemmer
    from rank_bm25 import BM25Okapi

    stem = Stemmer.Stemmer("english").stemWords
    pattern = re.compile(r"(?u)\b\w\w+\b")
    index = BM25Okapi([stem(pattern.findall(text.lower())) for text in chunks])

    def search(questions: Sequence[str]) -> Rows:
        queries = [stem(pattern.findall(question.lower())) for question in questions]
        return [np.argsort(-index.get_scores(words), kind="stable")[:TOP].tolist() for words in queries]

    return search


CONTESTANTS = {
    "ragtally": ragtally,
    "bm25s, numba": bm25s_numba,
    "bm25s, numpy": bm25s_numpy,
    "bm25s's index, scipy product": scipy_product,
    "tantivy": tantivy,
    "rank_bm25": rank_bm25,
}


def main(name: str, folder: Path) -> None:
    chunks, questions = (
        (folder / f"{texts}.txt").read_text(encoding="utf-8").splitlines() for texts in ("chunks", "questions")
    )
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    search = CONTESTANTS[name](chunks)
    middle = time.perf_counter()
    rows = search(questions)
    end = time.perf_counter()
    after = resource.getrusage(resource.RUSAGE_SELF)
    result = {
        "index": middle - start,
        "search": end - middle,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "megabytes": after.ru_maxrss / 1024,
        "hits": rows,
    }
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
