"""Every component included passes the suite that third parties are given."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from model_server.fixture import RunningServer, running_server
from plugins.packaged_model import packaged_model, require_local_model
from plugins.rerank.tiny_cross_encoder import save_tiny_cross_encoder
from plugins.tiny_model import require_lora, write_tiny_model
from ragtally.api import Choice, PromptingReader, Reading, TuningReader
from ragtally.registry import load_registry
from ragtally.testing import (
    AnswerMetricSuite,
    ChunkerSuite,
    ComponentSuite,
    ConverterSuite,
    DatasetSuite,
    EmbedderSuite,
    ExecutorSuite,
    GraderSuite,
    ModelSuite,
    PromptingGraderSuite,
    ReaderSuite,
    RerankerSuite,
    RetrievalMetricSuite,
    RetrieverSuite,
    TrainableReaderSuite,
    VoteRuleSuite,
    samples,
)
from sample_beir import document, query, write_folder
from sample_examples import write_curated
from sample_export import write_export
from sample_files import WRITERS
from sample_outlook import write_msg
from sample_squad import write_squad
from sample_table import write_study

PUBMEDQA = os.environ.get("RAGTALLY_PUBMEDQA")
needs_pubmedqa = pytest.mark.skipif(not PUBMEDQA, reason="RAGTALLY_PUBMEDQA names no folder with the data set")

ANSWER_METRICS = [
    "abstained",
    "accuracy",
    "accuracy_of_covered",
    "balanced_accuracy",
    "call_failed_share",
    "cohen_kappa",
    "confusion",
    "coverage",
    "exact_match",
    "f1",
    "grounded",
    "judged",
    "macro_f1",
    "macro_precision",
    "macro_recall",
    "precision",
    "recall",
    "rouge_l",
    "token_f1",
    "unparsed_share",
]
RETRIEVAL_METRICS = ["document_hit", "evidence_ceiling", "evidence_coverage", "mrr", "ndcg", "precision", "recall"]


def suite(base: type[ComponentSuite], plugin: str, name: str, **parameters: Any) -> type[ComponentSuite]:
    """Make a test class of a suite, as a subclass written by hand would be."""
    members = {"plugin": plugin, "name": name, "parameters": parameters, "__module__": __name__}
    return type(f"Test_{base.kind}_{name}".replace("@", "_"), (base,), members)


TestWords = suite(ChunkerSuite, "ragtally_chunkers", "words", size=12, overlap=3)
TestSentences = suite(ChunkerSuite, "ragtally_chunkers", "sentences", size=2, overlap=1)
TestSections = suite(ChunkerSuite, "ragtally_chunkers", "sections")
TestWhole = suite(ChunkerSuite, "ragtally_chunkers", "whole")


class TestTokens(ChunkerSuite):
    plugin = "ragtally_chunkers"
    name = "tokens"

    def folder_parameters(self, folder: Path) -> Mapping[str, Any]:
        alphabet = {letter: row for row, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
        tokenizer = Tokenizer(models.BPE(vocab=alphabet, merges=[]))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
        tokenizer.save(str(folder / "tokenizer.json"))
        return {"tokenizer": str(folder), "size": 20, "overlap": 5}


class TestBeir(DatasetSuite):
    plugin = "ragtally_beir"
    name = "beir"
    answer_field: str | None = None

    def folder_parameters(self, folder: Path) -> Mapping[str, Any]:
        corpus = [document("d1", "One.", "Title"), document("d2", "Two."), document("d3", "")]
        queries = [query(f"q{row}", "What?", verdict=("yes", "no")[row % 2]) for row in range(4)]
        qrels = {"train": [("q0", "d1", 1)], "test": [("q1", "d1", 2), ("q1", "d2", 1), ("q2", "d3", 1)]}
        write_folder(folder, corpus, queries, qrels)
        return {"folder": str(folder), "answer_field": self.answer_field}


class TestBeirLabelled(TestBeir):
    answer_field = "verdict"


class TestExported(DatasetSuite):
    plugin = "ragtally_exported"
    name = "exported"

    def folder_parameters(self, folder: Path) -> Mapping[str, Any]:
        write_export(folder)
        return {"folder": str(folder)}


class TestCurated(DatasetSuite):
    plugin = "ragtally_curated"
    name = "curated"
    labels = False

    def folder_parameters(self, folder: Path) -> Mapping[str, Any]:
        return {"folder": str(write_curated(folder / "examples", labels=self.labels))}


class TestCuratedLabels(TestCurated):
    labels = True


CONVERTERS = {
    "docx": "haus.docx",
    "email": "mail.eml",
    "epub": "buch.epub",
    "html": "fragen.html",
    "records": "kunden.jsonl",
    "markdown": "obst.md",
    "pdfminer": "agb.pdf",
    "pptx": "zahlen.pptx",
    "pypdf": "agb.pdf",
    "sheets": "preise.xlsx",
    "plain_text": "notiz.txt",
}


class FileSuite(ConverterSuite):
    """A converter on a file of its kind."""

    def write_file(self, folder: Path) -> Path:
        file = CONVERTERS[self.name]
        return WRITERS[file](folder / file)


for _name in CONVERTERS:
    globals()[f"Test_converter_{_name}"] = suite(FileSuite, "ragtally_converters", _name)


class TestOutlook(ConverterSuite):
    plugin = "ragtally_converters"
    name = "outlook"

    def write_file(self, folder: Path) -> Path:
        return write_msg(folder / "mail.msg")


class TestWhatsApp(ConverterSuite):
    plugin = "ragtally_converters"
    name = "whatsapp"

    def write_file(self, folder: Path) -> Path:
        path = folder / "chat.txt"
        path.write_text("31/12/2020 21:15 - Ana: Olá\n01/01/2021 08:00 - João: Oi\n", encoding="utf-8")
        return path


class TestGroupedRows(ConverterSuite):
    plugin = "ragtally_converters"
    name = "grouped_rows"
    parameters = {"by": "Artikel"}  # noqa: RUF012

    def write_file(self, folder: Path) -> Path:
        return WRITERS["preise.xlsx"](folder / "preise.xlsx")


class TestTable(DatasetSuite):
    plugin = "ragtally_table"
    name = "table"

    def folder_parameters(self, folder: Path) -> Mapping[str, Any]:
        return write_study(folder)


TestSynthetic = suite(DatasetSuite, "ragtally_synthetic", "synthetic", questions=60)

TestLsa = suite(EmbedderSuite, "ragtally_lsa", "lsa", dim=8)
TestHashing = suite(EmbedderSuite, "ragtally_hashing", "hashing", dim=32)


@pytest.mark.slow  # torch and sentence-transformers take many seconds to import, and the model some to run
class TestSentenceTransformers(EmbedderSuite):
    plugin = "ragtally_sentence_transformers"
    name = "sentence_transformers"

    def folder_parameters(self, folder: Path) -> Mapping[str, Any]:
        return {"model": str(packaged_model()), "device": "cpu", "max_tokens": 16}

    @pytest.fixture
    def texts(self) -> list[str]:
        return samples.passage_texts()[:6]


@pytest.mark.slow  # likewise
class TestEncoder(TrainableReaderSuite):
    plugin = "ragtally_encoder"
    name = "encoder"

    def folder_parameters(self, folder: Path) -> Mapping[str, Any]:
        return {"model": str(packaged_model()), "device": "cpu", "threads": 1, "max_tokens": 24, "method": "frozen"}


@pytest.mark.slow  # likewise
class TestLora(TrainableReaderSuite):
    plugin = "ragtally_lora"
    name = "lora"

    def folder_parameters(self, folder: Path) -> Mapping[str, Any]:
        require_lora()
        base = write_tiny_model(folder)
        return {"base": str(base), "device": "cpu", "threads": 1, "epochs": 1, "max_new_tokens": 4}


TestBm25 = suite(RetrieverSuite, "ragtally_bm25", "bm25")
TestBm25Hyphenated = suite(RetrieverSuite, "ragtally_bm25", "bm25", tokenizer="hyphenated", method="robertson")
TestSetsJaccard = suite(RetrieverSuite, "ragtally_sets", "sets")
TestSetsHamming = suite(RetrieverSuite, "ragtally_sets", "sets", distance="hamming")
TestDenseCosine = suite(RetrieverSuite, "ragtally_dense", "dense")
TestDenseDot = suite(RetrieverSuite, "ragtally_dense", "dense", distance="dot")
TestDenseL2 = suite(RetrieverSuite, "ragtally_dense", "dense", distance="l2")
TestDenseL1 = suite(RetrieverSuite, "ragtally_dense", "dense", distance="l1")
TestDenseHamming = suite(RetrieverSuite, "ragtally_dense", "dense", distance="hamming")
TestDenseJaccard = suite(RetrieverSuite, "ragtally_dense", "dense", distance="jaccard", rescore=9)
TestOracle = suite(RetrieverSuite, "ragtally_control_retrievers", "oracle")
TestRandom = suite(RetrieverSuite, "ragtally_control_retrievers", "random")

TestHybrid = suite(RerankerSuite, "ragtally_hybrid", "hybrid", depth=6)
TestHybridWeighted = suite(
    RerankerSuite,
    "ragtally_hybrid",
    "hybrid",
    retrievers=["bm25", "dense", "random"],
    fusion="weighted",
    normalise="z_score",
    weights=[1.0, 0.5, 0.25],
)

TestParent = suite(RerankerSuite, "ragtally_parent", "parent", depth=6)
TestRerankModel = suite(RerankerSuite, "ragtally_rerank", "rerank", model="small", first=4)


@pytest.mark.slow  # torch and sentence-transformers take many seconds to import
class TestRerankCrossEncoder(RerankerSuite):
    plugin = "ragtally_rerank"
    name = "rerank"
    folder: Path

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def save(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.folder = tmp_path_factory.mktemp("tiny")
        save_tiny_cross_encoder(cls.folder)

    def folder_parameters(self, folder: Path) -> Mapping[str, Any]:
        return {"cross_encoder": str(self.folder), "first": 4, "device": "cpu"}


TestMajority = suite(VoteRuleSuite, "ragtally_vote_rules", "majority")
TestPlurality = suite(VoteRuleSuite, "ragtally_vote_rules", "plurality")
TestUnanimous = suite(VoteRuleSuite, "ragtally_vote_rules", "unanimous")
TestQuorum = suite(VoteRuleSuite, "ragtally_vote_rules", "quorum", k=2)

TestMajorityClass = suite(TrainableReaderSuite, "ragtally_majority_class", "majority_class")
TestSpecialist = suite(TrainableReaderSuite, "ragtally_specialist", "specialist")
TestClassifier = suite(TrainableReaderSuite, "ragtally_specialist", "classifier", embedder=None)
TestBootstrapped = suite(
    TrainableReaderSuite,
    "ragtally_specialist",
    "classifier",
    parts={"question": {"text": "question", "features": "vectors"}, "words": {}, "cues": {"features": "cues"}},
    grid={"parts": [["question", "words"], ["words", "cues"]], "thresholds": ["none", "tuned"]},
    folds=3,
    repeats=2,
    outer_folds=2,
    bootstrap=True,
)


class TestBestSentence(ReaderSuite):
    plugin = "ragtally_best_sentence"
    name = "best_sentence"

    def folder_parameters(self, folder: Path) -> Mapping[str, Any]:
        registry = load_registry()
        sentences = registry.build(registry.complete(Choice("chunker", "sentences", {"size": 1})))
        return {"sentences": sentences, "embedder": None}


TestExact = suite(GraderSuite, "ragtally_graders", "exact")
TestContains = suite(GraderSuite, "ragtally_graders", "contains")
TestTokenF1 = suite(GraderSuite, "ragtally_graders", "token_f1")
TestNumeric = suite(GraderSuite, "ragtally_graders", "numeric", tolerance=0.01)
TestJudges = suite(
    PromptingGraderSuite,
    "ragtally_graders",
    "judges",
    structured=True,
    grounded=True,
    pools_votes=True,
    **{"from": ["small"]},
)


class TestSquad(DatasetSuite):
    plugin = "ragtally_squad"
    name = "squad"

    def folder_parameters(self, folder: Path) -> Mapping[str, Any]:
        return {"path": str(write_squad(folder / "squad.json")), "leave_out": 0.3}


for _name in ANSWER_METRICS:
    globals()[f"Test_{_name}"] = suite(AnswerMetricSuite, "ragtally_answer_metrics", _name)
for _name in RETRIEVAL_METRICS:
    globals()[f"Test_{_name}_at_k"] = suite(RetrievalMetricSuite, "ragtally_retrieval_metrics", f"{_name}@k")


class TestEcho(ModelSuite):
    plugin = "ragtally_echo"
    name = "echo"


@pytest.mark.slow  # A real model reads every prompt
class TestLlamaCpp(ModelSuite):
    plugin = "ragtally_llama_cpp"
    name = "llama_cpp"
    parameters: ClassVar[Mapping[str, Any]] = {"model": "smollm2", "temperature": 0, "max_tokens": 8, "threads": 1}

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def require(cls) -> None:
        require_local_model()

    def failing_parameters(self, folder: Path) -> Mapping[str, Any]:
        return {"model": str(folder / "gone.gguf")}


class LitellmSuite(ModelSuite):
    """Both transports of the model against a server of the test's own."""

    plugin = "ragtally_litellm"
    name = "litellm"
    transport = "auto"
    server: RunningServer

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def serve(cls) -> Iterator[None]:
        with running_server() as cls.server:
            yield

    def folder_parameters(self, folder: Path) -> Mapping[str, Any]:
        model = {"model": "ollama_chat/llama3.1:8b", "temperature": 0.0}
        return {**model, "api_base": self.server.url, "transport": self.transport}

    def failing_parameters(self, folder: Path) -> Mapping[str, Any]:
        return {"api_base": "http://127.0.0.1:9"}


class TestLitellmNative(LitellmSuite): ...


class TestLitellmLibrary(LitellmSuite):
    transport = "litellm"


class TestLitellmBatches(LitellmSuite):
    def folder_parameters(self, folder: Path) -> Mapping[str, Any]:
        return {"model": "openai/gpt-4.1-mini", "api_base": self.server.openai, "delivery": "batch"}


class LitellmEmbedderSuite(EmbedderSuite):
    """Both transports of the embedder against a server of the test's own."""

    plugin = "ragtally_litellm"
    name = "litellm"
    transport = "auto"
    server: RunningServer

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def serve(cls) -> Iterator[None]:
        with running_server() as cls.server:
            yield

    def folder_parameters(self, folder: Path) -> Mapping[str, Any]:
        return {"model": "ollama/nomic-embed-text", "api_base": self.server.url, "transport": self.transport}


class TestLitellmEmbedderNative(LitellmEmbedderSuite): ...


class TestLitellmEmbedderLibrary(LitellmEmbedderSuite):
    transport = "litellm"


HAYSTACK = "ragtally_haystack"
IN_MEMORY = {"type": "haystack.document_stores.in_memory.InMemoryDocumentStore"}
_MOCK = "haystack.components.embedders.Mock{}Embedder"
_EIGHT = {"init_parameters": {"dimension": 8}}
TestHaystackSplitter = suite(
    ChunkerSuite,
    HAYSTACK,
    "haystack",
    type="haystack.components.preprocessors.DocumentSplitter",
    init_parameters={"split_length": 12, "split_overlap": 3},
)


class TestHaystackConverter(ConverterSuite):
    plugin = HAYSTACK
    name = "haystack"
    parameters = {  # noqa: RUF012
        "type": "haystack.components.converters.PyPDFToDocument",
        "extensions": [".pdf"],
    }

    def write_file(self, folder: Path) -> Path:
        return WRITERS["agb.pdf"](folder / "agb.pdf")


TestHaystackEmbedders = suite(
    EmbedderSuite,
    HAYSTACK,
    "haystack",
    document={"type": _MOCK.format("Document"), **_EIGHT},
    query={"type": _MOCK.format("Text"), **_EIGHT},
)
TestHaystackWords = suite(
    RetrieverSuite,
    HAYSTACK,
    "haystack",
    store=IN_MEMORY,
    retriever={"type": "haystack.components.retrievers.in_memory.InMemoryBM25Retriever"},
    embedder=None,
)
TestHaystackVectors = suite(
    RetrieverSuite,
    HAYSTACK,
    "haystack",
    store=IN_MEMORY,
    retriever={"type": "haystack.components.retrievers.in_memory.InMemoryEmbeddingRetriever"},
)


class TestHaystackGenerator(ModelSuite):
    plugin = HAYSTACK
    name = "haystack"
    parameters = {"type": "haystack.components.generators.chat.MockChatGenerator"}  # noqa: RUF012

    def failing_parameters(self, folder: Path) -> Mapping[str, Any]:
        secret = {"type": "env_var", "env_vars": ["RAGTALLY_NO_SUCH_KEY"]}
        type_ = "haystack.components.generators.chat.OpenAIChatGenerator"
        return {"type": type_, "init_parameters": {"api_key": secret}}


class TestRecorded(ReaderSuite):
    plugin = "ragtally_recorded"
    name = "recorded"

    def folder_parameters(self, folder: Path) -> Mapping[str, Any]:
        lines = [{"question": f"q{row}", "vote": 0, "text": "Answer: yes", "seconds": 0.1} for row in range(3)]
        lines += [{"question": f"q{row}", "vote": 1, "choice": "no", "output_tokens": 1} for row in range(3)]
        path = folder / "answers.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return {"path": str(path), "condition": "gold_context"}


@needs_pubmedqa
class TestPubmedqa(DatasetSuite):
    plugin = "ragtally_pubmedqa"
    name = "pubmedqa"


class TestChat(ComponentSuite):
    """Its prompts have tests of their own; what it answers is the model's."""

    plugin = "ragtally_chat"
    name = "chat"
    kind = "reader"
    protocol = PromptingReader
    parameters = {"model": "small"}  # noqa: RUF012


class TestFineTuning(ComponentSuite):
    """What it has a model learn has tests of its own; what it answers is the model's."""

    plugin = "ragtally_fine_tuning"
    name = "fine_tuning"
    kind = "reader"
    protocol = TuningReader
    parameters = {"model": "small"}  # noqa: RUF012


@needs_pubmedqa
class TestPubmedqaAnnotators(ReaderSuite):
    plugin = "ragtally_pubmedqa"
    name = "pubmedqa_annotators"
    parameters = {"setting": "reasoning_required"}  # noqa: RUF012

    @pytest.fixture
    def reading(self) -> Reading:
        ids = ["21645374", "12377809", "nobody"]
        return Reading(ids, ["Does it?"] * 3, [["A passage."], [], []], ("yes", "no", "maybe"))


@pytest.mark.slow  # Processes are started
class TestLocal(ExecutorSuite):
    plugin = "ragtally_local"
    name = "local"
    parameters = {"workers": 2}  # noqa: RUF012


@pytest.mark.slow  # A cluster is started on this machine, five times
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install '.[ray]'")
class TestRay(ExecutorSuite):
    plugin = "ragtally_ray"
    name = "ray"
    parameters = {"address": "local", "workers": 2}  # noqa: RUF012


TESTED_ON_A_SERVER = {("retriever", "ragtally_weaviate", "weaviate")}
"""Whose suites need a server, and are in tests/plugins/weaviate/test_conformance.py."""


def test_every_included_component_has_its_suite() -> None:
    suites = {value for value in globals().values() if isinstance(value, type) and issubclass(value, ComponentSuite)}
    tested = {(one.kind, one.plugin, one.name) for one in suites if hasattr(one, "plugin")}
    included = {
        (entry.kind, entry.plugin, entry.component.name)
        for entry in load_registry().all()
        if entry.distribution.startswith("ragtally ")
    }
    assert tested | TESTED_ON_A_SERVER == included
