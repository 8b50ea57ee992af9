"""Cancel a batch, whichever study submitted it."""

from __future__ import annotations

import asyncio

from ragtally.api import BatchModel, BatchState, ChatModel, Choice, PluginError, RagtallyError
from ragtally.llm import StopSignal, patiently
from ragtally.registry import Registry
from ragtally.store.batches import StoredBatch

_RETRIES = 4


def cancel_batch(batch: StoredBatch, registry: Registry) -> BatchState:
    """Have no further calls of a batch answered."""
    batch_id = batch.batch_id
    if batch_id is None:
        raise RagtallyError(f"batch {batch.name} is not known to {batch.provider}")
    model: ChatModel = registry.build(Choice("model", batch.component, batch.given))
    if not isinstance(model, BatchModel):
        raise PluginError(f"the model {batch.component} offers no batches any more")
    provider = model.batches()

    async def ask() -> BatchState:
        try:
            return await patiently(
                lambda: provider.cancel(batch_id), retries=_RETRIES, stop=StopSignal(), seed=0, name=batch.name
            )
        finally:
            await provider.close()
            await model.close()

    return asyncio.run(ask())
