"""From raw text to a declared answer: the claims of a text, weighed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from ragtally.parsing.claims import Event, Reason, events
from ragtally.parsing.fold import LOOK_ALIKES, fold
from ragtally.parsing.labels import Labels
from ragtally.parsing.marks import extract_marks
from ragtally.parsing.phrases import STRUCK, UNDECIDED
from ragtally.parsing.reasoning import drop_reasoning

_labels = lru_cache(maxsize=64)(Labels)


class ParseResult(NamedTuple):
    """What a text says."""

    choice: str | None  # One of the declared answers; None for unparsed
    reason: Reason  # How it was read, or why it could not be


def parse(
    text: str,
    answers: Sequence[str],
    options: Mapping[str, str] | None = None,
    answer_key: Collection[str] = (),
    *,
    cut_off: bool = False,
) -> ParseResult:
    """Read a raw answer as one of the declared ones, where it claims that one and no other; never a guess."""
    # Takes time linear in the length of the text. `cut_off`: the model was stopped at the largest number of tokens.
    declared, spellings = tuple(answers), tuple((options or {}).items())
    body = fold(text.replace("&lt;", "<").replace("&gt;", ">"))
    result = _read(body, _labels(declared, spellings, latin=False), answer_key, cut_off)
    if body.isascii() or (latin := body.translate(LOOK_ALIKES)) == body:
        return result
    # Labels in look-alike letters must not go unnoticed, neither as answers nor as contradictions.
    other = _read(latin, _labels(declared, spellings, latin=True), answer_key, cut_off)
    if Reason.UNREADABLE in (result.reason, other.reason):
        return other if result.reason is Reason.UNREADABLE else result
    return result if result.choice == other.choice else ParseResult(None, Reason.CONTRADICTION)


def _read(text: str, labels: Labels, answer_key: Collection[str], cut_off: bool) -> ParseResult:
    body = drop_reasoning(text, cut_off=cut_off)
    if body is None or not body.strip():
        return ParseResult(None, Reason.UNFINISHED if body is None else Reason.EMPTY)
    if choice := labels.read(body):
        return ParseResult(choice, Reason.LABEL)
    visible, crossed_out = STRUCK.subn(" ", body)
    marked, marks = extract_marks(visible, answer_key)
    result = _weigh(list(events(marked, labels, iter(marks))))
    return ParseResult(None, Reason.NEGATED) if crossed_out and result.reason is Reason.UNREADABLE else result


def _weigh(found: list[Event]) -> ParseResult:
    """Decide what claims come to: one, or several that agree, and nothing against them afterwards."""
    claims = [(row, event) for row, event in enumerate(found) if not event.is_doubt]
    strong = [(row, claim) for row, claim in claims if not claim.weak]
    if finals := [row for row, claim in strong if claim.final]:
        strong = [(row, claim) for row, claim in strong if claim.final or row > finals[-1]]
    counting = strong or claims
    # An announcement that cannot be read ("Answer: yes, no or maybe") is overtaken by one that can.
    choices = {claim.choice for _, claim in counting} - {None}
    if not choices or counting[-1][1].choice is None:
        refuses = any(event.reason is Reason.REFUSAL for event in found)
        reason = counting[-1][1].reason if counting else Reason.UNREADABLE
        return ParseResult(None, Reason.REFUSAL if refuses and reason is Reason.UNREADABLE else reason)
    if len(choices) > 1:
        return ParseResult(None, Reason.CONTRADICTION)
    last, claim = counting[-1]
    for row, event in enumerate(found):
        is_later = row > (claims[0][0] if event.reason is Reason.CONTINUATION else last)
        agrees = event.choice == claim.choice or (event.undecided and UNDECIDED.search(claim.choice or ""))
        if event.is_doubt and is_later and not agrees:
            return ParseResult(None, event.reason)
    return ParseResult(claim.choice, claim.reason)
