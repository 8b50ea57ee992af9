"""What decides how much memory a model needs, to answer and to be trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The size of a transformer, as its configuration says it.

    Attributes:
        parameters: All its weights, by number.
        layers: Its layers.
        hidden: The width of what goes from layer to layer.
        feed_forward: The width inside a layer's feed-forward part.
        is_gated: Whether that part has a gate beside it, as Llama's has.
        heads: Attention heads of a layer.
        key_value_heads: Those that keys and values have, which may be fewer.
        vocabulary: Entries of its vocabulary.
        window: The most tokens that it reads.
    """

    parameters: int
    layers: int
    hidden: int
    feed_forward: int
    is_gated: bool
    heads: int
    key_value_heads: int
    vocabulary: int
    window: int


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a model is trained.

    Attributes:
        trainable: The weights that change, by number; an adapter's are additional to the model's.
        is_adapter: Whether they are.
        length: Tokens of the longest example, after it is cut.
        batch: Examples that go through the model at once.
        checkpointing: Whether activations are computed again instead of remembered.
        predicted: Tokens of an example that are predicted from the vocabulary; 0 where one of a few classes is.
    """

    trainable: int
    is_adapter: bool
    length: int
    batch: int
    checkpointing: bool = False
    predicted: int = 0


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a component has in this machine's memory.

    Attributes:
        shape: The model's size.
        weight_bits: Bits of a weight as it is held, such as 16; of a quantized file, its size in bits per weight.
        compute_bits: Bits of what is computed with: 32 or 16.
        device: Whose memory it is in; auto for the GPU, with 16 bits, where there is one, else the CPU.
        tuning: How it is trained; None for a model that only answers.
        slots: Contexts that it answers at once.
        context: Tokens of each of them.
    """

    shape: ModelShape
    weight_bits: float
    compute_bits: Literal[16, 32] = 32
    device: Literal["cpu", "gpu", "auto"] = "cpu"
    tuning: Tuning | None = None
    slots: int = 1
    context: int = 0
