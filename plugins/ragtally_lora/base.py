"""The model that is tuned, loaded once per process; one adapter is attached to it at a time."""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib
import inspect
import io
import itertools
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import (
    LoraConfig,
    get_peft_model,
    get_peft_model_state_dict,
    prepare_model_for_kbit_training,
    set_peft_model_state_dict,
)
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, GgufConfig

from ragtally import DataError, PluginError
from ragtally.support.local_models import device_error
from ragtally_lora.source import INSTALL, BaseSource

# The weights of adapters, by their names in the file that every server of them reads.
State = dict[str, torch.Tensor]


class Base:
    """A language model with its tokenizer."""

    def __init__(self, model: Any, tokenizer: Any, *, quantised: bool) -> None:
        plain = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False) if quantised else model
        self._plain = plain
        self.tokenizer = tokenizer
        self.model: Any = self._plain
        self._attached: object = None
        forward = inspect.signature(model.forward).parameters
        self._takes = {name for name in ("logits_to_keep", "position_ids") if name in forward}

    @property
    def window(self) -> int | None:
        """The most tokens that the model reads."""
        window = getattr(self._plain.config, "max_position_embeddings", None)
        return window if isinstance(window, int) else None

    def last_layers(self, count: int) -> list[int]:
        """The numbers of the model's last layers."""
        layers = int(self._plain.config.num_hidden_layers)
        if count > layers:
            raise DataError(f"the base has {layers} layers, not {count}", hint=f"layers: {layers}, or less")
        return list(range(layers - count, layers))

    @property
    def end(self) -> int:
        """The token that ends an answer of a chat."""
        return int(self.tokenizer.eos_token_id)

    @property
    def _ends(self) -> list[int]:
        """The tokens at which writing stops."""
        config = self._plain.generation_config
        ends = None if config is None else config.eos_token_id
        return sorted({self.end, *([ends] if isinstance(ends, int) else ends or [])})

    @property
    def filler(self) -> int:
        """The token that fills up shorter texts; it is never looked at."""
        filler = self.tokenizer.pad_token_id
        return self.end if filler is None else int(filler)

    def attach(self, config: LoraConfig, state: State | None) -> None:
        """Attach adapters, new ones without a state; those that are attached already stay."""
        if state is not None and self._attached is state:
            return
        if self._attached is not None:
            self._plain = self.model.unload()
        try:
            with warnings.catch_warnings():
                # Of one library about the other.
                warnings.simplefilter("ignore", FutureWarning)
                self.model = get_peft_model(self._plain, copy.deepcopy(config))
        except ValueError as error:
            raise DataError(
                f"no layer of the base is named so: {config.target_modules}", hint="targets: all-linear"
            ) from error
        if state is not None:
            set_peft_model_state_dict(self.model, state)
        # What PEFT adds begins in training, in which inputs are left out at random.
        self.model.eval()
        self._attached = self if state is None else state

    def config(self) -> LoraConfig:
        """The adapters' settings, with the layers that have them by name."""
        config = copy.deepcopy(self.model.peft_config["default"])
        # Every linear layer but the output's has them, so that the last parts of the names are enough.
        config.target_modules = sorted({name.rpartition(".")[2] for name in config.target_modules})
        return config

    def state(self) -> State:
        """Copy the weights of the adapters."""
        return {
            name: value.detach().to("cpu", torch.float32, copy=True).contiguous()
            for name, value in get_peft_model_state_dict(self.model, save_embedding_layers=False).items()
        }

    def restore(self, state: State) -> None:
        """Give the adapters that are attached the weights of a checkpoint."""
        set_peft_model_state_dict(self.model, state)

    def save_memory(self) -> None:
        """Compute activations twice instead of holding them."""
        self.model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        self.model.enable_input_require_grads()

    def write(self, prompts: Sequence[Sequence[int]], most: int) -> list[list[int]]:
        """The likeliest continuations, word by word, without the token that ends them."""
        tokens, mask = self.pad(prompts)
        output = self.model.generate(
            input_ids=tokens, attention_mask=mask, max_new_tokens=most, do_sample=False, temperature=None,
            top_p=None, top_k=None, pad_token_id=self.filler, eos_token_id=self._ends,
        )  # fmt: skip
        ends = set(self._ends)
        rows = output[:, tokens.shape[1] :].tolist()
        return [list(itertools.takewhile(lambda token: token not in ends, row)) for row in rows]

    def likeliest(self, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]) -> list[int]:
        """Which of some answers each prompt is followed by most likely."""
        longest = max(map(len, answers))
        rows = [[*prompt, *answer] for prompt in prompts for answer in answers]
        chances = self.logits(rows, longest + 1)[:, :-1].float().log_softmax(dim=-1)
        scores = []
        for row, answer in enumerate(list(answers) * len(prompts)):
            own = chances[row, longest - len(answer) :]
            picked = own.gather(1, torch.tensor(answer, device=own.device)[:, None])
            scores.append(round(picked.sum().item(), 5))
        table = [scores[start : start + len(answers)] for start in range(0, len(scores), len(answers))]
        return [max(range(len(answers)), key=lambda number: (of_prompt[number], -number)) for of_prompt in table]

    def logits(self, rows: Sequence[Sequence[int]], keep: int) -> torch.Tensor:
        """The logits of the last `keep` positions, in which all rows end together."""
        tokens, mask = self.pad(rows)
        arguments: dict[str, Any] = {"input_ids": tokens, "attention_mask": mask, "use_cache": False}
        if "position_ids" in self._takes:
            arguments["position_ids"] = (mask.cumsum(dim=1) - 1).clamp(min=0)
        if "logits_to_keep" in self._takes:
            # Of the others nothing is needed, and over a vocabulary they take more memory than all else.
            arguments["logits_to_keep"] = keep
        logits: torch.Tensor = self.model(**arguments).logits[:, -keep:]
        return logits

    def pad(self, rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Fill shorter rows up on the left: tokens and mask, each of shape [rows, longest]."""
        longest = max(map(len, rows))
        device = self.model.device
        tokens = [[self.filler] * (longest - len(row)) + list(row) for row in rows]
        mask = [[0] * (longest - len(row)) + [1] * len(row) for row in rows]
        return torch.tensor(tokens, device=device), torch.tensor(mask, device=device)


@functools.lru_cache(maxsize=1)
def load_base(source: BaseSource, precision: str, quantise: str | None, device: str | None) -> Base:
    """Load a model; the one loaded last stays in memory for who asks for it again."""
    importlib.import_module("transformers.utils.logging").disable_progress_bar()
    path = source.path()
    where: Path = path.parent if source.is_gguf else path
    file: Mapping[str, Any] = {"gguf_file": path.name} if source.is_gguf else {}
    target = device or ("cuda" if torch.cuda.is_available() else "cpu")
    dtype = _dtype(precision, target)
    options: dict[str, Any] = {"dtype": dtype}
    if source.is_gguf:
        # Else transformers may leave weights packed, whatever numbers they are to be computed in.
        options["quantization_config"] = GgufConfig(dequantize=True)
    if quantise is not None:
        options |= {"quantization_config": _quantisation(quantise, dtype), "device_map": {"": target}}
    try:
        # Of a GGUF file it draws a bar of its own, whatever its logging is told.
        with contextlib.redirect_stderr(io.StringIO()):
            model, tokenizer = _read(where, {**options, **file}, file)
        model = model.eval() if quantise is not None else model.to(target).eval()
    except ImportError as error:
        raise PluginError(f"{source.title} cannot be loaded: {_reason(error)}", hint=INSTALL) from error
    except Exception as error:  # Three libraries read files that anybody may have written
        if "out of memory" in str(error):
            hint = "quantise: 4bit, or a smaller base"
            raise DataError(f"{source.title} does not fit into the memory of {target}", hint=hint) from error
        raise device_error(source.title, device, error) or DataError(
            f"{source.title} cannot be loaded: {type(error).__name__}: {_reason(error)}", hint="ragtally doctor SPEC"
        ) from error
    return Base(model, tokenizer, quantised=quantise is not None)


def _read(where: Path, options: Mapping[str, Any], file: Mapping[str, Any]) -> tuple[Any, Any]:
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(where, **local, **file)
    return AutoModelForCausalLM.from_pretrained(where, use_safetensors=True, **local, **options), tokenizer


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _dtype(precision: str, device: str) -> torch.dtype:
    if precision == "auto":
        has_bfloat16 = device.startswith("cuda") and torch.cuda.is_available() and torch.cuda.is_bf16_supported()
        return torch.bfloat16 if has_bfloat16 else torch.float32
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def _quantisation(quantise: str, dtype: torch.dtype) -> Any:
    if quantise == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
