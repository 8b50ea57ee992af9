"""The page in a real browser: every key, HTML that stays text, a second tab, a dead server."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chromium import Chromium
from ragtally.curation.decisions import Decision, DecisionLog
from ragtally.curation.review import Review
from ragtally.curation.server import CurationServer
from sample_examples import SPICE, write_examples

READY = "document.body?.dataset.ready === 'yes' && !document.getElementById('example').hidden"
SAVED = "document.getElementById('saving').textContent === 'all saved'"
FIRST_ANSWER = "[...document.querySelectorAll('.turn.assistant .text')].at(-1).textContent"


class Served:
    """A study whose page is served by a thread of its own, until it is stopped."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder, self.log = folder, DecisionLog(log)
        self.start()

    def start(self, port: int | None = None) -> None:
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        started = threading.Event()

        async def serve() -> None:
            runner, self.address = await CurationServer(Review(self.folder, self.log), "ana").start(self.folder, port)
            started.set()
            await self._stop.wait()
            await runner.cleanup()

        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(serve(),))
        self._thread.start()
        started.wait(10)

    @property
    def port(self) -> int:
        return int(self.address.split(":")[2].split("/")[0])

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)
            self._loop.close()

    def decisions(self) -> list[tuple[str, str]]:
        return [(one.choice, one.example) for one in self.log.read()]


@pytest.fixture(scope="module")
def spicy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results") / "spicy"
    write_examples(folder, 60, spice=SPICE)
    return folder


@pytest.fixture
def served(spicy: Path, tmp_path: Path) -> Iterator[Served]:
    served = Served(spicy, tmp_path / "curation.csv")
    yield served
    served.stop()


@pytest.fixture
def page(browser: Chromium, served: Served) -> Iterator[Chromium]:
    browser.size(1280, 900)
    browser.visit(served.address)
    browser.until(READY)
    yield browser
    # A page with unsaved decisions asks before it is left.
    browser.run("outbox.items.clear(), localStorage.clear()")
    assert browser.run("window.broken ?? null") is None, "something from the data ran as a script"
    assert [url for url in browser.requests if not url.startswith("http://127.0.0.1:")] == []
    browser.send("Page.navigate", url="about:blank")


def shown(page: Chromium) -> str:
    text: str = page.run("document.getElementById('about').textContent.split(' · ').at(-1)")
    return text


def until_shown(page: Chromium, example: str) -> None:
    page.until(f"document.getElementById('about').textContent.endsWith({example!r})")


def order(served: Served) -> list[str]:
    return [row["example"] for row in Review(served.folder, served.log).rows]


def test_every_key_does_what_it_says(page: Chromium, served: Served) -> None:
    first, second, third, fourth, *_ = order(served)
    for key, example, following in (("a", first, second), ("r", second, third), ("u", third, fourth)):
        until_shown(page, example)
        page.press(key)
        until_shown(page, following)
    page.until(SAVED)
    assert served.decisions() == [("accept", first), ("reject", second), ("unsure", third)]
    for back, forth in (("k", "j"), ("ArrowLeft", "ArrowRight")):
        page.press(back)
        until_shown(page, third)
        page.press(forth)
        until_shown(page, fourth)
    # A reason, which keys are typed into and do nothing.
    page.press("c", "j", "r")
    assert page.run("document.getElementById('reason').value") == "jr"
    page.press("Enter", "r")
    page.until(f"{SAVED} && document.getElementById('reason').value === ''")
    assert served.log.read()[-1].reason == "jr"
    assert served.log.read()[-1].seconds is not None
    # Undo takes back the last ones, whatever they were.
    page.press("z")
    until_shown(page, fourth)
    page.press("z")
    until_shown(page, third)
    page.until(SAVED)
    assert served.decisions()[-2:] == [("withdraw", fourth), ("withdraw", third)]
    page.press("/")
    assert page.run("document.activeElement.id") == "words"
    page.press("Escape", "?")
    assert page.run("document.getElementById('help').open")
    page.press("Escape")
    page.run("document.getElementById('help').close()")
    assert page.errors == []


def test_an_edit_is_saved_and_a_draft_is_kept(page: Chromium, served: Served) -> None:
    first, second, *_ = order(served)
    page.press("e")
    page.run("document.activeElement.select()")
    page.type("Better <b>answer</b>")
    page.press("Escape", "j")
    until_shown(page, second)
    assert served.decisions() == []
    page.press("k")
    until_shown(page, first)
    page.press("e", "Ctrl Enter")
    until_shown(page, second)
    page.until(SAVED)
    (decision,) = served.log.read()
    assert decision.choice == "edit"
    assert decision.text is not None
    assert decision.text.turns[-1].text == "Better <b>answer</b>"
    page.press("k")
    until_shown(page, first)
    page.until(f"{FIRST_ANSWER} === 'Better <b>answer</b>'")
    # Who accepts what is shown accepts the edit.
    page.press("a")
    page.until(f"{SAVED}")
    verdict = Review(served.folder, served.log).verdicts().by_example[first]
    assert (verdict.outcome, verdict.text) == ("accepted", decision.text)
    page.press("k")
    page.press("z")
    page.until(SAVED)
    assert served.log.read()[-1].choice == "edit"


def test_html_stays_text(page: Chromium, served: Served) -> None:
    page.until("document.querySelectorAll('.row').length > 5")
    for place in ("#texts", "#ballots", "#passage", "#rows"):
        assert "<img src=x onerror" in page.run(f"document.querySelector({place!r}).textContent")
        assert page.run(f"document.querySelector({place!r}).querySelector('img, script')") is None
    assert page.errors == []


def test_filters_and_bulk_actions(page: Chromium, served: Served) -> None:
    def choose(name: str, value: str) -> int:
        page.run(
            f"{{ const one = document.getElementById({name!r}); one.value = {value!r};"
            " one.dispatchEvent(new Event('change')); }"
        )
        return int(page.run("document.getElementById('count').textContent.split(' ')[0]"))

    rows = Review(served.folder, served.log).rows
    chats = [row["example"] for row in rows if row["kind"] == "chat" and row["generator"] == "big"]
    choose("kind", "chat")
    assert choose("generator", "big") == len(chats)
    page.run("document.querySelector('[data-bulk=accept]').click()")
    assert f"Accept {len(chats)} examples" in page.run("document.getElementById('question').textContent")
    page.run("document.querySelector('#confirm [value=yes]').click()")
    decided = "Object.keys(study.decisions).length === {}"
    page.until(f"{decided.format(len(chats))} && {SAVED}")
    assert sorted(served.decisions()) == sorted(("accept", example) for example in chats)
    assert {one.way for one in served.log.read()} == {"bulk"}
    assert choose("state", "undecided") == 0
    assert page.run("!document.getElementById('empty').hidden")
    choose("generator", "")
    assert choose("state", "accepted") == len(chats)
    page.press("z")
    page.until(f"{decided.format(0)} && {SAVED}")
    assert choose("state", "accepted") == 0
    choose("kind", "")
    assert choose("state", "") == len(rows)
    odds = sum(row["doubt"] == "at odds" for row in rows)
    assert choose("doubt", "at odds") == odds
    choose("doubt", "")
    page.press("/")
    page.type("thing 17?")
    page.until("document.getElementById('count').textContent.startsWith('1 ')")


def test_a_second_tab_loses_nothing(page: Chromium, served: Served) -> None:
    first, second, *_ = order(served)
    with page.tab() as other:
        other.visit(served.address)
        other.until(READY)
        page.press("a")
        until_shown(page, second)
        other.press("r")
        page.press("u")
        for one in (page, other):
            one.until(SAVED)
        assert sorted(served.decisions()) == sorted([("accept", first), ("reject", first), ("unsure", second)])
        page.run("poll()")
        word = "document.getElementById('progress').textContent.startsWith('2 of 60 decided')"
        page.until(word)
        other.run("poll()")
        other.until(word)


@pytest.mark.slow
def test_a_dead_server_loses_nothing(page: Chromium, served: Served) -> None:
    first, second, third, *_ = order(served)
    port = served.port
    page.press("a")
    until_shown(page, second)
    page.until(SAVED)
    # What comes next was fetched before.
    page.until(f"details.has({third!r})")
    served.stop()
    page.press("r")
    until_shown(page, third)
    unsaved = (
        "document.getElementById('saving').textContent.startsWith('{} not saved yet, the server does not answer')"
    )
    page.until(unsaved.format(1))
    page.press("u")
    page.until(unsaved.format(2))
    assert served.decisions() == [("accept", first)]
    served.start(port)
    page.until("document.getElementById('saving').textContent.includes('open the address that it printed')")
    with page.tab() as other:
        other.visit(served.address)
        other.until(f"{READY} && {SAVED}")
        assert served.decisions() == [("accept", first), ("reject", second), ("unsure", third)]
        assert "sent now" in other.run("document.getElementById('notices').textContent")


def test_what_another_person_decided_is_shown(page: Chromium, served: Served) -> None:
    first = order(served)[0]
    digest = Review(served.folder, served.log).texts[first].digest
    served.log.append([Decision(first, "reject", "bob", "2026-11-28T19:00:00Z", digest, reason="<b>bad</b>")])
    page.run("poll()")
    page.until("document.getElementById('decisions').textContent === 'bob: reject, <b>bad</b>'")
    page.press("k", "a")
    page.until(SAVED)
    page.run("go(0)")
    page.until("document.getElementById('decisions').textContent.includes('They disagree')")


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_screen(page: Chromium, width: int) -> None:
    page.size(width, 844)
    page.press("e")
    assert page.run("document.documentElement.scrollWidth") <= width
    page.size(1280, 900)


@pytest.mark.slow
def test_five_thousand_examples_open_in_two_seconds(
    browser: Chromium, tmp_path_factory: pytest.TempPathFactory, record_property: Callable[[str, object], None]
) -> None:
    folder = tmp_path_factory.mktemp("results") / "large"
    write_examples(folder, 5_000, spice=SPICE)
    served = Served(folder, folder / "curation.csv")
    try:
        start = time.monotonic()
        browser.visit(served.address)
        browser.until(READY)
        seconds = time.monotonic() - start
        record_property("seconds", seconds)
        assert browser.run("document.querySelectorAll('.row').length") < 60
        assert seconds < 2
        # Every one at once, and each decision afterwards, stays quick.
        browser.run("document.querySelector('[data-bulk=unsure]').click()")
        browser.run("document.querySelector('#confirm [value=yes]').click()")
        browser.until(f"Object.keys(study.decisions).length === 5000 && {SAVED}", 30)
        assert len(served.log.read()) == 5_000
        start = time.monotonic()
        browser.press("a")
        browser.until(f"outbox.items.size === 0 && {SAVED}")
        assert time.monotonic() - start < 1
        assert len(served.log.read()) == 5_001
    finally:
        browser.run("outbox.items.clear(), localStorage.clear()")
        browser.send("Page.navigate", url="about:blank")
        served.stop()
