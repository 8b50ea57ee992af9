"""Chats that WhatsApp exports as text, from either phone system and in the dates of any country."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from ragtally import Conversion, ConversionError, FileDocument
from ragtally.support.text_files import read_text
from ragtally_converters.builder import DocumentBuilder, without_words

MEDIA = "messages of chats that hold a picture, a sound or a file alone"
NOTICES = "notices of WhatsApp in chats"
DELETED = "deleted messages of chats"

# Marks of writing direction, which iPhones put before names and numbers.
_DIRECTIONS = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"))
_NOON = r"(?P<before>上午|下午|午前|午後|오전|오후)?\s*"
_HEAD = re.compile(
    rf"""[\u200e\u200f\u202a\ufeff]*(?P<bracket>\[)?
    (?P<first>\d{{1,4}})(?P<sign>[./-])\s?(?P<second>\d{{1,2}})(?P=sign)\s?(?P<third>\d{{1,4}})\.?
    (?:,|\s+(?:a|à|às|à\(s\)|um|alle|kl\.?|o|at))?\s+
    {_NOON}(?P<hour>\d{{1,2}})[:.](?P<minute>\d\d)(?:[:.](?P<seconds>\d\d))?
    (?:\s?(?P<after>[AaPp])\.?\s?[Mm]\.?)?(?:\s?Uhr)?
    (?(bracket)\]|\s[-–])\s?""",
    re.VERBOSE,
)
_SENDER = re.compile(r"(?P<name>[^:\n\"“”«»„]{1,100}): ?(?P<text>.*)", re.DOTALL)
# `<Media omitted>` stands for a picture on Android, in whatever language; iPhones mark with an invisible sign what
# they write themselves.
_OMISSION = re.compile(r"<[^<>\n]{3,60}>|null")
_ATTACHMENT = re.compile(
    r"<[^<>:\n]{5,20}:[^<>\n]+>|[^\n]{1,100}\.\w{2,5} \((?:file attached|arquivo anexado|archivo adjunto|"
    r"Datei angehängt|fichier joint|file allegato|bestand bijgevoegd)\)"
)
_EDITION = re.compile(r"\s*<[^<>\n]*(?:edited|editada|editó|bearbeitet|modifi|bewerkt)[^<>\n]*>\s*$", re.IGNORECASE)
_DELETION = re.compile(
    r"(?:This message was deleted|You deleted this message|(?:Esta mensagem|Mensagem) (?:foi )?apagada|"
    r"Você apagou esta mensagem|Apagou esta mensagem|Se eliminó este mensaje|Eliminaste este mensaje|"
    r"Diese Nachricht wurde gelöscht|Du hast diese Nachricht gelöscht|Ce message a été supprimé|"
    r"Vous avez supprimé ce message|Questo messaggio è stato eliminato|Hai eliminato questo messaggio|"
    r"Dit bericht is verwijderd|Je hebt dit bericht verwijderd)\.?"
)
_LONGEST_OMISSION = 60
_MOST_HOURS = 24


@dataclass(frozen=True, slots=True)
class _Message:
    line: int
    at: datetime
    sender: str
    text: str


@dataclass
class _Entry:
    line: int
    head: re.Match[str]
    lines: list[str] = field(default_factory=list)


class WhatsApp:
    """Reads messages with their times and senders; a part for each, a document for each conversation."""

    def __init__(self, extensions: tuple[str, ...], document: str, gap_hours: float, date_order: str) -> None:
        self.extensions = extensions
        self._document, self._gap, self._order = document, timedelta(hours=gap_hours), date_order

    def convert(self, path: Path) -> Conversion:
        """Read the chat (see `ragtally.api.Converter`)."""
        entries = _entries(path, read_text(path))
        order = self._order if self._order != "auto" else _date_order(path, entries)
        left_out = Counter[str]()
        messages: list[_Message] = []
        for entry in entries:
            message = _message(path, entry, order, left_out)
            if message is not None:
                messages.append(message)
        if not messages:
            raise without_words(path)
        documents = [_document(name, group) for name, group in self._conversations(messages)]
        people = tuple(dict.fromkeys(message.sender for message in messages))
        return Conversion(documents, left_out, people)

    def _conversations(self, messages: Sequence[_Message]) -> Iterator[tuple[str, list[_Message]]]:
        names = Counter[str]()
        group = [messages[0]]
        for before, message in pairwise([*messages, None]):
            if message is not None and not self._begins(before, message):
                group.append(message)
                continue
            form = {"day": "%Y-%m-%d", "gap": "%Y-%m-%d %H:%M", "chat": ""}[self._document]
            name = group[0].at.strftime(form)
            names[name] += 1
            yield name if names[name] == 1 else f"{name} ({names[name]})", group
            group = [message] if message is not None else []

    def _begins(self, before: _Message | None, message: _Message) -> bool:
        if before is None or self._document == "chat":
            return False
        if self._document == "day":
            return before.at.date() != message.at.date()
        return abs(message.at - before.at) >= self._gap


def _document(name: str, messages: Sequence[_Message]) -> FileDocument:
    builder = DocumentBuilder()
    for message in messages:
        at = message.at.strftime("%Y-%m-%d %H:%M")
        with builder.part("message", f"{at} {message.sender}", gap="\n"):
            builder.add(f"{at} {message.sender}: {message.text}")
    return builder.document(name)


def _entries(path: Path, text: str) -> list[_Entry]:
    entries: list[_Entry] = []
    for number, line in enumerate(text.split("\n"), start=1):
        head = _HEAD.match(line)
        if head is not None:
            entries.append(_Entry(number, head, [line[head.end() :]]))
        elif entries:
            entries[-1].lines.append(line)
        elif line.strip():
            message = "this is no chat that WhatsApp exported: its first line has no date and time"
            hint = "leave the converter whatsapp out, or put its chats into a folder of their own"
            raise ConversionError("damaged", path, message, hint=hint, line=number)
    if not entries:
        raise without_words(path)
    return entries


def _date_order(path: Path, entries: Sequence[_Entry]) -> str:
    """Which of a date's numbers is the day: the order in which all are dates, and time goes on."""
    if len(entries[0].head["first"]) > 2:
        return "ymd"
    orders = []
    for order in ("dmy", "mdy"):
        try:
            times = [_time(entry.head, order) for entry in entries]
        except ValueError:
            continue
        orders.append((sum(later < earlier for earlier, later in pairwise(times)), order))
    if not orders:
        message = "its dates are neither days before months nor months before days"
        hint = "export the chat again; one that two phones wrote must be two files"
        raise ConversionError("damaged", path, message, hint=hint, line=entries[0].line)
    orders.sort(key=lambda one: one[0])
    if len(orders) > 1 and orders[0][0] == orders[1][0] and entries[0].head["sign"] == "/":
        # Both are possible. Slashes and half days are the United States', and hardly anybody else's.
        return "mdy" if any(entry.head["after"] in ("A", "P") for entry in entries) else "dmy"
    return orders[0][1]


def _time(head: re.Match[str], order: str) -> datetime:
    numbers = dict(zip(order, (int(head[name]) for name in ("first", "second", "third")), strict=True))
    year, hour = numbers["y"], int(head["hour"])
    half = (head["after"] or "").lower() or {"上午": "a", "午前": "a", "오전": "a"}.get(head["before"] or "", "")
    half = half or ("p" if head["before"] else "")
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour >= _MOST_HOURS:
        raise ValueError(f"hour {hour}")
    return datetime(year if year > 99 else 2000 + year, numbers["m"], numbers["d"], hour, int(head["minute"]))


def _message(path: Path, entry: _Entry, order: str, left_out: Counter[str]) -> _Message | None:
    try:
        at = _time(entry.head, order)
    except ValueError as error:
        message = f"{entry.head[0].strip()!r} is no date where its parts are {', '.join(order)}"
        hint = "state the `date_order` of the chat: dmy, mdy or ymd"
        raise ConversionError("damaged", path, message, hint=hint, line=entry.line) from error
    sender = _SENDER.fullmatch("\n".join(entry.lines).strip("\n"))
    if sender is None:
        left_out[NOTICES] += 1
        return None
    is_own = sender["text"].startswith("\u200e")
    text = _EDITION.sub("", sender["text"].translate(_DIRECTIONS)).strip()
    name = sender["name"].translate(_DIRECTIONS).replace("\xa0", " ").strip().lstrip("~").strip()
    what = _without_text(text, is_own=is_own)
    if what is not None:
        left_out[what] += 1
        return None
    first, _, caption = text.partition("\n")
    if _ATTACHMENT.fullmatch(first):
        text = caption.strip()
    return _Message(entry.line, at, name, text)


def _without_text(text: str, *, is_own: bool) -> str | None:
    """What a message is that nobody wrote; None for one with words."""
    if _DELETION.fullmatch(text):
        return DELETED
    if not text or _OMISSION.fullmatch(text) or _ATTACHMENT.fullmatch(text):
        return MEDIA
    if is_own and not _ATTACHMENT.match(text):
        # `image omitted`, `Bild weggelassen`: short. Longer ones say what the encryption or a new number is about.
        return MEDIA if len(text) <= _LONGEST_OMISSION and not text.endswith(".") else NOTICES
    return None
