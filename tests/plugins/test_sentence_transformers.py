"""The embedder sentence_transformers: what it asks of the library, how it fails, and a real model (slow)."""

from __future__ import annotations

import importlib.util
import logging
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from plugins.packaged_model import packaged_model
from ragtally.api import DataError, Embedder, EmbedderTraits, PluginError
from ragtally_sentence_transformers import register_embedders
from ragtally_sentence_transformers.embedder import load

(COMPONENT,) = register_embedders()
INSTALL = 'pip install "ragtally[sentence-transformers]"'
HUB = "owner/model"


def given(**said: Any) -> dict[str, Any]:
    return {name: schema["default"] for name, schema in COMPONENT.params.items()} | {"model": HUB} | said


def build(**said: Any) -> Embedder:
    return COMPONENT.build(**given(**said))


class Hub:
    """The hub's library: which models are in the cache, and which can be had over the network."""

    def __init__(self) -> None:
        self.constants = SimpleNamespace(HF_HUB_OFFLINE=False)
        self.cached: set[str] = set()
        self.there: set[str] = set()
        self.downloads: list[str] = []
        self.failure: Exception = OSError("no network")

    def snapshot_download(
        self, name: str, revision: str | None, allow_patterns: list[str], local_files_only: bool = False
    ) -> str:
        assert allow_patterns == ["modules.json"]
        if not local_files_only:
            self.downloads.append(name)
            if name not in self.there:
                raise self.failure
            self.cached.add(name)
        if name not in self.cached:
            raise FileNotFoundError("not in the cache")
        folder = Path("cache") / (revision or "c0ffee")
        folder.mkdir(parents=True, exist_ok=True)
        if "odd" not in name:
            (folder / "modules.json").write_text("[]")
        return str(folder)


class Model:
    """A model of three dimensions that counts characters, with a limit of ten tokens, one a word."""

    prompts: dict[str, str] = {"query": "Q: "}  # noqa: RUF012
    made: list[Model] = []  # noqa: RUF012

    def __init__(self, name: str, **options: Any) -> None:
        if options.get("device") == "cuda:9":
            raise AssertionError("Torch not compiled with CUDA enabled")
        if "partial" in name and options["local_files_only"]:
            raise OSError("model.safetensors is not in the cache")
        if "remote" in name:
            raise ValueError("Please pass the argument `trust_remote_code=True` to allow custom code to be run.")
        self.name, self.options = name, options
        self.max_seq_length = 10
        self.calls: list[dict[str, Any]] = []
        self.made.append(self)

    def float(self) -> Model:
        return self

    def eval(self) -> Model:
        return self

    def __getitem__(self, row: int) -> Any:
        return SimpleNamespace(auto_model=SimpleNamespace(config=SimpleNamespace(max_position_embeddings=12)))

    def tokenizer(self, texts: list[str], verbose: bool) -> dict[str, Any]:
        return {"input_ids": [text.split() for text in texts]}

    def encode_query(self, texts: list[str], prompt: str | None, **options: Any) -> Any:
        return self._encode(texts, self.prompts["query"] if prompt is None else prompt, options)

    def encode_document(self, texts: list[str], prompt: str | None, **options: Any) -> Any:
        return self._encode(texts, prompt or "", options)

    def _encode(self, texts: list[str], prompt: str, options: dict[str, Any]) -> Any:
        self.calls.append({"texts": texts, "prompt": prompt, "limit": self.max_seq_length, **options})
        if options["batch_size"] > 100:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return np.array([[len(prompt + text), text.count("a"), 1] for text in texts], dtype=np.float64)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """Stand-ins for the libraries, so that these tests neither need nor import them."""
    hub = Hub()
    torch = ModuleType("torch")
    torch.threads = 7  # type: ignore[attr-defined]
    torch.get_num_threads = lambda: torch.threads  # type: ignore[attr-defined]
    torch.set_num_threads = lambda count: setattr(torch, "threads", count)  # type: ignore[attr-defined]
    library = ModuleType("sentence_transformers")
    library.SentenceTransformer = Model  # type: ignore[attr-defined]
    bars = ModuleType("transformers.utils.logging")
    bars.disable_progress_bar = lambda: None  # type: ignore[attr-defined]
    for name, module in {
        "torch": torch,
        "sentence_transformers": library,
        "transformers": ModuleType("transformers"),
        "transformers.utils": ModuleType("transformers.utils"),
        "transformers.utils.logging": bars,
        "huggingface_hub": hub,
        "huggingface_hub.constants": hub.constants,
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.chdir(tmp_path)
    Model.made.clear()
    load.cache_clear()
    yield hub
    load.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "minilm"
    (path / "1_Pooling").mkdir(parents=True)
    (path / "modules.json").write_text("[]")
    (path / "1_Pooling" / "config.json").write_text("{}")
    return path


def only_model() -> Model:
    (made,) = Model.made
    return made


def test_documents_and_queries_get_their_prefixes(hub: Hub) -> None:
    hub.cached.add(HUB)
    embedder = build(document_prefix="D: ", batch=4, threads=3)
    documents, queries = embedder.embed_documents(["abba"]), embedder.embed_queries(["a"])
    assert documents.dtype == np.float32
    assert (documents.tolist(), queries.tolist()) == ([[7, 2, 1]], [[4, 1, 1]])
    asked = only_model().calls
    assert [call["prompt"] for call in asked] == ["D: ", "Q: "]
    assert {call["batch_size"] for call in asked} == {4}
    assert all(call["normalize_embeddings"] and not call["show_progress_bar"] for call in asked)


def test_an_empty_prefix_silences_the_models_own(hub: Hub) -> None:
    hub.cached.add(HUB)
    build(query_prefix="").embed_queries(["a"])
    assert only_model().calls[0]["prompt"] == ""


def test_no_texts_have_no_vectors_of_the_usual_length(hub: Hub) -> None:
    hub.cached.add(HUB)
    assert build().embed_documents([]).shape == (0, 3)


def test_the_number_of_threads_is_the_models_alone(hub: Hub) -> None:
    hub.cached.add(HUB)
    build(threads=2).embed_documents(["a"])
    assert sys.modules["torch"].threads == 7  # type: ignore[attr-defined]


def test_a_model_is_loaded_once_without_code_of_its_own(hub: Hub) -> None:
    hub.cached.add(HUB)
    for _ in range(2):
        build(revision="abc").embed_documents(["a"])
    options = only_model().options
    assert options["trust_remote_code"] is False
    assert (options["revision"], options["local_files_only"]) == ("abc", True)
    assert not hub.downloads


def test_nothing_is_loaded_before_a_text_is_embedded(hub: Hub) -> None:
    build().fit([])
    assert not Model.made and not hub.downloads


def test_a_model_that_is_not_in_the_cache_is_downloaded(hub: Hub) -> None:
    hub.there.add(HUB)
    build().embed_documents(["a"])
    assert hub.downloads == [HUB]
    assert only_model().options["local_files_only"]


def test_a_cache_that_holds_a_part_only_is_filled_up(hub: Hub) -> None:
    hub.cached.add("owner/partial")
    build(model="owner/partial").embed_documents(["a"])
    assert (only_model().options["revision"], only_model().options["local_files_only"]) == ("c0ffee", False)
    load.cache_clear()
    hub.constants.HF_HUB_OFFLINE = True
    with pytest.raises(DataError, match="not on this machine, and HF_HUB_OFFLINE is set"):
        build(model="owner/partial").embed_documents(["a"])


def test_a_model_of_another_library_is_an_error(hub: Hub) -> None:
    hub.there.add("owner/odd")
    with pytest.raises(DataError, match="owner/odd is no model of sentence-transformers"):
        build(model="owner/odd").embed_documents(["a"])


def test_offline_a_model_that_is_not_there_is_an_error_at_once(hub: Hub) -> None:
    hub.there.add(HUB)
    hub.constants.HF_HUB_OFFLINE = True
    with pytest.raises(DataError, match="HF_HUB_OFFLINE") as caught:
        build(revision="v1").embed_documents(["a"])
    assert "hf download owner/model --revision v1" in str(caught.value.hint)
    assert not hub.downloads


def test_without_a_network_the_error_says_why(hub: Hub) -> None:
    with pytest.raises(DataError, match="no network"):
        build().embed_documents(["a"])


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("RepositoryNotFoundError", "the hub has no model owner/model"),
        ("RevisionNotFoundError", "no such revision"),
    ],
)
def test_what_the_hub_says_is_told_in_plain_words(kind: str, message: str, hub: Hub) -> None:
    hub.failure = type(kind, (OSError,), {})("404 Client Error. (Request ID: Root=1)")
    with pytest.raises(DataError, match=message):
        build().embed_documents(["a"])


def test_code_from_elsewhere_is_refused(hub: Hub) -> None:
    hub.cached.add("owner/remote")
    with pytest.raises(DataError, match="code of its own"):
        build(model="owner/remote").embed_documents(["a"])


def test_a_device_that_is_not_there_is_an_error(hub: Hub) -> None:
    hub.cached.add(HUB)
    with pytest.raises(DataError, match="cuda:9") as caught:
        build(device="cuda:9").embed_documents(["a"])
    assert caught.value.hint == "device: cpu"


def test_too_little_memory_names_a_smaller_batch(hub: Hub) -> None:
    hub.cached.add(HUB)
    with pytest.raises(DataError, match="more memory") as caught:
        build(batch=200).embed_documents(["a"])
    assert caught.value.hint == "batch: 100"


def test_a_limit_of_tokens_holds_for_this_embedder_alone(hub: Hub) -> None:
    hub.cached.add(HUB)
    build(max_tokens=8).embed_documents(["a"])
    build().embed_documents(["a"])
    assert [call["limit"] for call in only_model().calls] == [8, 10]
    with pytest.raises(DataError, match="takes 12 tokens, not 13"):
        build(max_tokens=13).embed_documents(["a"])


def test_a_text_that_is_cut_off_is_told_once(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    hub.cached.add(HUB)
    embedder = build()
    with caplog.at_level(logging.WARNING):
        embedder.embed_documents(["word " * 10, "a"])
        assert not caplog.records
        embedder.embed_documents(["word " * 11, "a", "word " * 30])
        embedder.embed_documents(["word " * 12])
    (record,) = caplog.records
    assert "reads 10 tokens" in record.message and "2 of the first 3 texts" in record.message
    assert "up to 30" in record.message


def test_a_folder_is_loaded_as_it_is(hub: Hub, folder: Path) -> None:
    build(model="./minilm").embed_documents(["a"])
    assert (only_model().name, only_model().options["local_files_only"]) == ("minilm", True)
    assert not hub.downloads


@pytest.mark.parametrize(("model", "message"), [("./nowhere", "no such folder"), ("./minilm/1_Pooling", "holds no")])
def test_a_folder_without_a_model_is_an_error(model: str, message: str, hub: Hub, folder: Path) -> None:
    for use in (lambda: build(model=model).embed_documents(["a"]), lambda: fingerprint(model=model)):
        with pytest.raises(DataError, match=message):
            use()


def test_a_name_that_is_also_a_folder_is_not_guessed_at(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / HUB).mkdir(parents=True)
    with pytest.raises(DataError, match="also a file or folder") as caught:
        build().embed_documents(["a"])
    assert caught.value.hint == "model: ./owner/model"


def fingerprint(**said: Any) -> str | None:
    assert COMPONENT.fingerprint is not None
    return COMPONENT.fingerprint(given(**said))


def test_a_model_of_the_hub_is_its_name_and_commit(hub: Hub) -> None:
    hub.cached.update({HUB, "owner/b"})
    assert fingerprint() == f"{HUB}@c0ffee"
    assert len({fingerprint(), fingerprint(revision="abc"), fingerprint(model="owner/b")}) == 3


def test_the_commit_is_asked_for_before_a_run(hub: Hub) -> None:
    hub.there.add(HUB)
    with pytest.raises(DataError, match="not on this machine"):
        fingerprint()
    told: list[str] = []
    assert COMPONENT.provide is not None
    for _ in range(2):
        COMPONENT.provide(given(), lambda what, *_: told.append(what))
    assert told == [f"{HUB}: asking the hub for its commit"]
    assert fingerprint() == f"{HUB}@c0ffee"
    build().embed_documents(["a"])
    assert only_model().options["revision"] == "c0ffee"


def test_the_commit_cannot_be_asked_for_offline(hub: Hub) -> None:
    hub.constants.HF_HUB_OFFLINE = True
    assert COMPONENT.provide is not None
    with pytest.raises(DataError, match="HF_HUB_OFFLINE"):
        COMPONENT.provide(given(), lambda *_: None)


def test_a_folder_is_its_content(folder: Path) -> None:
    def of(path: Path) -> str | None:
        return fingerprint(model=str(path))

    first = of(folder)
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    (copy / ".git").mkdir()
    (copy / ".git" / "HEAD").write_text("ref")
    assert of(copy) == first
    (copy / "modules.json").write_text("[ ]")
    assert of(copy) != first
    shutil.copyfile(folder / "modules.json", copy / "modules.json")
    (copy / "1_Pooling").rename(copy / "2_Pooling")
    assert of(copy) != first


def test_what_is_kept_by_its_text_is_told() -> None:
    assert callable(COMPONENT.traits)
    traits = COMPONENT.traits(given(batch=4))
    assert isinstance(traits, EmbedderTraits)
    assert (traits.requires_fit, traits.cacheable, traits.batch, traits.name) == (False, True, 32, HUB)
    assert traits.price is not None and traits.price.dollars(1000, 0, 1.0) == 0
    assert COMPONENT.traits(given(model="/somewhere/of/mine/minilm")).name == "minilm"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("said", "parameter", "hint"),
    [
        ({"model": "all-MiniLM-L6-v2"}, "model", "sentence-transformers/all-MiniLM-L6-v2"),
        ({"model": "models/of/mine"}, "model", "./"),
        ({"model": "./mine", "revision": "main"}, "revision", "remove"),
    ],
)
def test_wrong_parameters_are_faults(said: dict[str, Any], parameter: str, hint: str) -> None:
    assert COMPONENT.check is not None
    (fault,) = COMPONENT.check(given(**said))
    assert fault.parameter == parameter and hint in str(fault.hint)


@pytest.mark.parametrize("said", [{}, {"revision": "abc"}, {"model": "./mine"}, {"model": "~/mine"}])
def test_right_parameters_are_none(said: dict[str, Any]) -> None:
    assert COMPONENT.check is not None
    assert not COMPONENT.check(given(**said))


@pytest.mark.parametrize("missing", ["torch", "sentence_transformers"])
def test_a_missing_package_names_the_command(missing: str, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    class Absent:
        @staticmethod
        def find_spec(name: str, *_: Any) -> None:
            if name == missing:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    # The library imports torch when it is imported itself.
    monkeypatch.delitem(sys.modules, "sentence_transformers")
    monkeypatch.setattr(sys, "meta_path", [Absent, *sys.meta_path])
    if missing == "torch":
        monkeypatch.delitem(sys.modules, "torch")
        path = Path("fake")
        path.mkdir()
        (path / "sentence_transformers.py").write_text("import torch\n")
        monkeypatch.syspath_prepend(str(path))
    with pytest.raises(PluginError, match=f"{missing.replace('_', '-')} is not installed") as caught:
        build().embed_documents(["a"])
    assert caught.value.hint == INSTALL


def diagnose(**said: Any) -> list[tuple[bool, str | None]]:
    assert COMPONENT.diagnose is not None
    return [(found.ok, found.remedy) for found in COMPONENT.diagnose(given(**said))]


def test_the_doctor_names_what_is_missing(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = "hf download owner/model"
    assert diagnose() == [(True, None), (True, command)]
    hub.constants.HF_HUB_OFFLINE = True
    assert diagnose() == [(True, None), (False, f"HF_HUB_OFFLINE=0 {command}")]
    hub.cached.add(HUB)
    assert diagnose() == [(True, None), (True, None)]
    assert diagnose(model="./minilm") == [(True, None), (True, None)]
    assert diagnose(model="./nowhere")[1][0] is False
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert diagnose() == [(False, INSTALL)]


@pytest.mark.slow  # Imports PyTorch and runs a model of 22 million parameters.
def test_a_real_model_finds_what_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model = str(packaged_model())
    embedder = build(model=model, device="cpu")
    texts = [
        "The heart attack was treated with aspirin.",
        "Acetylsalicylic acid after myocardial infarction.",
        "Tomatoes grow best in full sun.",
        "",
    ]
    vectors = embedder.embed_documents(texts)
    assert (vectors.shape, vectors.dtype) == ((4, 384), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    likeness = vectors @ embedder.embed_queries(["Does aspirin help after a heart attack?"])[0]
    assert min(likeness[:2]) > max(likeness[2:]) + 0.2
    np.testing.assert_array_equal(build(model=model, device="cpu", threads=1).embed_documents(texts), vectors)
    prefixed = build(model=model, device="cpu", document_prefix="passage: ").embed_documents(texts)
    assert not np.allclose(prefixed, vectors)
    cut = build(model=model, device="cpu", max_tokens=8)
    np.testing.assert_allclose(
        cut.embed_documents(["one two three four five six " + "seven " * 50]),
        cut.embed_documents(["one two three four five six"]),
        atol=1e-6,
    )
