"""Made-up names of drugs and conditions, as many as are wanted and no two alike."""

from __future__ import annotations

from math import gcd

_SYLLABLES = tuple(consonant + vowel for consonant in "bcdfglmnprstvz" for vowel in "aeiou")
_DRUG_ENDINGS = ("mab", "tinib", "prazole", "vir", "statin", "xaban", "fenac", "mide", "dipine", "gliptin", "sartan")
_CONDITION_ENDINGS = ("sitis", "rosis", "pathy", "ralgia", "nemia", "xia", "phasia", "dystrophy", "plegia", "noma")


def drug_name(number: int, shift: int) -> str:
    """Name a drug."""
    return _name(number, shift, _DRUG_ENDINGS)


def condition_name(number: int, shift: int) -> str:
    """Name a condition; see `drug_name`."""
    return _name(number, shift, _CONDITION_ENDINGS)


def _name(number: int, shift: int, endings: tuple[str, ...]) -> str:
    base = len(_SYLLABLES)
    size = base**3 * len(endings)
    step = int(size * 0.6180339887)
    while gcd(step, size) != 1:
        step += 1
    extra, index = divmod(number, size)
    index = (index * step + shift) % size
    index, ending = divmod(index, len(endings))
    syllables = []
    for _ in range(3):
        index, syllable = divmod(index, base)
        syllables.append(_SYLLABLES[syllable])
    while extra:
        extra, syllable = divmod(extra - 1, base)
        syllables.append(_SYLLABLES[syllable])
    return "".join(syllables) + endings[ending]
