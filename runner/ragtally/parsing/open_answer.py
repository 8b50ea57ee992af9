"""From raw text to an open answer: the text as it is given, without reasoning and announcement, or an abstention."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from ragtally.api import ABSTENTION
from ragtally.parsing.answer import ParseResult
from ragtally.parsing.claims import Reason
from ragtally.parsing.marks import extract_marks
from ragtally.parsing.reasoning import drop_reasoning

_FENCE = re.compile(r"\A\s*(?:```|~~~)\w*\s*\n(.*?)\n?\s*(?:```|~~~)\s*\Z", re.S)
_ANSWER = r"answer|resposta|respuesta|antwort|réponse|risposta|antwoord|答え|答案|回答"
# "Answer:", "**Final answer**:", "A resposta é:"; without a colon only where the answer follows "is".
_ANNOUNCEMENT = re.compile(
    rf"""^[\s*_`\#>-]*(?:(?:so|thus|therefore|portanto|por\s+lo\s+tanto)[,]?\s+)?
    (?:(?:the|my|a|la|die|il|het)\s+)?(?P<final>final\s+)?(?:(?:short|correct)\s+)?(?:{_ANSWER})(?:\s+final)?[*_`]*
    (?:\s+(?:is|é|es|est|ist|è)\b\s*[:：]?|\s*[:：])[*_`]*[ \t]*(?P<value>.*)""",
    re.I | re.M | re.X,
)
# What comes after the answer, under a heading of its own.
_NEXT_PART = re.compile(
    r"^\s*$|^[\s*_`#>-]*(?:explanation|reasoning|rationale|source|evidence|note|passages?|context|question|"
    r"explicação|justificativa|fonte|explicación|justificación|fuente)\b[*_` ]*[:：]",
    re.I | re.M,
)
_QUOTES = {'"': '"', "'": "'", "“": "”", "«": "»", "`": "`", "*": "*", "_": "_"}

# A blank stands for white space.
_ABSTENTIONS = {
    "en": (
        r"i (?:really |simply )?(?:can(?:no|')?t|can not|could not|couldn't|am not able to|am unable to)"
        r" (?:answer|say|tell|determine|find)",
        r"i (?:do not|don't) know",
        r"(?:this|it|the question) (?:can(?:no|')?t|can not) be (?:answered|determined)",
        r"(?:not enough|insufficient|no) information",
        r"(?:the )?(?:given |provided )?(?:passages?|contexts?|texts?|documents?|information)"
        r" (?:do not|does not|don't|doesn't|did not)"
        r" (?:say|mention|contain|provide|state|specify|answer|include|give|tell|indicate)",
        r"cannot answer|unanswerable|not answerable|no answer",
    ),
    "pt": (
        r"(?:eu )?não (?:posso|consigo|sei|é possível|se pode|dá para) (?:responder|dizer|determinar)",
        r"(?:eu )?não sei|sem resposta|(?:a )?pergunta não pode ser respondida",
        r"(?:informação insuficiente|informações insuficientes)|não há (?:informação|informações)",
        r"[oa]s? (?:trechos?|textos?|passagem|passagens|contextos?|documentos?) (?:dad[oa]s? |fornecid[oa]s? )?não"
        r" (?:diz|dizem|menciona|mencionam|contém|contêm|informa|informam|responde|respondem)",
    ),
    "es": (
        r"(?:yo )?no (?:puedo|sé|es posible|se puede) (?:responder|contestar|decir|determinar)",
        r"no lo sé|no sé|sin respuesta|la pregunta no se puede responder",
        r"información insuficiente|no hay (?:suficiente )?información",
        r"(?:el|los|la|las) (?:pasajes?|textos?|contextos?|documentos?|fragmentos?) (?:dados? |proporcionados? )?no"
        r" (?:dice|dicen|menciona|mencionan|contiene|contienen|informa|informan|indica|indican|responde|responden)",
    ),
}
# A text that begins with one of these, and does not go on to answer after all, abstains.
_ABSTENTION_START = re.compile(
    r"\W*(?:(?:sorry|i'm sorry|unfortunately|lo siento|desculpe|infelizmente|lamentablemente)\W+(?:but )?)?"
    rf"(?:{'|'.join(itertools.chain(*_ABSTENTIONS.values()))})\b(?P<rest>.*)|\W*n/a\W*\Z".replace(" ", r"\s+"),
    re.I | re.S,
)
_GOES_ON = re.compile(r"[,;.–—-]\s*(?:but|however|although|mas|porém|no entanto|pero|sin embargo|aunque)\b", re.I)


def parse_open(text: str, answer_key: Collection[str] = (), *, cut_off: bool = False) -> ParseResult:
    """Read a raw answer as the text that it gives for its answer, or as `ABSTENTION`."""
    # `cut_off`: the model was stopped at the largest number of tokens.
    body = drop_reasoning(text.replace("&lt;", "<").replace("&gt;", ">") if "&lt;" in text else text, cut_off=cut_off)
    if body is None or not body.strip():
        return ParseResult(None, Reason.UNFINISHED if body is None else Reason.EMPTY)
    value, reason = _answer_part(body, answer_key)
    answer = _without_quotes(value)
    if not any(map(str.isalnum, answer)):
        return ParseResult(None, Reason.EMPTY)
    return ParseResult(ABSTENTION, Reason.ABSTENTION) if abstains(answer) else ParseResult(answer, reason)


def abstains(answer: str) -> bool:
    """Whether an answer says that the question cannot be answered."""
    match = _ABSTENTION_START.match(answer.replace("’", "'"))
    return match is not None and not _GOES_ON.search(match["rest"] or "")


def _answer_part(body: str, answer_key: Collection[str]) -> tuple[str, Reason]:
    """The part of a reply that is the answer: a key of a JSON object, a mark, what is announced; else all of it."""
    fence = _FENCE.match(body)
    content = fence[1] if fence else body
    if (value := _of_object(content, answer_key)) is not None:
        return value, Reason.JSON
    _, marks = extract_marks(content, answer_key)
    values = [mark for mark in marks if mark.value is not None]
    if chosen := [mark for mark in values if mark.final] or values:
        mark = chosen[-1]
        return mark.value or "", Reason.JSON if mark.is_json else Reason.MARKED
    announcements = [match for match in _ANNOUNCEMENT.finditer(content) if content[match.start("value") :].strip()]
    if chosen_match := [match for match in announcements if match["final"]] or announcements:
        after = content[chosen_match[-1].start("value") :].lstrip()
        end = _NEXT_PART.search(after)
        part = after[: end.start()] if end and end.start() else after
        return part, Reason.ANNOUNCED
    return content, Reason.WHOLE


def _of_object(content: str, answer_key: Collection[str]) -> str | None:
    """The answer of a reply that is a JSON object."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, Mapping):
        return None
    keys = ("answer", "final_answer", *answer_key)
    values = [value[key] for key in keys if key in value]
    return _plain(values[-1]) if values else None


def _plain(value: Any) -> str | None:
    if isinstance(value, list):
        return ", ".join(filter(None, map(_plain, value)))
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return "" if value is None else None
    return str(value)


def _without_quotes(text: str) -> str:
    """A text without white space, quotes and emphasis around all of it."""
    body = text.strip()
    while (
        len(body) > 1
        and _QUOTES.get(body[0]) == body[-1]
        and body[0] not in body[1:-1]
        and body[-1] not in body[1:-1]
    ):
        body = body[1:-1].strip()
    while body.startswith("**") and body.endswith("**") and body.count("**") == 2 and len(body) > 4:
        body = body[2:-2].strip()
    return body
