"""Marks by which a sentence of a results section shows what it found: a few columns that need little data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ragtally_specialist.focus import BEST, CLOSES, Focus
from ragtally_specialist.text import BoundedMemory, reduced

if TYPE_CHECKING:
    from numpy.typing import NDArray


_REMEMBERED_CHARACTERS = 8_000_000
# Shrinks the cues of the closing sentences, so that the regularisation holds them back: they say less.
_CLOSING_SCALE = 0.5
_RISE = re.compile(r"\b(?:increas|improv|rais|ris(?:e|ing)|rose|higher|greater|more|better|enhanc|gain)")
_FALL = re.compile(r"\b(?:reduc|decreas|lower|less|fell|fall|declin|fewer|prevent|diminish)")
_CUES = tuple(
    re.compile(pattern)
    for pattern in (
        r"\bpbelow\b",
        r"\bpborder\b",
        r"\bpabove\b",
        r"\bciexcludes\b",
        r"\bciholds\b",
        r"\b(?:no|not|nor|neither|none|without|failed to|lack of)\b",
        r"\b(?:no|not|nor|neither|without)\b[^.;]*\b(?:signific|differ|effect|associat|change|affect|influence|relat)",
        r"\bno longer\b|\bvanish|\bdisappear|\bno (?:\w+ )?(?:effect|differ\w+) (?:remain|persist)",
        r"signific|marked|clear|substantial|strong",
        r"\bsimilar|\bcomparable|\bequal|\bunchanged|\bequivalen|\balike\b",
        r"\btrend|\btend(?:ed|s|ency)|\bborderline|\bnearly|\bmarginal",
        r"\buncertain|\binconclusive|\bequivocal|\bconflicting|\bpossibl|\bmay\b|\bmight\b|\bsuggest|\bunclear|\bmixed\b",
        r"\bhowever\b|\balthough\b|\bbut\b|\bwhereas\b|\bnevertheless\b|\bin contrast\b|\bonly\b|\bdespite\b",
        r"\bsubgroup|\bsensitivity anal|\bper-protocol|\badjust",
        r"\bpersist|\bremain|\bconfirm|\brobust|\bconsistent",
        r"\b(?:worse|deteriorat|contrary|harm|fared)",
    )
)
# How many columns of cues there are.
CUES = 3 * len(_CUES) + 1


def _marks(sentence: str) -> NDArray[np.float64]:
    text = reduced(sentence)
    found = [cue.search(text) is not None for cue in _CUES]
    return np.array([*found, _direction(text)], dtype=np.float64)


def _direction(text: str) -> int:
    return (_RISE.search(text) is not None) - (_FALL.search(text) is not None)


_remembered = BoundedMemory(_marks, _REMEMBERED_CHARACTERS)


def cue_columns(questions: Sequence[str], focus: Focus) -> NDArray[np.float64]:
    """Find the cues of the sentences in focus."""
    columns = np.zeros((len(questions), 3, len(_CUES) + 1))
    if focus.sentence:
        marks = np.stack([_remembered(sentence) for sentence in focus.sentence])
        np.add.at(columns, (focus.question, focus.role), marks * focus.weight[:, None])
    asked = np.array([_direction(question.lower()) for question in questions], dtype=np.float64)
    columns[:, CLOSES] *= _CLOSING_SCALE
    return np.column_stack([columns[:, :, :-1].reshape(len(questions), -1), columns[:, BEST, -1] * asked])
