"""Names, telephone numbers and e-mail addresses replaced by placeholders, the same one for the same person.

Nothing is guessed: names are those that somebody declared (a list, senders of messages, columns of tables), numbers
those that exist in their country's numbering plan. What stands for whom is never written anywhere.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ragtally.api import DataError, Location, file_hash
from ragtally.support.text_files import read_text
from ragtally.support.unspaced import SIGNS

VERSION = 2
"""Raised whenever the same rules would replace otherwise."""
INTERNATIONAL = "international"
# What is counted, by what it is.
KINDS = {"e-mail": "e-mail addresses", "phone": "telephone numbers", "person": "names of people"}
UNUSED = "names of the list that stand nowhere"

_WORD = re.compile(r"[^\W_]+")
_SIGNS = re.compile(f"[{SIGNS}]+")
# What may stand between two words of a name: `J. Silva`, `Souza, Ana`, `O'Brien`.
_LONGEST_GAP = 3
_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}$")
_DOMAIN = re.compile(r"@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,63}")
_MARKS = "'`*.=|/{}"
_FEWEST_DIGITS = re.compile(r"(?:\d\D{0,3}){5}")


class Replacement(NamedTuple):
    """What is replaced, and by what."""

    start: int
    end: int
    placeholder: str


class Redaction:
    """A text without what was replaced, and where its pieces are now."""

    def __init__(self, text: str, replacements: Sequence[Replacement] = ()) -> None:
        self._replacements = replacements
        growth = [len(each.placeholder) - (each.end - each.start) for each in replacements]
        self._moves = [0, *itertools.accumulate(growth)]  # How far what stands before each replacement has moved
        ends = [0, *(each.end for each in replacements)]
        starts = [*(each.start for each in replacements), len(text)]
        between = [text[end:start] for end, start in zip(ends, starts, strict=True)]
        placeholders = [*(each.placeholder for each in replacements), ""]
        self.text = "".join(itertools.chain.from_iterable(zip(between, placeholders, strict=True)))

    def start(self, offset: int) -> int:
        """Where a piece begins that began at an offset; what begins inside of a replacement takes all of it."""
        row = bisect_right(self._replacements, offset, key=_start) - 1
        if row >= 0 and offset < self._replacements[row].end:
            return self._replacements[row].start + self._moves[row]
        return offset + self._moves[row + 1]

    def end(self, offset: int) -> int:
        """Likewise where a piece ends."""
        row = bisect_left(self._replacements, offset, key=_start) - 1
        if row >= 0 and offset <= self._replacements[row].end:
            return self._replacements[row].end + self._moves[row + 1]
        return offset + self._moves[row + 1]


def _start(replacement: Replacement) -> int:
    return replacement.start


class Redactor:
    """Replaces in one text after the other."""

    def __init__(self, rules: Mapping[str, Any], people: Iterable[str]) -> None:
        self._emails = rules.get("emails", True)
        self._phones = rules.get("phones", INTERNATIONAL)
        self._names = _Names([] if rules.get("names") is None else read_names(Path(rules["names"])))
        if rules.get("senders", True):
            self._names.add(people)
        if rules.get("first_names", False):
            self._names.add_first_names()
        self._numbers: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
        self._counts = Counter[str]()

    def redact(self, text: str) -> Redaction:
        """Replace in one text."""
        addresses = _apart([*self._find_emails(text), *self._find_phones(text)])
        # An address or a number that holds a name counts as a whole.
        names = [one for one in _apart(self._names.find(text)) if not _overlaps(one, addresses)]
        rows = sorted([*addresses, *names])
        return Redaction(text, [Replacement(one.start, one.end, self._placeholder(one)) for one in rows])

    def counts(self) -> dict[str, int]:
        """How much was replaced, by what it is, and how many names of the list stand nowhere."""
        counts = {}
        for kind, what in KINDS.items():
            if self._counts[kind]:
                counts[f"{what} ({len(self._numbers[kind]):,} different), now placeholders"] = self._counts[kind]
        missing = sum(str(person) not in self._numbers["person"] for person in range(self._names.list_size))
        return counts | ({UNUSED: missing} if missing else {})

    def _placeholder(self, hit: _Hit) -> str:
        self._counts[hit.kind] += 1
        if not hit.key:
            # Several people have this name.
            return f"[{hit.kind}]"
        numbers = self._numbers[hit.kind]
        # With an underscore it is one word, by which search tells one person from another.
        return f"[{hit.kind}_{numbers.setdefault(hit.key, len(numbers) + 1)}]"

    def _find_emails(self, text: str) -> Iterator[_Hit]:
        at = text.find("@") if self._emails else -1
        while at >= 0:
            local, domain = _LOCAL.search(text, max(0, at - 64), at), _DOMAIN.match(text, at)
            name = local[0].lstrip(_MARKS) if local else ""
            if name and domain:
                yield _Hit(at - len(name), domain.end(), "e-mail", f"{name}{domain[0]}".casefold())
            at = text.find("@", at + 1)

    def _find_phones(self, text: str) -> Iterator[_Hit]:
        if self._phones is None or _FEWEST_DIGITS.search(text) is None:
            return
        phonenumbers = _phonenumbers()
        region = None if self._phones == INTERNATIONAL else self._phones
        for match in phonenumbers.PhoneNumberMatcher(text, region, max_tries=len(text) + 1):
            form = phonenumbers.PhoneNumberFormat.E164
            yield _Hit(match.start, match.end, "phone", phonenumbers.format_number(match.number, form))


class _Hit(NamedTuple):
    """Something to be replaced."""

    start: int
    end: int
    kind: str
    key: str  # Who or what it is; empty where that is not known


def _apart(hits: Iterable[_Hit]) -> list[_Hit]:
    """Of hits that overlap the first, and of those that begin together the longest."""
    apart: list[_Hit] = []
    for hit in sorted(hits, key=lambda one: (one.start, -one.end)):
        if not apart or apart[-1].end <= hit.start:
            apart.append(hit)
    return apart


def _overlaps(hit: _Hit, others: Sequence[_Hit]) -> bool:
    row = bisect_left(others, hit.end, key=lambda one: one.start) - 1
    return row >= 0 and others[row].end > hit.start


class _Names:
    """People by the spellings of their names, without case and accents."""

    def __init__(self, people: Sequence[Sequence[str]]) -> None:
        self._people: dict[tuple[str, ...], set[int]] = {}
        self._lengths: dict[str, list[int]] = {}  # By a name's first word, the longest first
        self._signs: dict[str, int] = {}  # Names in a script without spaces, found inside of any run of signs
        self._count = 0
        for spellings in people:
            for spelling in spellings:
                self._add(spelling, self._count)
            self._count += 1
        self.list_size = self._count

    def add(self, names: Iterable[str]) -> None:
        """Add people by one name; one that is known already is nobody new."""
        for name in names:
            if _words(name) and _words(name) not in self._people and name not in self._signs:
                self._add(name, self._count)
                self._count += 1

    def add_first_names(self) -> None:
        """Let the first word of each name of several words count alone."""
        for words, people in list(self._people.items()):
            if len(words) > 1:
                for person in people:
                    self._add(words[0], person)

    def _add(self, name: str, person: int) -> None:
        if _SIGNS.fullmatch(name):
            self._signs.setdefault(name, person)
            return
        words = _words(name)
        if words:
            self._people.setdefault(words, set()).add(person)
            lengths = self._lengths.setdefault(words[0], [])
            if len(words) not in lengths:
                lengths.append(len(words))
                lengths.sort(reverse=True)

    def find(self, text: str) -> Iterator[_Hit]:
        """Every place of a name, the longest of those that begin at the same word."""
        for name, number in self._signs.items():
            yield from (_Hit(*match.span(), "person", str(number)) for match in re.finditer(name, text))
        if not self._people:
            return
        words = [(match.start(), match.end(), _fold(match[0])) for match in _WORD.finditer(text)]
        row = 0
        while row < len(words):
            length = next((one for one in self._lengths.get(words[row][2], ()) if self._is_name(words, row, one)), 0)
            if length:
                people = self._people[tuple(word for _, _, word in words[row : row + length])]
                person = str(next(iter(people))) if len(people) == 1 else ""
                yield _Hit(words[row][0], words[row + length - 1][1], "person", person)
            row += length or 1

    def _is_name(self, words: Sequence[tuple[int, int, str]], row: int, length: int) -> bool:
        run = words[row : row + length]
        if len(run) < length:
            return False
        gaps = (later[0] - earlier[1] for earlier, later in itertools.pairwise(run))
        return tuple(word for _, _, word in run) in self._people and all(gap <= _LONGEST_GAP for gap in gaps)


def read_names(path: Path) -> list[list[str]]:
    """Read a list of people: a line for each, several spellings of one with semicolons between them."""
    lines = [line.split(";") for line in read_text(path.expanduser()).split("\n")]
    people = [[name.strip() for name in line if name.strip()] for line in lines]
    return [spellings for spellings in people if spellings]


def rules_identity(rules: Mapping[str, Any]) -> dict[str, Any]:
    """What of the rules decides the outcome: the content of the list of names, whatever its path."""
    rules = {**rules, "version": VERSION}
    if rules.get("names") is None:
        return rules
    path = Path(str(rules["names"])).expanduser()
    try:
        return {**rules, "names": file_hash(path)}
    except OSError as error:
        message = f"the list of names cannot be read: {error.strerror or error}"
        hint = "`redact.names` is a text file with the name of one person on each line"
        raise DataError(message, location=Location(str(path)), hint=hint) from error


def check_rules(rules: Mapping[str, Any]) -> None:
    """Raise an error where a package or a country is not known."""
    region = rules.get("phones", INTERNATIONAL)
    if region is None:
        return
    regions = _phonenumbers().SUPPORTED_REGIONS
    if region != INTERNATIONAL and region not in regions:
        raise DataError(f"`redact.phones` names {region}, which is no country", hint="two letters, such as BR or DE")


def _phonenumbers() -> Any:
    # Its numbering plans are loaded where there are numbers to be found.
    try:
        import phonenumbers
    except ImportError as error:
        message = "to find telephone numbers needs the package phonenumbers, which is not installed"
        hint = "pip install 'ragtally[documents]'; or `redact: {phones: null}`, and they stay"
        raise DataError(message, hint=hint) from error
    return phonenumbers


def _words(name: str) -> tuple[str, ...]:
    return tuple(_fold(word) for word in _WORD.findall(name))


def _fold(word: str) -> str:
    if word.isascii():
        return word.lower()
    letters = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
