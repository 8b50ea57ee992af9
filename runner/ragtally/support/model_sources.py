"""A model that runs here, from a folder or from the Hugging Face hub: where its files are, and which they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ragtally.api import DataError, Finding, Location, ParameterFault, Progress, RagtallyError
from ragtally.api.address import address
from ragtally.support.local_models import ModelFiles, download_command, file_hashes, is_hub_name, missing_error


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a model comes from.

    Attributes:
        name: A name on the hub, `owner/name`, or a folder that begins with `./`, `../`, `/` or `~`.
        revision: The commit, tag or branch on the hub; None for main.
        files: Which of its files are used.
        sort: What it is to be, such as `a model of sentence-transformers`.
    """

    name: str
    revision: str | None
    files: ModelFiles
    sort: str

    @property
    def is_folder(self) -> bool:
        """Whether the name is a folder's, judged by its form alone."""
        return self.name.startswith((".", "/", "~"))

    def faults(self, parameter: str) -> list[ParameterFault]:
        """Say what is wrong with name and revision, without a look at any file.

        Args:
            parameter: The parameter that holds the name.

        Returns:
            The faults.
        """
        if self.is_folder:
            message = "revision is for models of the hub"
            is_wrong = self.revision is not None
            return [ParameterFault("revision", message, "remove it: a folder is one revision")] if is_wrong else []
        if is_hub_name(self.name):
            return []
        message = f"{self.name!r} is neither the name of a model on the hub nor a folder"
        return [ParameterFault(parameter, message, "./ before a path, or owner/name of the hub")]

    def folder(self) -> Path:
        """Find the files; asks no server.

        Returns:
            Their folder; for a model of the hub it is named by the commit.

        Raises:
            DataError: If they are not there, with the command that gets them.
        """
        if not self.is_folder:
            folder = self.files.in_cache(self.name, self.revision)
            if folder is None:
                raise missing_error(self.name, self.revision)
            return folder
        folder = Path(self.name).expanduser()
        if not folder.is_dir():
            hint = f"paths are relative to the folder the command runs in, now {Path.cwd()}"
            raise DataError("there is no such folder with a model", location=Location(self.name), hint=hint)
        if missing := self.files.missing_from(folder):
            raise DataError(f"the folder is not {self.sort}: it has no {missing}", location=Location(self.name))
        return folder

    def fingerprint(self) -> str:
        """Identify the model: by the commit, or by the content of its files."""
        folder = self.folder()
        return address(file_hashes(folder)) if self.is_folder else f"{self.name}@{folder.name}"

    def findings(self) -> Iterator[Finding]:
        """Look for the files, for `ragtally doctor`."""
        try:
            self.folder()
        except RagtallyError as error:
            yield Finding(False, error.message, error.hint)
            return
        yield Finding(True, f"{self.name} is there", None if self.is_folder else download_command(self.name, None))

    def provide(self, progress: Progress) -> None:
        """Get the files from the hub, unless they are there or the name is a folder's.

        Args:
            progress: Is told of the download.

        Raises:
            DataError: If the user forbids it, or the hub does not have or give it.
        """
        if self.is_folder or self.files.in_cache(self.name, self.revision) is not None:
            return
        progress(f"{self.name}: downloading", None, None)
        self.files.download(self.name, self.revision)
