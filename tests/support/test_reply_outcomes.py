"""Each kind of reply gets the outcome that it deserves."""

from __future__ import annotations

import pytest

from ragtally.api import Call, CallError, Message, Reply
from ragtally.support.reply_outcomes import LONGEST_REPLY, counted_tokens, ending, require_answer, unusable


def call(content: str = "Does it help?") -> Call:
    return Call("r1:0", (Message("user", content),), "measure", 0, None)


def reply(text: str = "yes", finish: str | None = "stop", tokens: int = 50, *, estimated: bool = False) -> Reply:
    return Reply(text, finish, tokens, 2, estimated, 0.1)


@pytest.mark.parametrize("finish", ["stop", "tool_calls", "eos_token", None, "length", "STOP"])
def test_a_text_is_an_answer_however_it_ends(finish: str | None) -> None:
    assert require_answer(call(), reply(finish=finish)) == reply(finish=finish)
    assert unusable(reply(finish=finish)) is None


@pytest.mark.parametrize("finish", ["content_filter", "refusal", "SAFETY", "FinishReason.SAFETY", "sensitive"])
@pytest.mark.parametrize("text", ["", "ye"])
def test_a_refusal_is_kept_and_no_answer(finish: str, text: str) -> None:
    assert require_answer(call(), reply(text, finish)) == reply(text, finish)
    assert unusable(reply(text, finish))


@pytest.mark.parametrize("finish", ["error", "abort", "insufficient_system_resource", "load"])
@pytest.mark.parametrize("text", ["", "ye"])
def test_an_answer_that_breaks_off_is_tried_again_and_billed(finish: str, text: str) -> None:
    with pytest.raises(CallError, match=finish) as caught:
        require_answer(call(), reply(text, finish))
    assert caught.value.retryable
    assert caught.value.tokens == (50, 2)


@pytest.mark.parametrize("instead", ["", "reasoning alone", "a tool call instead of an answer"])
@pytest.mark.parametrize("text", ["", " \n"])
def test_no_text_is_tried_again(text: str, instead: str) -> None:
    with pytest.raises(CallError, match=instead or "no text") as caught:
        require_answer(call(), reply(text), instead)
    assert caught.value.retryable


def test_a_text_that_no_model_writes_is_no_answer() -> None:
    with pytest.raises(CallError, match="larger than 16 MB") as caught:
        require_answer(call(), reply("x" * (LONGEST_REPLY + 1)))
    assert caught.value.retryable


def test_an_answer_that_reasoning_ate_up_is_kept() -> None:
    assert "max_tokens" in str(unusable(require_answer(call(), reply("", "length"), "reasoning alone")))
    assert ending("MAX_TOKENS") == "length"


@pytest.mark.parametrize(
    ("content", "tokens", "cut"),
    [
        ("word " * 6000, 2050, True),
        ("word " * 6000, 5999, True),
        ("word " * 6000, 6000, False),
        ("word " * 6000, 9000, False),
        ("\u4e2d\u6587" * 5000, 2050, True),
        ("\u4e2d\u6587" * 5000, 2600, False),
        ("word " * 100, 60, False),  # no context is so small
        ("word " * 6000, 12, False),
        ("x" * 50_000, 2050, False),
    ],
)
def test_a_prompt_of_which_less_was_read_than_it_has_words_was_cut(content: str, tokens: int, cut: bool) -> None:
    if not cut:
        assert require_answer(call(content), reply(tokens=tokens))
        return
    with pytest.raises(CallError, match="cut") as caught:
        require_answer(call(content), reply(tokens=tokens))
    assert caught.value.reason == "too long"
    assert "num_ctx" in str(caught.value.hint)
    assert require_answer(call(content), reply(tokens=tokens, estimated=True))


@pytest.mark.parametrize(
    ("put_in", "came_out", "counts"),
    [
        (50, 2, (50, 2)),
        (0, 2, (None, 2)),
        (50, 0, (50, None)),
        (None, None, (None, None)),
        (-1, 10**9, (None, None)),
        (True, 2.0, (None, None)),
        (float("inf"), 10**30, (None, None)),
    ],
)
def test_counts_that_cannot_be_true_are_unknown(put_in: object, came_out: object, counts: object) -> None:
    assert counted_tokens(call(), "yes", put_in, came_out) == counts


def test_nothing_came_out_of_an_empty_answer() -> None:
    assert counted_tokens(call(), "", 50, 0) == (50, 0)
