"""The page in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from chromium import Chromium
from ragtally.analysis import Analysis
from ragtally.results import Results

DRAWN = "[...document.querySelectorAll('[data-chart]')].every((place) => place.querySelector('svg'))"


@pytest.fixture
def opened(browser: Chromium, page: Path) -> Iterator[Chromium]:
    browser.size(1280, 900)
    browser.colours("light")
    browser.open(page)
    yield browser
    assert browser.errors == []
    assert browser.requests == [page.resolve().as_uri()], "the page asked for something"
    assert browser.run("window.broken ?? null") is None, "something from the data ran as a script"


def column(browser: Chromium, table: str, number: int) -> list[str]:
    script = f"[...document.getElementById('{table}').tBodies[0].rows].filter((row) => !row.hidden)"
    found: list[str] = browser.run(f"{script}.map((row) => row.cells[{number}].dataset.order ?? '')")
    return found


def test_all_charts_are_drawn_when_the_page_is_printed(opened: Chromium) -> None:
    opened.run("dispatchEvent(new Event('beforeprint'))")
    opened.until(DRAWN)
    assert opened.run("document.querySelectorAll('[data-chart]').length") >= 6


def test_a_heading_sorts_up_and_down(opened: Chromium, analysis: Analysis) -> None:
    headings = opened.run("[...document.querySelectorAll('#grid-table th')].map((one) => one.textContent)")
    location = headings.index("accuracy")
    press = f"document.querySelectorAll('#grid-table th button')[{location}].click()"
    state = f"document.querySelectorAll('#grid-table th')[{location}].getAttribute('aria-sort')"
    opened.run(press)
    falling = [float(value) for value in column(opened, "grid-table", location)]
    assert opened.run(state) == "descending"
    assert falling == sorted(falling, reverse=True)
    assert len(falling) == sum(cell.kind == "grid" for cell in analysis.sets["all"].cells.values())
    opened.run(press)
    assert opened.run(state) == "ascending"
    assert [float(value) for value in column(opened, "grid-table", location)] == sorted(falling)


def test_typing_narrows_the_grid(opened: Chromium) -> None:
    opened.run(
        "{ const input = document.querySelector('[data-filter=grid-table]'); input.value = 'words(128)/ middle';"
        " input.dispatchEvent(new Event('input')); }"
    )
    last = opened.run("document.querySelectorAll('#grid-table th').length") - 1
    shown = column(opened, "grid-table", last)
    assert shown
    assert all("words(128)" in name and "middle" in name for name in shown)
    assert opened.run("document.querySelector('[data-shown=grid-table]').textContent").startswith(f"{len(shown)} of ")


def test_the_waterfall_shows_the_picked_cell(opened: Chromium, analysis: Analysis) -> None:
    opened.run("document.getElementById('waterfall').scrollIntoView()")
    opened.until("document.querySelector('[data-chart=bars-chart] svg') !== null")
    before = opened.run("document.getElementById('bars').textContent")
    chart = opened.run("document.querySelector('[data-chart=bars-chart] svg').innerHTML")
    opened.run(
        "{ const picker = document.getElementById('waterfall-cell'); picker.value = '3';"
        " picker.dispatchEvent(new Event('change')); }"
    )
    assert opened.run("document.getElementById('waterfall-cell').length") == sum(
        len(set_analysis.error_breakdowns) for set_analysis in analysis.sets.values()
    )
    assert opened.run("document.getElementById('bars').textContent") != before
    picked = opened.run("document.getElementById('waterfall-cell').selectedOptions[0].textContent").rpartition(" (")[
        0
    ]
    assert picked in opened.run("document.getElementById('bars-caption').textContent")
    assert picked in opened.run("document.getElementById('buckets-caption').textContent")
    drawn = "document.querySelector('[data-chart=bars-chart] svg')?.innerHTML"
    opened.until(f"({drawn} ?? {json.dumps(chart)}) !== {json.dumps(chart)}")


def test_the_explorer_shows_questions_votes_and_evidence_side_by_side(opened: Chromium, results: Results) -> None:
    opened.run("document.getElementById('explorer').scrollIntoView()")
    opened.until("document.getElementById('explorer-view').dataset.ready === 'yes'")
    first = results.questions.row(0, named=True)
    assert opened.run("document.getElementById('explorer-asked').firstChild.textContent") == first["question"]
    assert opened.run("document.querySelectorAll('#explorer-side-0 .votes .raw').length") == 3
    marked = opened.run("document.querySelector('#explorer-side-0 mark').textContent")
    context = results.cells.filter(results.cells["cell"] == opened.run(
        "document.getElementById('explorer-cell-0').selectedOptions[0].textContent"
    ))["context"][0]  # fmt: skip
    passage = results.passages.filter(
        (results.passages["context"] == context) & (results.passages["question"] == first["id"])
    ).row(1, named=True)
    assert marked == passage["text"][2:20]
    prompt = results.prompts.filter(
        (results.prompts["context"] == context) & (results.prompts["question"] == first["id"])
    ).row(0, named=True)
    sent = "[...document.querySelectorAll('#explorer-side-0 details .raw')].map((part) => part.textContent)"
    assert opened.run(sent) == prompt["contents"]
    opened.run("document.getElementById('explorer-next').click()")
    assert (
        opened.run("document.getElementById('explorer-asked').firstChild.textContent")
        == results.questions["question"][1]
    )
    worst = len(results.cells) - 1
    opened.run(
        f"{{ const cell = document.getElementById('explorer-cell-0'); cell.value = '{worst}';"
        " cell.dispatchEvent(new Event('change')); }"
    )
    opened.run(
        "{ const which = document.getElementById('explorer-which'); which.value = 'differ';"
        " which.dispatchEvent(new Event('change')); }"
    )
    assert 0 < opened.run("document.getElementById('explorer-question').length") < 12
    verdicts = "[0, 1].map((side) => document.querySelector(`#explorer-side-${side} div > p`).textContent)"
    left, right = opened.run(verdicts)
    assert left != right


def test_light_and_dark_follow_the_system_and_the_button(opened: Chromium) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = opened.run(ground)
    opened.colours("dark")
    opened.until(f"{ground} !== '{light}'")
    opened.run("document.getElementById('theme').click()")
    assert opened.run(ground) == light
    opened.run("localStorage.clear()")


@pytest.mark.parametrize("width", [390, 768])
def test_a_narrow_page_does_not_scroll_sideways(opened: Chromium, width: int) -> None:
    opened.size(width, 844)
    opened.run("dispatchEvent(new Event('beforeprint'))")
    opened.until(DRAWN)
    assert opened.run("document.documentElement.scrollWidth") <= width
