"""Models that run on this machine by PyTorch: what is missing, in words, with its remedy."""

from __future__ import annotations

from ragtally.api.errors import DataError

INSTALL = 'pip install "ragtally[sentence-transformers]"'
# PyTorch's builds word a missing device differently: the CUDA build without a driver names only the driver.
_DEVICE_WORDS = ("cuda", "device", "mps", "nvidia", "driver")


def download_command(name: str, revision: str | None) -> str:
    """Write the command that puts a model into the cache of the Hugging Face hub.

    Args:
        name: The model's name on the hub, `owner/name`.
        revision: Its commit, tag or branch; None for main.

    Returns:
        A shell command.
    """
    return f"hf download {name}" + (f" --revision {revision}" if revision else "")


def device_error(name: str, device: str | None, error: Exception) -> DataError | None:
    """Explain a failure to load a model that lies in the device asked for.

    Args:
        name: The model, as the user named it.
        device: The device that the spec asks for, such as `cuda:1`; None where it asks for none.
        error: What PyTorch raised.

    Returns:
        An error that names the device; None where the failure is another one.
    """
    # The first line says what is wrong, the others how to debug it.
    reason = str(error).strip().partition("\n")[0]
    if device is None or not any(word in reason.lower() for word in _DEVICE_WORDS):
        return None
    return DataError(f"{name} cannot be loaded on the device {device}: {reason}", hint="device: cpu")


def memory_error(name: str, batch: int, items: str, error: RuntimeError) -> DataError | None:
    """Explain a failure to compute that lies in too little memory.

    Args:
        name: The model, as the user named it.
        batch: How many items it got at once.
        items: What they are, such as `texts`.
        error: What PyTorch raised.

    Returns:
        An error with a smaller batch as its remedy; None where the failure is another one.
    """
    if "out of memory" not in str(error):
        return None
    return DataError(
        f"{name} needs more memory than there is for {batch} {items} at once", hint=f"batch: {max(1, batch // 2)}"
    )
