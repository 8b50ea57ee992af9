"""The reasoning that some models write before the answer, between tags."""

from __future__ import annotations

import re

_TAG = re.compile(
    r"<(?P<close>/?)(?:think|thinking|thought|thoughts|reasoning|reflection|scratchpad|analysis)>"
    r"|\[(?P<close_bracket>/?)think\]",
    re.IGNORECASE,
)


def drop_reasoning(text: str) -> str | None:
    """Leave out what stands between `<think>` and `</think>` and the like."""
    # A closing tag without an opening one closes reasoning that the prompt had opened: all before it goes.
    outside: list[str] = []
    depth = start = 0
    for tag in _TAG.finditer(text):
        if tag["close"] or tag["close_bracket"]:
            if depth == 0:
                outside.clear()
            else:
                depth -= 1
            start = tag.end()
        else:
            if depth == 0:
                outside.append(text[start : tag.start()])
            depth += 1
    if depth:
        return None
    outside.append(text[start:])
    return "\n".join(outside)
