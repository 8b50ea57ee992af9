"""HTML, EPUB, Markdown and plain text."""

from __future__ import annotations

import contextlib
import posixpath
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from xml.etree import ElementTree

from ragtally import Conversion, ConversionError
from ragtally.support.archives import require_archive
from ragtally.support.text_files import read_bytes, read_text
from ragtally_converters.builder import DocumentBuilder, damage
from ragtally_converters.tables import table_lines

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_INVISIBLE = ("script", "style", "noscript", "template", "head", "svg", "math", "iframe", "object", "select")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
# fmt: off
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "header", "hr", "html", "li", "main", "nav", "ol", "p", "pre",
    "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul", *_HEADINGS,
})
# fmt: on
_MARKDOWN_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(.+?)(?:[ \t]+#+)?[ \t]*")
_FENCE = re.compile(r" {0,3}(```|~~~)")


class _Markup:
    def __init__(self, extensions: tuple[str, ...]) -> None:
        self.extensions = extensions


class Html(_Markup):
    """Reads what a browser would show, without what a page fetches or computes; a part for each heading's text."""

    def convert(self, path: Path) -> Conversion:
        """Read the page (see `ragtally.api.Converter`)."""
        builder = DocumentBuilder()
        _add_page(builder, _soup(read_bytes(path)))
        return builder.conversion(path)


class Epub(_Markup):
    """Reads a book's chapters in its own order; a part for each."""

    def convert(self, path: Path) -> Conversion:
        """Read the chapters (see `ragtally.api.Converter`)."""
        builder = DocumentBuilder()
        with require_archive(path) as archive:
            try:
                if "META-INF/encryption.xml" in archive.namelist() and "META-INF/rights.xml" in archive.namelist():
                    message = "the book is protected against copying"
                    raise ConversionError("encrypted", path, message, hint="get it without protection")
                for number, name in enumerate(_chapters(archive), start=1):
                    soup = _soup(archive.read(name))
                    title = soup.find(_HEADINGS)
                    with builder.part("section", title.get_text(" ", strip=True) if title else number):
                        _add_page(builder, soup, sections=False)
            except (KeyError, ElementTree.ParseError, zipfile.BadZipFile, IndexError) as error:
                raise damage(path, error) from error
        return builder.conversion(path)


class Markdown(_Markup):
    """Takes the text as it is written; a part for each heading's text."""

    def convert(self, path: Path) -> Conversion:
        """Read the text (see `ragtally.api.Converter`)."""
        builder = DocumentBuilder()
        lines: list[str] = []
        in_code = False
        with contextlib.ExitStack() as section:
            for line in read_text(path).split("\n"):
                in_code ^= _FENCE.match(line) is not None
                heading = None if in_code else _MARKDOWN_HEADING.fullmatch(line)
                if heading:
                    builder.add("\n".join(lines))
                    lines.clear()
                    section.close()
                    section.enter_context(builder.part("section", heading[1]))
                lines.append(line)
            builder.add("\n".join(lines))
        return builder.conversion(path)


class Text(_Markup):
    """Takes the text as it is."""

    def convert(self, path: Path) -> Conversion:
        """Read the text (see `ragtally.api.Converter`)."""
        builder = DocumentBuilder()
        builder.add(read_text(path))
        return builder.conversion(path)


def html_text(html: str | bytes) -> str:
    """The visible text of a page."""
    builder = DocumentBuilder()
    _add_page(builder, _soup(html), sections=False)
    return builder.text


def _soup(html: str | bytes) -> BeautifulSoup:
    from bs4 import BeautifulSoup

    # The standard library's parser: it fetches nothing, and expands no entities but characters.
    return BeautifulSoup(html, "html.parser")


def _add_page(builder: DocumentBuilder, soup: BeautifulSoup, *, sections: bool = True) -> None:
    for tag in soup.find_all(_INVISIBLE):
        tag.decompose()
    with contextlib.ExitStack() as section:
        _Page(builder, section if sections else None).visit(soup)


class _Page:
    """Gathers text within a paragraph, and adds it where a block begins or ends."""

    def __init__(self, builder: DocumentBuilder, section: contextlib.ExitStack | None) -> None:
        self._builder = builder
        self._section = section
        self._inline: list[str] = []

    def visit(self, top: Any) -> None:
        # Without recursion: pages nest deeper than Python's stack is high.
        from bs4 import Tag
        from bs4.element import NavigableString, PreformattedString

        waiting: list[Any] = [top]
        while waiting:
            node = waiting.pop()
            if node is None:
                self._flush()
            elif isinstance(node, Tag):
                name = node.name.lower()
                if name == "table" and node.find("table") is None:
                    self._flush()
                    rows = [
                        [cell.get_text(" ") for cell in row.find_all(["td", "th"])] for row in node.find_all("tr")
                    ]
                    for line in table_lines([row for row in rows if row]):
                        self._builder.add(line)
                    continue
                block = name in _BLOCKS
                if block:
                    self._flush()
                if name in _HEADINGS and self._section is not None and (title := node.get_text(" ", strip=True)):
                    self._section.close()
                    self._section.enter_context(self._builder.part("section", title))
                if name == "br":
                    self._inline.append("\n")
                if block:
                    waiting.append(None)
                waiting.extend(reversed(node.contents))
            elif isinstance(node, NavigableString) and not isinstance(node, PreformattedString):
                self._inline.append(re.sub(r"\s+", " ", node))
        self._flush()

    def _add_table(self, table: Tag) -> None:
        rows = [[cell.get_text(" ") for cell in row.find_all(["td", "th"])] for row in table.find_all("tr")]
        for line in table_lines([row for row in rows if row]):
            self._builder.add(line)

    def _flush(self) -> None:
        lines = "".join(self._inline).split("\n")
        self._builder.add("\n".join(" ".join(line.split()) for line in lines))
        self._inline.clear()


def _chapters(archive: zipfile.ZipFile) -> list[str]:
    """The files of a book's text, in reading order (EPUB's container, package, spine)."""
    container = ElementTree.fromstring(archive.read("META-INF/container.xml"))
    package_name = next(one.get("full-path", "") for one in container.iter() if one.tag.endswith("}rootfile"))
    package = ElementTree.fromstring(archive.read(package_name))
    folder = posixpath.dirname(package_name)
    names = {one.get("id"): unquote(one.get("href", "")) for one in package.iter() if one.tag.endswith("}item")}
    spine = [one.get("idref") for one in package.iter() if one.tag.endswith("}itemref")]
    return [posixpath.normpath(posixpath.join(folder, names[one])) for one in spine]
