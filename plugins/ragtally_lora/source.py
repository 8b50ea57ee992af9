"""What the reader `lora` needs from outside: its packages, and the model that it tunes."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ragtally import DataError, Finding, Location, ParameterFault, PluginError, Progress, RagtallyError, file_hash
from ragtally.support.local_models import ModelFiles
from ragtally.support.model_sources import ModelSource

# What PEFT calls the file of an adapter.
WEIGHTS = "adapter_model.safetensors"
INSTALL = 'pip install "ragtally[lora]"'
_PACKAGES = ("torch", "transformers", "peft")
_QUANTISING = "bitsandbytes"
_SUFFIX = ".gguf"
_FILES = ModelFiles(required=("config.json", "*.safetensors"), optional=("*.json", "*.txt", "*.model", "*.jinja"))


@dataclass(frozen=True, slots=True)
class BaseSource:
    """The model that is tuned."""

    name: str
    revision: str | None

    @property
    def is_gguf(self) -> bool:
        """Whether it is a GGUF file, judged by its name alone."""
        return self.name.lower().endswith(_SUFFIX)

    @property
    def title(self) -> str:
        """What a model card calls it: no path of this machine."""
        return Path(self.name).name if self.is_gguf or self._of_transformers.is_folder else self.name

    @property
    def _of_transformers(self) -> ModelSource:
        return ModelSource(self.name, self.revision, _FILES, "a model of transformers in safetensors")

    def faults(self) -> list[ParameterFault]:
        if not self.is_gguf:
            return self._of_transformers.faults("base")
        if self.revision is None:
            return []
        return [ParameterFault("revision", "revision is for models of the hub", "remove it")]

    def path(self) -> Path:
        """The file, or the folder of its files; asks no server."""
        if not self.is_gguf:
            return self._of_transformers.folder()
        path = Path(self.name).expanduser()
        if not path.is_file():
            hint = f"paths are relative to the folder the command runs in, now {Path.cwd()}"
            raise DataError("there is no such model file", location=Location(self.name), hint=hint)
        return path

    def fingerprint(self) -> str:
        return file_hash(self.path()) if self.is_gguf else self._of_transformers.fingerprint()

    def findings(self) -> Iterator[Finding]:
        if not self.is_gguf:
            yield from self._of_transformers.findings()
            return
        try:
            yield Finding(True, f"{self.path()} is there")
        except RagtallyError as error:
            yield Finding(False, error.message, error.hint)

    def provide(self, progress: Progress) -> None:
        if not self.is_gguf:
            self._of_transformers.provide(progress)


def package_findings(quantise: str | None, *, gguf: bool) -> list[Finding]:
    """Look for the packages, importing none."""
    names = [*_PACKAGES, *(["gguf"] if gguf else [])]
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        return [Finding(False, f"{', '.join(missing)} not installed", INSTALL)]
    if quantise is not None and importlib.util.find_spec(_QUANTISING) is None:
        return [Finding(False, f"quantise: {quantise} needs {_QUANTISING}", f"pip install {_QUANTISING}")]
    return [Finding(True, f"{', '.join(names)} are installed")]


def require_packages(quantise: str | None, *, gguf: bool = False) -> None:
    """Refuse to build a reader whose packages are not there."""
    for finding in package_findings(quantise, gguf=gguf):
        if not finding.ok:
            raise PluginError(finding.what, hint=finding.remedy)
