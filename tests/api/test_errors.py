"""An error says what is wrong in text that no terminal obeys."""

from __future__ import annotations

import pytest

from ragtally.api import CallError
from ragtally.api.errors import printable


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\x9b", "\u202e", "\u200b", "\ud800", "\t", "\n"])
def test_a_sign_that_a_terminal_obeys_is_written_as_its_code(sign: str) -> None:
    assert (
        printable(f"a{sign}ü\N{NO-BREAK SPACE}漢")
        == f"a{sign.encode('unicode_escape').decode()}ü\N{NO-BREAK SPACE}漢"
    )


def test_what_a_provider_says_cannot_steer_the_terminal() -> None:
    error = CallError("busy\x1b]0;title\x07\nagain", reason="server", hint="wait\x1b[2J")
    assert str(error) == "busy\\x1b]0;title\\x07\nagain\n  hint: wait\\x1b[2J"
