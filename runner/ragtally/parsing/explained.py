"""An answer that explains itself without being announced: `Yes, the trial showed an effect.`

Small models often write this where they were asked for the answer alone. It is read only where it can hardly be
anything else: the text starts with a declared answer set off by a comma, a semicolon or a dash; its first sentence
names no other answer and is neither a question nor about the speaker ("No, I cannot say"); what follows the answer
explains it; and no later sentence takes it back.
"""

from __future__ import annotations

import re

from ragtally.parsing.labels import Labels, Opening
from ragtally.parsing.prose import sentences_of

# fmt: off
# Words that answer a question and do nothing else at the start of a sentence, whatever comes after the comma. Any
# other label may be part of the sentence ("Low, medium and high doses were given").
_PARTICLES = frozenset({
    "yes", "no", "maybe", "perhaps", "ja", "nein", "vielleicht", "oui", "non", "sí", "si", "sì", "não", "да", "нет",
    "tak", "nie",
})
# fmt: on
_REASON = re.compile(r"(?:because|since|as|given|due to|based on|according to|for the reason|weil|da|car|porque)\b")
_SPEAKER = re.compile(r"(?:but |sorry[,.]? )?(?:i\b|as an ai\b|sorry\b|please\b|of course\b|sure\b|let me\b|let's\b)")
_TURN = re.compile(
    r"\W*(?:actually|wait|no,? wait|correction|sorry|hmm+|on reflection|on second thoughts?|rather|or rather|i mean|"
    r"but|however|in fact|therefore|thus|so|then|hence|overall)\b"
)


def explained_answer(labels: Labels, lines: list[str]) -> str | None:
    """Read a text that starts with an answer and goes on to explain it."""
    if not lines:
        return None
    sentences = _whole(sentences_of(lines[0]))
    opening = labels.opening(sentences[0])
    if opening is None or not _explains(opening):
        return None
    later = _later(sentences[1:], lines[1:])
    return None if any(labels.verdicts(sentence) - {opening.choice} for sentence in later) else opening.choice


def taken_back(labels: Labels, choice: str, sentences: list[str], lines: list[str]) -> bool:
    """Say whether what comes after an answer reverses it: `Yes. On reflection, no.`"""
    return any(
        _TURN.match(sentence.casefold()) and labels.verdicts(sentence) - {choice}
        for sentence in _later(sentences, lines)
    )


def _explains(opening: Opening) -> bool:
    explanation = opening.explanation
    # "1, 2" and "A - The trial" are enumerations, "No, 5" is an abbreviation.
    if len(opening.spelling) < 2 or opening.spelling.isdigit() or explanation[:1].isdigit():
        return False
    if not any(map(str.isalpha, explanation)) or explanation.endswith("?") or _SPEAKER.match(explanation):
        return False
    return opening.choice.casefold() in _PARTICLES or bool(_REASON.match(explanation))


def _whole(sentences: list[str]) -> list[str]:
    """Put together what was cut at an abbreviation: `Yes, e.g. statins lowered it.`"""
    whole = sentences[:1]
    for sentence in sentences[1:]:
        if sentence.lstrip()[0].islower():
            whole[-1] = f"{whole[-1]} {sentence}"
        else:
            whole.append(sentence)
    return whole


def _later(sentences: list[str], lines: list[str]) -> list[str]:
    return [*sentences, *(sentence for line in lines for sentence in sentences_of(line))]
