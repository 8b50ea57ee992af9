"""Only allowed packages, no keys, mistakes that are found before a run; and what `ragtally doctor` says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from ragtally.api import PluginError
from ragtally_haystack.definition import Definition
from ragtally_haystack.refusals import VARIABLE, allowed_packages, refusals

Check = Callable[..., list[Any]]
Build = Callable[..., Any]
Fill = Callable[..., Any]

SPLITTER = "haystack.components.preprocessors.DocumentSplitter"
GENERATOR = "haystack.components.generators.chat.OpenAIChatGenerator"
STORE = {"type": "haystack.document_stores.in_memory.InMemoryDocumentStore"}
BM25 = {"type": "haystack.components.retrievers.in_memory.InMemoryBM25Retriever"}
VECTORS = {"type": "haystack.components.retrievers.in_memory.InMemoryEmbeddingRetriever"}
FORBIDDEN = {"type": "forbidden_parts.Splitter", "init_parameters": {}}


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("chunker", FORBIDDEN),
        ("chunker", {"type": "os.path"}),
        ("chunker", {"type": "haystack_experimental.Splitter"}),
        ("chunker", {"type": "haystackery.Splitter"}),
        ("chunker", {"type": SPLITTER, "init_parameters": {"language": FORBIDDEN}}),
        ("chunker", {"type": SPLITTER, "init_parameters": {"language": [{"deep": FORBIDDEN}]}}),
        ("embedder", {"document": FORBIDDEN, "query": FORBIDDEN}),
        ("retriever", {"store": FORBIDDEN, "retriever": BM25}),
        ("retriever", {"store": STORE, "retriever": FORBIDDEN}),
        ("model", FORBIDDEN),
    ],
)
def test_a_type_of_another_package_is_refused_before_it_is_imported(
    kind: str, given: dict[str, Any], check: Check, build: Build
) -> None:
    fault = check(kind, **given)[0]
    assert "outside of the packages" in fault.message
    assert VARIABLE in fault.hint
    with pytest.raises(PluginError, match="outside of the packages") as caught:
        build(kind, **given)
    assert VARIABLE in str(caught.value)
    assert not {"forbidden_parts", "haystack_experimental", "haystackery"} & set(sys.modules)


def test_the_environment_allows_more(check: Check, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check("chunker", type="sample_parts.splitters.Words") == []
    assert build("chunker", type="sample_parts.splitters.Words")
    monkeypatch.setenv(VARIABLE, " other , sample_parts.stores,")
    assert allowed_packages() == ("haystack", "haystack_integrations", "other", "sample_parts.stores")
    assert "outside" in check("chunker", type="sample_parts.splitters.Words")[0].message
    monkeypatch.delenv(VARIABLE)
    assert allowed_packages() == ("haystack", "haystack_integrations")


@pytest.mark.parametrize("value", ["*", "made*", "a b", "a;b", "a,../b"])
def test_a_pattern_allows_nothing(value: str, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(PluginError, match="not an import name"):
        check("chunker", type=SPLITTER)


@pytest.mark.parametrize(
    "type_",
    ["haystack.utils.auth.os", "haystack.core.serialization_security.allow_deserialization_module"],
)
def test_what_an_allowed_module_only_imports_is_not_to_be_had(type_: str, build: Build) -> None:
    with pytest.raises(PluginError):
        build("chunker", type=type_)


@pytest.mark.parametrize("function", ["os.system", "builtins.eval", "forbidden_parts.split"])
def test_a_function_is_guarded_by_haystack(function: str, build: Build) -> None:
    given = {"split_by": "function", "splitting_function": function}
    with pytest.raises(PluginError, match=r"cannot be made: Deserialization"):
        build("chunker", type=SPLITTER, init_parameters=given)
    assert "forbidden_parts" not in sys.modules


def test_tools_and_downloaded_code_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    tool = Definition(GENERATOR, {"x": [{"type": "haystack.tools.Tool", "data": {}}]})
    assert [fault.message for fault in refusals(tool)] == [
        "haystack.tools.Tool is a tool, and nothing in a benchmark calls tools"
    ]
    remote = Definition(SPLITTER, {"model_kwargs": {"trust_remote_code": True}})
    (fault,) = refusals(remote)
    assert fault.hint
    assert "transformers_modules" in fault.hint
    monkeypatch.setenv(VARIABLE, "transformers_modules")
    assert list(refusals(remote)) == []
    assert list(refusals(Definition(SPLITTER, {"trust_remote_code": False}))) == []


SECRET = {"type": "env_var", "env_vars": ["MY_KEY"]}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"api_key": "abcdefgh"}, "api_key has no place"),
        ({"api_key": {"type": "token", "token": "abcdefgh"}}, "a token has no place"),
        ({"api_key": {"type": "token"}}, "a token has no place"),
        ({"http_client_kwargs": {"headers": {"Authorization": "abcdefgh"}}}, "Authorization has no place"),
        ({"http_client_kwargs": {"headers": {"X-Mine": "Bearer abcdefgh"}}}, "X-Mine holds what looks like a key"),
        ({"organization": "sk-abcdefghabcdefghabcdefgh"}, "organization holds what looks like a key"),
        ({"api_base_url": "https://me:abcdefgh@host/v1"}, "api_base_url holds what looks like a key"),
        ({"generation_kwargs": {"stop": ["sk-abcdefghabcdefghabcdefgh"]}}, "stop holds what looks like a key"),
        ({"api_key": {"type": "env_var"}}, "one or more environment variables"),
        ({"api_key": {"type": "env_var", "env_vars": "MY_KEY"}}, "one or more environment variables"),
        ({"api_key": {"type": "env_var", "env_vars": ["abc def-gh"]}}, "one of these is not a name"),
        ({"api_key": {**SECRET, "token": "abcdefgh"}}, "a secret has no 'token'"),
    ],
)
def test_a_key_in_a_spec_is_refused_and_not_repeated(
    given: dict[str, Any], message: str, check: Check, build: Build
) -> None:
    faults = check("model", type=GENERATOR, init_parameters=given)
    assert message in faults[0].message
    assert "env_var" in faults[0].hint
    assert all("abcdefgh" not in f"{fault.message} {fault.hint}" for fault in faults)
    with pytest.raises(PluginError) as caught:
        build("model", type=GENERATOR, init_parameters=given)
    assert "abcdefgh" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ({"respect_sentence_boundary": "no"}, "must be true or false, not the text 'no'", "write true or false"),
        ({"respect_sentence_boundary": 0}, "must be true or false, not 0", None),
        ({"split_length": "3"}, "must be a whole number, not the text '3'", "without quotes"),
        ({"split_length": True}, "must be a whole number, not true", None),
        (
            {"split_by": "wrod"},
            f"split_by of {SPLITTER} cannot be 'wrod'",
            "'word'",
        ),
        ({"split_length": 3, "split_by": "word", "respect_sentence_boundary": False}, None, None),
        ({"splitting_function": "os.system"}, None, None),
    ],
)
def test_a_value_of_another_type_than_declared_is_a_fault(
    given: dict[str, Any], message: str | None, hint: str | None, check: Check
) -> None:
    faults = check("chunker", type=SPLITTER, init_parameters=given)
    assert [message in fault.message for fault in faults] == ([True] if message else [])
    assert all((hint or "") in (fault.hint or "") for fault in faults)


def test_a_secret_by_annotation_is_refused(check: Check) -> None:
    type_ = "haystack.components.generators.chat.AzureOpenAIChatGenerator"
    (fault,) = check("model", type=type_, init_parameters={"azure_ad_token": "anything"})
    assert "azure_ad_token" in fault.message
    assert "a secret" in fault.message


@pytest.mark.parametrize(
    "given",
    [
        {"api_key": SECRET},
        {"api_key": {**SECRET, "strict": False}},
        {"generation_kwargs": {"max_tokens": 5, "stop": "token", "pad_token": "x"}},
    ],
)
def test_what_is_no_key_is_no_fault(given: dict[str, Any], check: Check, build: Build) -> None:
    assert check("model", type=GENERATOR, init_parameters=given) == []
    assert build("model", type=GENERATOR, init_parameters=given)


@pytest.mark.parametrize(
    ("type_", "given", "message", "hint"),
    [
        (
            SPLITTER.replace("Splitter", "Spliter"),
            {},
            "no class 'DocumentSpliter'",
            "did you mean 'DocumentSplitter'?",
        ),
        ("haystack.components.preprocesors.X", {}, "no module haystack.components.preprocesors", "'preprocessors'"),
        ("haystack.Nothing", {}, "no class 'Nothing'", "Document"),
        ("haystack_integrations.components.preprocessors.chonkie.X", {}, "no module", "pip install chonkie-haystack"),
        ("haystack_integrations.document_stores.qdrant.X", {}, "no module", "pip install qdrant-haystack"),
        (SPLITTER, {"split_lenght": 3}, "no parameter 'split_lenght'", "did you mean 'split_length'?"),
        (
            SPLITTER.replace("Document", "HierarchicalDocument"),
            {},
            "needs the parameter 'block_sizes'",
            "block_sizes",
        ),
        ("haystack.Document", {}, "not a Haystack component", SPLITTER),
        (GENERATOR, {}, "is not a splitter: it takes messages", SPLITTER),
        ("sample_parts.splitters.Wrong", {}, "needs the parameter 'how'", "how"),
        ("sample_parts.splitters", {}, "no class 'splitters'", "there is"),
    ],
)
def test_a_mistake_is_found(
    type_: str, given: dict[str, Any], message: str, hint: str, check: Check, build: Build
) -> None:
    (fault,) = check("chunker", type=type_, init_parameters=given)
    assert message in fault.message
    assert hint in fault.hint
    with pytest.raises(PluginError):
        build("chunker", type=type_, init_parameters=given)


@pytest.mark.parametrize(
    ("given", "parameter", "message"),
    [
        ({"store": STORE, "retriever": VECTORS}, "retriever", "compares vectors"),
        ({"store": STORE, "retriever": BM25, "embedder": "lsa"}, "embedder", "reads no vectors"),
        ({"store": {"type": SPLITTER}, "retriever": BM25}, "store", "is not a document store"),
        ({"store": STORE, "retriever": {"type": SPLITTER}}, "retriever", "is not a retriever"),
        ({"store": STORE, "retriever": {**BM25, "init_parameters": {"top_k": 3}}}, "retriever", "top_k must not"),
        (
            {"store": STORE, "retriever": {**BM25, "init_parameters": {"document_store": STORE}}},
            "retriever",
            "document_store must not",
        ),
        ({"store": STORE, "retriever": {"type": "sample_parts.stores.NeedsMore"}}, "retriever", "requires user"),
        ({"store": STORE, "retriever": {"type": "sample_parts.stores.Storeless"}}, "retriever", "no document_store"),
    ],
)
def test_mistakes_about_stores(given: dict[str, Any], parameter: str, message: str, check: Check) -> None:
    (fault,) = check("retriever", **given)
    assert fault.parameter == parameter
    assert message in fault.message


def test_embedders_that_were_swapped_are_found(check: Check) -> None:
    mock = "haystack.components.embedders.Mock{}Embedder"
    swapped = {"document": {"type": mock.format("Text")}, "query": {"type": mock.format("Document")}}
    faults = check("embedder", **swapped)
    assert [fault.parameter for fault in faults] == ["document", "query"]
    assert "is not a document embedder: it takes text" in faults[0].message
    assert "is not a text embedder: it takes documents" in faults[1].message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"type": GENERATOR, "init_parameters": {"tools": []}}, "tools must not"),
        ({"type": GENERATOR, "price": {"input": 1, "output": 1}, "usd_per_hour": 1}, "by tokens or by the hour"),
        ({"type": "sample_parts.generators.Failing", "send_seed": True}, "no seed can be sent"),
        ({"type": SPLITTER}, "is not a chat generator"),
    ],
)
def test_mistakes_about_models(given: dict[str, Any], message: str, check: Check) -> None:
    (fault,) = check("model", **given)
    assert message in fault.message


def test_mistakes_in_components_among_the_parameters_are_found(check: Check) -> None:
    type_ = "haystack.components.preprocessors.EmbeddingBasedDocumentSplitter"
    inner = {"type": "haystack.components.embedders.MockDocumentEmbedder", "init_parameters": {"dimensoin": 3}}
    (fault,) = check("chunker", type=type_, init_parameters={"document_embedder": inner})
    assert fault.hint == "did you mean 'dimension'?"
    (fault,) = check("chunker", type=type_, init_parameters={"document_embedder": {"type": "haystack.Nobody"}})
    assert "no class 'Nobody'" in fault.message


def test_a_missing_package_of_an_integration_is_one_error_and_no_traceback(
    check: Check, build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    type_ = "sample_parts.needy.Needy"
    (fault,) = check("chunker", type=type_)
    assert f"{type_} cannot be imported: ModuleNotFoundError" in fault.message
    assert fault.hint == "pip install the package that holds a_package_that_nobody_has"
    with pytest.raises(PluginError, match=f"{type_} cannot be imported") as caught:
        build("chunker", type=type_)
    assert caught.value.hint == fault.hint
    assert caplog.records == []


def test_doctor_looks_for_keys(fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "FIRST_KEY", "SECOND_KEY"):
        monkeypatch.delenv(name, raising=False)
    component, filled = fill("model", type=GENERATOR)
    there, missing, schema = component.diagnose(filled)
    assert there.ok
    assert not missing.ok
    assert "OPENAI_API_KEY" in missing.what
    assert missing.remedy == "export OPENAI_API_KEY=..."
    assert schema.ok and schema.remedy == "structured: true in a reader sends one"
    secret = {"api_key": {"type": "env_var", "env_vars": ["FIRST_KEY", "SECOND_KEY"]}}
    component, filled = fill("model", type=GENERATOR, init_parameters=secret)
    assert "FIRST_KEY or SECOND_KEY" in component.diagnose(filled)[1].what
    monkeypatch.setenv("SECOND_KEY", "x")
    assert [found.ok for found in component.diagnose(filled)] == [True, True, True]
    secret["api_key"]["strict"] = False  # type: ignore[assignment]
    monkeypatch.delenv("SECOND_KEY")
    assert [found.ok for found in component.diagnose(filled)] == [True, True]
    component, filled = fill("model", type="sample_parts.generators.Synchronous")
    assert "answers are read as text" in component.diagnose(filled)[-1].what


@pytest.mark.parametrize(
    ("kind", "given", "findings"),
    [
        ("chunker", {"type": SPLITTER}, [True]),
        ("chunker", {"type": SPLITTER + "s"}, [False]),
        ("retriever", {"store": STORE, "retriever": BM25}, [True, True]),
        ("embedder", {"document": {"type": SPLITTER}, "query": {"type": SPLITTER}}, [True, False]),
    ],
)
def test_doctor_looks_for_classes(kind: str, given: dict[str, Any], findings: list[bool], fill: Fill) -> None:
    component, filled = fill(kind, **given)
    assert [found.ok for found in component.diagnose(filled)] == findings
