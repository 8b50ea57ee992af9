"""The phrases by which a text announces an answer, takes it back, refuses one, or goes on to something else."""

from __future__ import annotations

import re

from ragtally.parsing.labels import BECAUSE
from ragtally.parsing.marks import ANSWER_WORDS, PLACE


def _phrase(pattern: str) -> re.Pattern[str]:
    # A blank stands for white space, so that the phrases can be read.
    return re.compile(pattern.replace("\n    ", "").replace(" ", r"\s+"), re.IGNORECASE)


_WORDS = "|".join((*ANSWER_WORDS, "option|resposta|respuesta", "réponse", "antwort", "risposta", "答え|答案|回答"))
_IS = r"(?:is|would be|should be|must be|has to be|é|es|est|ist|è)\b"
# Before the announcement stands only what leads to it: "Critics claim the answer is yes" claims nothing.
CUE = _phrase(rf"""(?s)[\s*_`~\"'#>|(\[•-]*(?:\d{{1,3}}[.)] [*_]*)?(?:(?:therefore|thus|so|hence|overall|finally
    |in (?:conclusion|summary|short)|to conclude|portanto)[,:]?\s+|(?:based on|given|since|as|{BECAUSE}
    |considering|from|with)\s(?![^,]*\bwhether\b)[^:;?!]{{1,300}}?,\s+){{0,2}}(?:i (?:would )?(?:think|believe
    |conclude) (?:that )?)?(?:(?:(?:the|my|our|a|la|die|o) )?(?P<final>final[\s_]+)?(?:(?:correct|best|right|short
    |most likely) )?(?:{_WORDS})(?:\s*[(\[][^)\]\n]{{0,80}}[)\]]| (?:to|for|here
    |in this case)\b[^:\n]{{0,300}}?)?[*_`~\"')\]]*\s*(?P<sign>(?<!\w){_IS}\s*:?|:|=+>?|->?|→|\|)|i(?: would
    |'d)? (?:answer|say|choose|go with) |is |(?<=,\s))(?:[\s*_`]|[~>](?!\s?\d))*(?:(?:that|clearly|definitely
    |simply|therefore|indeed|thus) )?[\s,]*(?P<value>.*)""")
HEADING = _phrase(rf"[^\w{PLACE}]*(?:(?:the|my) )?((?:final )?)(?:correct )?(?:{_WORDS})(?: is)?[*_`:\s]*")
SENTENCE_END = re.compile(r"(?<=[.!?])[*_`\"')\]]*\s+|(?<=[。！？])")
SPECIAL_TOKEN = re.compile(
    r"(<\|(?:user|human)\|>|\[INST\])|<\|[^|<>]{1,40}\|>|</?s>|<(?:start|end)_of_turn>|<eos>|^\s*(?:```|~~~)[ \w]*$",
    re.I | re.M,
)
STRUCK = re.compile(r"~~[^~\n]*~~|<(s|del|strike)>[^<>]*</\1>|^[ \t*-]*(?:\[ ?\]|\( \)|☐)[^\n]*$", re.I | re.M)
NEXT_QUESTION = _phrase(r"""[\s*#>_-]*(?:(?:next|another|new|follow-up) )?(?:question|q|user|human|context
    |instruction|input|passage|abstract|prompt|problem|exercise)\s*\d*\s*[*_]*\s*(?:[:.)]|$)""")
# Words that answer before any comma; other labels may be parts of sentences ("Low and high doses were given").
PARTICLES = _phrase(r"yes|no|maybe|perhaps|ja|nein|vielleicht|oui|non|sí|si|sì|não|sim|talvez|quizás|да|нет|tak|nie")
# What may follow "yes" and "no" without a comma; "no difference" is part of a sentence.
SUBJECT = _phrase(r"\s*(?:the|this|it|there|they|these|we|he|she|its)\b")
UNDECIDED = _phrase(r"maybe|perhaps|un(?:clear|known|sure|decided)|talvez|vielleicht|peut-être|quizás|\bnot\b|cannot")
# These too are parts of sentences after words other than these: "yes, there was no harm", "sim, pois não houve dano".
NEGATORS = ("no", "não", "non")
BEFORE_PART = _phrase(r"""(?:\b(?:there|it|this|that|which) (?:is|was)|\b(?!(?:and|or|nor|but|is|be|was|to|say
    |answer|label|choice|so|hence|then|with|rather|actually|wait|mas|e|ou|é|pero|y|thus|meant|mean|pick|choose
    |also|now|instead)\b)\w+)\s+$""")
REASON = _phrase(rf"\W*(?:since|as|given|{BECAUSE})\b")
TALK = _phrase(r"\W*(?:but )?(?:sorry|please|of course|sure|let me|let's|i (?:can|will)\b|i'll\b|how can)")
CONDITION = _phrase(r"\W*(?:if|unless|only if|provided|assuming|depending)\b")
NOT = _phrase(r"\W*(?:definitely |certainly )?(?:not|never|neither|no longer)\b")
_BAD = (
    r"(?:\w+ )?(?:incorrect|wrong|mistaken|untrue|false|an? error|not (?:\w+ ){0,2}(?:correct|right|true|answer))\b"
)
WRONG = _phrase(rf"\W*(?:(?:but|which|that|this|it|and) )*(?:(?:is|was|would be|seems) )?{_BAD}|.?[❌✗✘✖🚫]")
NEGATION = _phrase(r"""(?:\b(?:not|never|cannot|wrong|incorrect|false|instead|rather|neither|nor|without|if|unless
    |avoid|refuse|could|may|might|either|whether|or|between)\b|n't\b)[^,;:.]*$|[❌✗✘✖🚫☐].?.?$""")
REFUSAL = _phrase(r"""\b(?:i|we)\s*(?:(?:really|simply|just|also|am) )*(?:can\s?not|can't|could not|couldn't|won't
    |(?:will|would) not|(?:am |'m )?(?:not able|unable) to) (?:\w+ )?(?:answer|say|determine|tell|help|provide
    |give|respond|decide|judge|comment|assist|know|be|offer|make)\b|\b(?:i|we) (?:do not|don't) (?:know|have)\b
    |\bas an ai\b|\bi(?:'m| am) sorry\b|\bbeyond me\b|^\W*sorry\b|\bi (?:refuse|decline)\b|\bnão (?:sei
    |posso responder)\b""")
UNDETERMINED = _phrase(r"""\b(?:this|it|that|question|answer) (?:can\s?not|can't
    |could not) be (?:\w+ )?(?:answered|determined|decided|said|told|known|established|judged)\b|\b(?:not enough
    |insufficient|no) (?:information|context|data|evidence) (?:\w+ ){0,3}to (?:answer|determine|say|decide|tell)\b""")
# A sentence with one of these takes back what was said, whatever it goes on to say.
RETRACTION = _phrase(rf"""(?:^|[.!?]\s)\W*(?:wait|hmm+|hm|oops|correction|apologies|edit|update|revised|no,? wait
    |sorry)\b|\b(?:scratch|strike|ignore|disregard|forget|make|correct) (?:that|this|it|my|the (?:above
    |previous))\b|\b(?:on|upon|after) (?:second thoughts?|reflection|review|reconsideration|thinking more)\b
    |\blooking again\b|\bmy mistake\b|\bchanged my mind\b|\bna verdade\b|\baliás\b|\bpensando melhor\b
    |\bcorrigindo\b|\besper[ae]\b|\berrad[oa]\b|\bme enganei\b|\bi (?:was wrong|was mistaken|made an? (?:mistake
    |error)|retract|withdraw|take (?:that|it|this)|meant?)\b|\bi(?:'m| am) (?:not|no longer|un
    |less)\s?(?:\w+ )?(?:sure|certain|confident)\b|\b(?:let me|i need to|i should|i must|i have to) (?:re-?\w+
    |think|check|look|correct)\b|\b(?:that|this|it|answer(?: above)?|label|choice)\s*(?:is|was|'s|must be
    |seems) {_BAD}|\b(?:that|this|it|answer) (?:isn't|wasn't|cannot be|can't be|could not be) (?:right|correct
    |true)\b""")
# After one of these, any other answer in the sentence counts; else one that ends a clause, or that is announced.
TURN = _phrase(r"\b(?:actually|in fact|rather|instead|i mean|opposite|well)\b")
CLAUSE_END = _phrase(r"""[*_`\"')\]}]*\s*(?:$|[.,;:!?)/|\]]|-+\s|(?:or|and|nor|because|since|given|instead|rather
    |then|but|though|although|too|if|unless|is|was|would|should|seems|it|in|for|here|after)\b)""")
ANNOUNCES = _phrase(rf"(?:(?:{_WORDS})\W+(?:{_IS}\W+)?|(?<!\w)[\"'*`:=]\s*)$")
# A letter or a number is a label only where the sentence treats it as one: "group 2" and "vitamin B" are none.
BEFORE_LABEL = _phrase(r"""(?:^|[.,;:!?(\[\"'*`=/|]|-\s|\b(?:is|be|was|to|or|and|nor|not|say|choose|answer|label
    |choice|meant|mean|with|hence|so|rather|actually|that|then|thus|option|either|between|pick)\b)\W*$""")
