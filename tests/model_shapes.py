"""Models of known size, and ways of training them."""

from __future__ import annotations

from ragtally.api import ModelShape, Tuning

SMOLLM2 = ModelShape(
    parameters=134_479_872,
    layers=30,
    hidden=576,
    feed_forward=1536,
    is_gated=True,
    heads=9,
    key_value_heads=3,
    vocabulary=49_152,
    window=2048,
)
MINILM = ModelShape(22_713_216, 6, 384, 1536, False, 12, 12, 30_522, 512)
LORA = Tuning(trainable=460_800, is_adapter=True, length=256, batch=4, predicted=256)
WHOLE = Tuning(trainable=22_713_986, is_adapter=False, length=128, batch=8)
