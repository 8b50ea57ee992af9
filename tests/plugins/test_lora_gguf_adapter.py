"""An adapter as llama.cpp reads it: the same attention, and with SmolLM2 the same answers as in transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from plugins.packaged_model import require_local_model
from plugins.tiny_model import require_lora
from ragtally.api import DataError, ModelShape

gguf: Any = pytest.importorskip("gguf", reason='needs gguf: pip install "ragtally[lora]"')
safetensors: Any = pytest.importorskip("safetensors.numpy", reason='needs safetensors: pip install "ragtally[lora]"')

from ragtally_lora.gguf_adapter import FAMILIES, write_gguf_adapter  # noqa: E402

HEADS, KEY_HEADS, WIDTH, RANK = 4, 2, 8, 3
SHAPE = ModelShape(0, 2, HEADS * WIDTH, 48, True, HEADS, KEY_HEADS, 64, 128)
LAYER = "base_model.model.model.layers.1"


def write_peft(folder: Path, **more: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    draw = np.random.default_rng(3)
    sizes = {"self_attn.q_proj": HEADS * WIDTH, "self_attn.k_proj": KEY_HEADS * WIDTH, "mlp.down_proj": SHAPE.hidden}
    weights = dict(more)
    for name, rows in sizes.items():
        columns = SHAPE.feed_forward if name.startswith("mlp") else SHAPE.hidden
        weights[f"{LAYER}.{name}.lora_A.weight"] = draw.normal(size=(RANK, columns)).astype(np.float32)
        weights[f"{LAYER}.{name}.lora_B.weight"] = draw.normal(size=(rows, RANK)).astype(np.float32)
    safetensors.save_file(weights, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"lora_alpha": 7, "r": RANK}))
    return weights


def turned(row: NDArray[Any], position: int, pairs: list[tuple[int, int]]) -> NDArray[Any]:
    """A head's numbers after rotary position embedding, in which these pairs are turned together."""
    result = row.copy()
    for number, (one, other) in enumerate(pairs):
        angle = position / 100 ** (2 * number / WIDTH)
        result[one] = row[one] * np.cos(angle) - row[other] * np.sin(angle)
        result[other] = row[one] * np.sin(angle) + row[other] * np.cos(angle)
    return result


@pytest.mark.parametrize("name", ["llama", "qwen2"])
def test_attention_is_what_it_was(name: str, tmp_path: Path) -> None:
    weights = write_peft(tmp_path)
    write_gguf_adapter(tmp_path, SHAPE, FAMILIES[name], tmp_path / "adapter.gguf")
    reader = gguf.GGUFReader(tmp_path / "adapter.gguf")
    tensors = {tensor.name: np.array(tensor.data) for tensor in reader.tensors}
    assert reader.fields["general.architecture"].contents() == name
    assert reader.fields["adapter.lora.alpha"].contents() == 7
    assert len(tensors) == 6
    np.testing.assert_array_equal(
        tensors["blk.1.ffn_down.weight.lora_b"], weights[f"{LAYER}.mlp.down_proj.lora_B.weight"]
    )
    # transformers turns a head's first half with its second one, and so does llama.cpp for qwen2; for llama it turns
    # neighbours. The scores of queries and keys have to come out the same.
    halves = [(number, number + WIDTH // 2) for number in range(WIDTH // 2)]
    neighbours = [(2 * number, 2 * number + 1) for number in range(WIDTH // 2)]
    of_llama_cpp = neighbours if name == "llama" else halves
    state = np.random.default_rng(4).normal(size=(2, SHAPE.hidden))
    scores = []
    for matrices, pairs in (
        ([weights[f"{LAYER}.self_attn.{one}_proj.lora_{part}.weight"] for one in "qk" for part in "AB"], halves),
        ([tensors[f"blk.1.attn_{one}.weight.lora_{part}"] for one in "qk" for part in "ab"], of_llama_cpp),
    ):
        queries = (matrices[1] @ (matrices[0] @ state[0])).reshape(HEADS, WIDTH)
        keys = (matrices[3] @ (matrices[2] @ state[1])).reshape(KEY_HEADS, WIDTH)
        scores.append([turned(queries[head], 9, pairs) @ turned(keys[head // 2], 2, pairs) for head in range(HEADS)])
    np.testing.assert_allclose(scores[1], scores[0], rtol=1e-5)


def test_an_adapter_of_the_output_layer_is_refused(tmp_path: Path) -> None:
    write_peft(tmp_path, **{"base_model.model.lm_head.lora_A.weight": np.zeros((RANK, SHAPE.hidden), np.float32)})
    with pytest.raises(DataError, match=r"no adapter of base_model\.model\.lm_head") as caught:
        write_gguf_adapter(tmp_path, SHAPE, FAMILIES["llama"], tmp_path / "adapter.gguf")
    assert str(caught.value.hint).startswith("targets: all-linear")


@pytest.mark.slow  # A real model in transformers, and again in llama.cpp
def test_a_real_model_answers_alike_in_transformers_and_llama_cpp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_lora()
    require_local_model()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import torch
    from peft import LoraConfig

    from ragtally_llama_cpp.library import load
    from ragtally_llama_cpp.model_file import path_of
    from ragtally_lora import register_readers
    from ragtally_lora.base import load_base
    from ragtally_lora.source import BaseSource

    (component,) = register_readers()
    path = path_of("smollm2")
    source = BaseSource(str(path), None)
    base = load_base(source, "float32", None, "cpu")
    prompts = [base.tokenizer(text)["input_ids"] for text in ("The capital of France is", "Two and two make", "No")]

    def in_transformers() -> NDArray[Any]:
        with torch.inference_mode():
            rows = [base.logits([prompt], 1)[0, 0].float().log_softmax(-1).numpy() for prompt in prompts]
        return np.stack(rows)

    def in_llama_cpp(adapter: Path | None) -> NDArray[Any]:
        model = load(path, adapter, n_ctx=64, n_threads=1, n_threads_batch=1, logits_all=True)
        rows = []
        for prompt in prompts:
            model.reset()
            model.eval(prompt)
            logits = np.array(model.scores[len(prompt) - 1], dtype=np.float64)
            rows.append(logits - logits.max() - np.log(np.exp(logits - logits.max()).sum()))
        model.close()
        return np.stack(rows)

    plain, plain_served = in_transformers(), in_llama_cpp(None)
    # Of queries and keys alone, whose rows are what differs between the two.
    config = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "k_proj"], task_type="CAUSAL_LM")
    base.attach(config, None)
    state = base.state()
    with torch.random.fork_rng():
        torch.manual_seed(1)
        state = {name: torch.randn_like(value) * (0.5 if "lora_B" in name else 0.05) for name, value in state.items()}
    base.restore(state)
    model = tmp_path / "model"
    model.mkdir()
    safetensors.save_file({name: value.numpy() for name, value in state.items()}, model / "adapter_model.safetensors")
    (model / "adapter_config.json").write_text(json.dumps({"lora_alpha": 8}))
    (model / "README.md").write_text("")
    (tmp_path / "served").mkdir()
    assert component.hand_over is not None
    parameters = {"base": str(path), "revision": None}
    component.hand_over(parameters, model, "ollama", tmp_path / "served")
    tuned, tuned_served = in_transformers(), in_llama_cpp(tmp_path / "served" / "adapter.gguf")
    likely = np.argsort(-tuned, axis=1)[:, :20]

    def distance(left: NDArray[Any], right: NDArray[Any]) -> float:
        return float(np.abs(np.take_along_axis(left - right, likely, 1)).mean())

    # llama.cpp multiplies by rounded numbers; the adapter must add nothing to what that alone makes.
    rounding = distance(plain, plain_served)
    assert distance(tuned, plain) > 1
    assert distance(tuned, tuned_served) < 3 * rounding + 0.1
