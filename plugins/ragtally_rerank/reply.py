"""Reading a ranking out of what a language model says."""

from __future__ import annotations

import re
from collections.abc import Iterable

_TAGS = r"(?:think|thinking|thought|thoughts|reasoning|reflection|scratchpad|analysis)"
_REASONING_END = re.compile(rf"</{_TAGS}>|\[/think\]", re.IGNORECASE)
_REASONING = re.compile(rf"<{_TAGS}>|\[think\]", re.IGNORECASE)
_MARKS = str.maketrans("", "", "*`_\"'")
_NOUN = re.compile(r"\b(?:passage|document|doc) ?(?=\[?[0-9])", re.IGNORECASE)
_ITEM = r"(?:\[ ?[0-9]{1,6} ?\]|(?<![\w.,])[0-9]{1,6}(?![.,]?\w))"
_CHAIN = re.compile(rf"{_ITEM}(?: ?>+ ?{_ITEM})+|\[ ?[0-9]{{1,6}}(?: ?, ?[0-9]{{1,6}})+ ?\]")
_IN_BRACKETS = re.compile(r"\[ ?([0-9]{1,6}) ?\]")
_BARE = re.compile(r"[0-9 ,;.()]+")
_NUMBER = re.compile(r"[0-9]+")


def ranking_in(reply: str, count: int) -> tuple[int, ...]:
    """Read in which order a model puts numbered passages."""
    # Looked at is what follows the model's reasoning. The longest chain `[2] > [1] > [3]` or list `[2, 1, 3]` counts,
    # the last of equally long ones; else all numbers in brackets; else a reply that is nothing but numbers. Repeated
    # numbers, and those that no passage has, are left out.
    text = _NOUN.sub("", " ".join(_answer(reply).translate(_MARKS).split()))
    best: tuple[int, ...] = ()
    for chain in _CHAIN.finditer(text):
        places = _places(_NUMBER.findall(chain[0]), count)
        if len(places) >= len(best):
            best = places
    if not best:
        best = _places(_IN_BRACKETS.findall(text), count)
    if not best and _BARE.fullmatch(text):
        best = _places(_NUMBER.findall(text), count)
    return best


def _answer(reply: str) -> str:
    # Reasoning that never ended leaves no answer behind it.
    return _REASONING.split(_REASONING_END.split(reply)[-1])[0]


def _places(numbers: Iterable[str], count: int) -> tuple[int, ...]:
    in_range = (int(number) - 1 for number in numbers if 1 <= int(number[:7]) <= count)
    return tuple(dict.fromkeys(in_range))
