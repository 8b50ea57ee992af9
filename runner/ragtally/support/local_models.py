"""Models that run on this machine by PyTorch: their library, their files, and what is missing, with its remedy."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragtally.api import DataError, Finding, PluginError, file_hash
from ragtally.support.telemetry import telemetry_off

INSTALL = 'pip install "ragtally[sentence-transformers]"'
_PACKAGES = ("sentence_transformers", "torch")
_HUB_NAME = re.compile(r"(?!.*(?:--|\.\.))\w[\w.-]*/\w(?:[\w.-]*\w)?", re.ASCII)
# PyTorch's builds word a missing device differently: the CUDA build without a driver names only the driver.
_DEVICE_WORDS = ("cuda", "device", "mps", "nvidia", "driver")


def load_sentence_transformers() -> Any:
    """Import sentence-transformers, which takes seconds, with telemetry and progress bars off.

    Returns:
        The package.

    Raises:
        PluginError: If it, or a package that it needs, is not installed.
    """
    try:
        with telemetry_off():
            package = importlib.import_module("sentence_transformers")
            importlib.import_module("transformers.utils.logging").disable_progress_bar()
    except ImportError as error:
        missing = (error.name or "").partition(".")[0].replace("_", "-")
        reason = f"{missing} is not installed" if isinstance(error, ModuleNotFoundError) and missing else str(error)
        raise PluginError(f"sentence-transformers cannot be imported: {reason}", hint=INSTALL) from error
    return package


@contextmanager
def torch_state(seed: int, threads: int) -> Iterator[None]:
    """Let PyTorch draw by a seed and count with so many threads; afterwards it is as it was.

    Args:
        seed: Decides what is drawn.
        threads: How many CPU threads count.
    """
    torch = importlib.import_module("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed % (1 << 63))
            yield
    finally:
        torch.set_num_threads(before)


def gpu_peak() -> int | None:
    """The most memory of a GPU that PyTorch has held so far.

    Returns:
        Bytes, without what the driver holds for each process; None where no GPU was used.
    """
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    return max(int(torch.cuda.max_memory_reserved(number)) for number in range(torch.cuda.device_count()))


def package_finding() -> Finding:
    """Look for sentence-transformers and PyTorch, importing neither.

    Returns:
        What a component's `diagnose` says of them.
    """
    missing = [name.replace("_", "-") for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        return Finding(False, f"{' and '.join(missing)} not installed", INSTALL)
    return Finding(True, "sentence-transformers is installed")


def is_hub_name(name: str) -> bool:
    """Whether a name is one that a model on the Hugging Face hub can have, `owner/name`."""
    return _HUB_NAME.fullmatch(name) is not None


def is_offline() -> bool:
    """Whether the user forbids the hub's library to use the network (`HF_HUB_OFFLINE`)."""
    return bool(_hub().constants.HF_HUB_OFFLINE)


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Which files of a model are used, as shell patterns; no others are downloaded.

    Attributes:
        required: Patterns of which each must match a file.
        optional: Patterns of what else is used where it is there.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    def missing_from(self, folder: Path) -> str | None:
        """Return the first required pattern that matches nothing in a folder."""
        return next((pattern for pattern in self.required if not any(folder.glob(pattern))), None)

    def in_cache(self, name: str, revision: str | None) -> Path | None:
        """Find a model in the hub's cache; no server is asked.

        Args:
            name: The model's name on the hub.
            revision: Its commit, tag or branch; None for main.

        Returns:
            The folder of its files, named by its commit; None where they are not all there.
        """
        # With the patterns of the download: without them the hub's library misses the files left out of it.
        patterns = [*self.required, *self.optional]
        try:
            folder = _hub().snapshot_download(name, revision=revision, allow_patterns=patterns, local_files_only=True)
        except OSError:
            return None
        return None if self.missing_from(Path(folder)) else Path(folder)

    def download(self, name: str, revision: str | None) -> None:
        """Download a model into the hub's cache.

        Args:
            name: The model's name on the hub.
            revision: Its commit, tag or branch; None for main.

        Raises:
            DataError: If the user forbids it, or the hub does not have or give it.
        """
        if is_offline():
            raise missing_error(name, revision)
        try:
            _hub().snapshot_download(name, revision=revision, allow_patterns=[*self.required, *self.optional])
        except Exception as error:  # of the hub's library, its HTTP client, or the file system
            raise _download_error(name, revision, error) from error


def _hub() -> Any:
    try:
        with telemetry_off():
            hub = importlib.import_module("huggingface_hub")
            importlib.import_module("huggingface_hub.constants")
    except ImportError as error:
        raise PluginError(f"huggingface_hub cannot be imported: {error}", hint=INSTALL) from error
    return hub


def _download_error(name: str, revision: str | None, error: Exception) -> DataError:
    kind = type(error).__name__
    if kind in ("RepositoryNotFoundError", "GatedRepoError"):
        return DataError(
            f"the hub has no model {name}, or none that may be read without HF_TOKEN",
            hint=f"look at https://huggingface.co/{name}",
        )
    if kind == "RevisionNotFoundError":
        return DataError(f"the hub has no such revision of {name}", hint="check `revision`")
    reason = str(error).strip().partition("\n")[0]
    return DataError(f"{name} cannot be downloaded: {reason}", hint=download_command(name, revision))


def missing_error(name: str, revision: str | None) -> DataError:
    """Say that a model of the hub is not on this machine, and how to get it.

    Args:
        name: The model's name on the hub.
        revision: Its commit, tag or branch; None for main.

    Returns:
        The error to raise.
    """
    message, command = f"the model {name} is not on this machine", download_command(name, revision)
    if is_offline():
        return DataError(f"{message}, and HF_HUB_OFFLINE is set", hint=f"HF_HUB_OFFLINE=0 {command}")
    return DataError(message, hint=command)


def file_hashes(folder: Path) -> Mapping[str, str]:
    """Hash the files of a model, hidden ones left out; unchanged files are read once per process.

    Args:
        folder: Where they are.

    Returns:
        Hashes by path below the folder, in the order of the paths.
    """
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    return _hashes(folder, tuple((path, path.stat().st_size, path.stat().st_mtime_ns) for path in paths))


@functools.lru_cache(maxsize=32)
def _hashes(folder: Path, state: tuple[tuple[Path, int, int], ...]) -> Mapping[str, str]:
    # Asked for in every cell of a plan.
    return {path.relative_to(folder).as_posix(): file_hash(path) for path, _, _ in state}


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
