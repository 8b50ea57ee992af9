"""The reasoning that models write before the answer, in the markup of their chat formats."""

from __future__ import annotations

import re

# Whatever stands around the word: <think>, <seed:think>, <|begin_of_thought|>, ◁think▷, <inner_monologue>. Channels:
# <|channel|>analysis<|message|> of gpt-oss, <|channel>thought ... <channel|> and <unused94>thought of Gemma.
_NAME = (
    r"[\w:.▁-]{0,24}(?:think|thought|reasoning|reflect|scratchpad|analysis|monologue|rationale|deliberat|"
    r"(?<![^\W_])cot(?![^\W_])|inner_(?:prefix|suffix))[\w:.▁-]{0,24}"
)
_TOKEN = re.compile(
    rf"""(?P<final><\|channel\|?>\s*(?:final|response|answer)\b[^<\n]{{0,60}}(?:<\|constrain\|>[^<\n]{{0,60}})?
        (?:<\|message\|>)?)
    |(?P<open><\|channel\|?>\s*\w+[^<\n]{{0,60}}(?:<\|message\|>)?|<unused\d+>thought\b)
    |(?P<close><channel\|>|<unused\d+>|[<◁〈⟨]\|?(?:[/\\]{_NAME}|(?:end|stop|close)(?![a-z]){_NAME}|inner_suffix)\|?[>▷〉⟩]
        |\[/(?:think(?:ing)?|reasoning|thoughts?|scratchpad)\])
    |[<◁〈⟨]\|?{_NAME}(?:\s[^<>\n]{{0,60}})?\|?[>▷〉⟩]|\[(?:think(?:ing)?|reasoning|thoughts?|scratchpad)\]""",
    re.IGNORECASE | re.VERBOSE,
)
# Formats whose markup is words, or whose markup a server took out and left the words.
_SPOKEN_OPENING = re.compile(
    r"[\s*#_]*+(?:(?:analysis|commentary)(?:<\|message\|>|(?=[A-Z]))"
    r"|(?i:(?:here is my )?th(?:inking|ought) process)[*_ ]*:)"
)
_SPOKEN_FINAL = re.compile(r"assistantfinal|here is my response\s*:", re.IGNORECASE)
# How models start to think where the prompt has opened the reasoning.
_MUSING = re.compile(r"\s*(?:okay|ok|alright|hmm+|let me|let's|let us|we need to|we must|i need to|the user)\b", re.I)


def drop_reasoning(text: str, *, cut_off: bool = False) -> str | None:
    """Leave out what stands between `<think>` and `</think>` and the like; None where it never ends."""
    # All before a final channel goes, and all before a closing tag for which the prompt held the opening one.
    outside: list[str] = []
    depth = start = 0
    if opening := _SPOKEN_OPENING.match(text):
        finals = list(_SPOKEN_FINAL.finditer(text))
        depth, start = (0, finals[-1].end()) if finals else (1, opening.end())
    for token in _TOKEN.finditer(text, start):
        if token["final"] or (token["close"] and depth == 0):
            outside.clear()
            depth, start = 0, token.end()
        elif token["close"]:
            depth, start = depth - 1, token.end()
        else:
            if depth == 0:
                outside.append(text[start : token.start()])
            depth += 1
    if depth or (cut_off and start == 0 and _MUSING.match(text)):
        return None
    return "\n".join([*outside, text[start:]])
