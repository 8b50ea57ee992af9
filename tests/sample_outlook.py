"""An e-mail as Outlook saves it: no library writes one, so the file is put together here, byte by byte."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def _compound_file(tree: Mapping[str, Any]) -> bytes:
    """Write a compound file (MS-CFB): folders within folders, whose streams all are short."""
    free, end, chain = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    entries: list[list[Any]] = []  # Name, kind, right sibling, child, first mini sector, size
    mini, mini_fat = b"", []

    def add(items: Mapping[str, Any]) -> int:
        nonlocal mini
        first = previous = free
        for name, value in sorted(items.items(), key=lambda item: (len(item[0]), item[0].upper())):
            number = len(entries)
            entries.append([name, 1, free, free, end, 0])
            if isinstance(value, dict):
                entries[number][3] = add(value)
            elif value:
                sectors = -(-len(value) // 64)
                entries[number][1:] = [2, free, free, len(mini_fat), len(value)]
                mini_fat.extend([*range(len(mini_fat) + 1, len(mini_fat) + sectors), end])
                mini += value.ljust(64 * sectors, b"\0")
            if previous == free:
                first = number
            else:
                entries[previous][2] = number
            previous = number
        return first

    entries.append(["Root Entry", 5, free, free, end, 0])
    entries[0][3] = add(tree)
    entries[0][5] = len(mini)
    parts = [b"", b"", b"", mini]  # The table of sectors, folders, the table of mini sectors, mini sectors
    for name, kind, right, child, start, size in entries:
        encoded = (name + "\0").encode("utf-16-le")
        folder = struct.pack("<64sHBB3I36xIQ", encoded, len(encoded), kind, 1, free, right, child, start, size)
        parts[1] += folder
    parts[2] = struct.pack(f"<{len(mini_fat)}I", *mini_fat)
    counts = [1, *(-(-len(part) // 512) for part in parts[1:])]
    starts = [sum(counts[:row]) for row in range(len(counts))]
    parts[1] = parts[1].replace(struct.pack("<IQ", end, len(mini)), struct.pack("<IQ", starts[3], len(mini)), 1)
    fat = [chain]
    for start, count in zip(starts[1:], counts[1:], strict=True):
        fat += [*range(start + 1, start + count), end]
    parts[0] = struct.pack(f"<{len(fat)}I", *fat).ljust(512, b"\xff")
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, starts[1], 0,
        4096, starts[2], counts[2], end, 0, 0,
    )  # fmt: skip
    header = header.ljust(512, b"\xff")
    parts[2] = parts[2].ljust(512 * counts[2], b"\xff")
    return header + b"".join(part.ljust(512 * count, b"\0") for part, count in zip(parts, counts, strict=True))


def _outlook_properties(header: bytes, texts: Mapping[int, str]) -> dict[str, bytes]:
    streams = {f"__substg1.0_{number:04X}001F": text.encode("utf-16-le") for number, text in texts.items()}
    rows = [struct.pack("<HHIII", 0x001F, number, 6, 2 * len(text) + 2, 0) for number, text in texts.items()]
    return streams | {"__properties_version1.0": header + b"".join(rows)}


def write_msg(path: Path) -> Path:
    """Write a message with one recipient and one attachment, as Outlook saves it."""
    texts = {
        0x001A: "IPM.Note", 0x0037: "Öffnungszeiten", 0x0C1A: "Ana Souza", 0x0C1F: "ana@example.org",
        0x1000: "Guten Tag,\r\nMontags ist geöffnet.",
    }  # fmt: skip
    recipient = {0x3001: "Jörg Müller", 0x39FE: "joerg@example.org"}
    tree = {
        **_outlook_properties(struct.pack("<8x4I8x", 1, 1, 1, 1), texts),
        "__recip_version1.0_#00000000": _outlook_properties(bytes(8), recipient),
        "__attach_version1.0_#00000000": _outlook_properties(bytes(8), {0x3707: "preise.pdf"}),
    }
    path.write_bytes(_compound_file(tree))
    return path
