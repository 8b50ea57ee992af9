"""The suite for converters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ragtally.api import Conversion, ConversionError, Converter
from ragtally.testing.component import ComponentSuite


class ConverterSuite(ComponentSuite, ABC):
    """Checks a converter on a file that the subclass writes, and on files that nobody can read."""

    kind = "converter"
    protocol = Converter

    @abstractmethod
    def write_file(self, folder: Path) -> Path:
        """Write a file that the converter reads; override it.

        Args:
            folder: An empty folder.

        Returns:
            The file, with several parts if its kind has any.
        """

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        """The file under test."""
        folder = tmp_path / "file"
        folder.mkdir()
        return self.write_file(folder)

    @pytest.fixture
    def conversion(self, build: Callable[[], Any], file: Path) -> Conversion:
        """What comes of it."""
        conversion = build().convert(file)
        assert isinstance(conversion, Conversion), "`convert` returns a Conversion"
        return conversion

    def test_extensions_are_those_of_the_traits(self, build: Callable[[], Any], traits: Any, file: Path) -> None:
        """In lower case, with their dot."""
        extensions = build().extensions
        assert extensions and tuple(extensions) == tuple(traits.extensions), (
            "traits and converter say different things"
        )
        assert all(one.startswith(".") and one == one.lower() for one in extensions), "an extension is `.pdf`"
        assert file.suffix.lower() in extensions, "the file under test is of another kind"

    def test_documents_have_words(self, conversion: Conversion) -> None:
        """At least one does; each is text that can be written, and their names differ."""
        assert any(document.text.strip() for document in conversion.documents), "no document has words"
        for document in conversion.documents:
            document.text.encode()
        names = [document.name for document in conversion.documents]
        assert len(set(names)) == len(names), "several documents have one name"

    def test_parts_lie_in_their_document_and_within_one_another(self, conversion: Conversion) -> None:
        """Ordered by start, those that hold others first."""
        for document in conversion.documents:
            spans = [(part.start, -part.end) for part in document.parts]
            assert spans == sorted(spans), "parts must be ordered by start, and those that hold others come first"
            holders: list[int] = []
            for part in document.parts:
                assert 0 <= part.start < part.end <= len(document.text), f"{part} is no part of its document"
                assert part.kind and part.name, f"{part} has no kind or no name"
                while holders and holders[-1] <= part.start:
                    holders.pop()
                assert not holders or part.end <= holders[-1], f"{part} overlaps the part before it"
                holders.append(part.end)

    def test_what_is_left_out_is_counted(self, conversion: Conversion) -> None:
        """By what it is; what is not there is not said."""
        assert all(count > 0 for count in conversion.left_out.values()), "a count of 0 says nothing"

    def test_the_same_file_gives_the_same(self, build: Callable[[], Any], file: Path, conversion: Conversion) -> None:
        """By another converter of the same parameters, and wherever the file lies."""
        elsewhere = file.rename(file.with_name(f"moved{file.suffix}"))
        assert build().convert(elsewhere) == conversion, "the second time the documents differ"

    def test_an_empty_file_is_an_error(self, build: Callable[[], Any], file: Path) -> None:
        """With its reason, the file, and what to do."""
        file.write_bytes(b"")
        error = self.failure(build, file)
        assert error.reason == "empty", f"the reason is {error.reason!r}"

    def test_a_missing_file_is_an_error(self, build: Callable[[], Any], file: Path) -> None:
        """With its reason, the file, and what to do."""
        file.unlink()
        error = self.failure(build, file)
        assert error.reason == "cannot be opened", f"the reason is {error.reason!r}"

    def test_a_file_is_only_read(self, build: Callable[[], Any], file: Path) -> None:
        """Neither changed nor joined by others."""
        before = file.read_bytes()
        build().convert(file)
        assert file.read_bytes() == before and list(file.parent.iterdir()) == [file], "the folder has changed"

    def failure(self, build: Callable[[], Any], file: Path) -> ConversionError:
        """The error that a file must give."""
        with pytest.raises(ConversionError) as caught:
            build().convert(file)
        location = caught.value.location
        assert location is not None and location.file == str(file), "the error does not say which file"
        assert caught.value.hint, "the error does not say what to do"
        return caught.value
