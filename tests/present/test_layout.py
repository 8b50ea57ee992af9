"""The page as it is seen, on screens and on paper: no text is cut without a mark, none lies on another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from chromium import Chromium

DRAWN = "[...document.querySelectorAll('[data-chart]')].every((place) => place.querySelector('svg'))"
PAPER_WIDTH = 700

# What holds text that is wider than itself, other than what scrolls and says so.
CUT_TEXT = """
[...document.querySelectorAll('header, nav, main, main *')].filter((one) => {
  if (!one.checkVisibility() || one.closest('svg, select, summary') || !one.textContent.trim()) return false;
  if (one.tagName === 'NAV' || getComputedStyle(one).display.startsWith('inline')) return false;
  if (one.classList.contains('scroll') && one.parentElement.classList.contains('scrolls')
      && one.parentElement.parentElement.querySelector('.more').checkVisibility()) return false;
  return one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0;
}).map((one) => `${one.tagName} ${one.id} ${one.className}: ${one.textContent.trim().slice(0, 60)}`)
"""

# Texts of one chart, or of one row of a table, that lie on one another or leave their frame.
OVERLAPS = """
(() => {
  const found = [];
  const meet = (one, other) => Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1.5
    && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 3;
  const compare = (boxes, where) => boxes.forEach(([name, box], number) => {
    for (const [other, another] of boxes.slice(number + 1)) {
      if (meet(box, another)) found.push(`${where}: ${name} and ${other}`);
    }
  });
  for (const place of document.querySelectorAll('[data-chart]')) {
    const frame = place.getBoundingClientRect();
    const texts = [...place.querySelectorAll('svg text')].filter((text) => text.textContent.trim());
    const visible = texts.filter((text) => getComputedStyle(text).opacity !== '0');
    const boxes = visible.map((text) => [text.textContent, text.getBoundingClientRect()]);
    compare(boxes, place.dataset.chart);
    for (const [name, box] of boxes) {
      const leaves = box.left < frame.left - 1 || box.right > frame.right + 1;
      if (leaves) found.push(`${place.dataset.chart}: ${name} leaves it`);
    }
  }
  for (const row of document.querySelectorAll('main tr')) {
    if (!row.checkVisibility()) continue;
    compare([...row.cells].map((cell) => {
      const range = document.createRange();
      range.selectNodeContents(cell);
      return [cell.textContent, range.getBoundingClientRect()];
    }), row.closest('table').id);
  }
  return found;
})()
"""


@pytest.fixture
def opened(browser: Chromium, page: Path) -> Any:
    def at(width: int, medium: str = "") -> Chromium:
        browser.size(width, 900)
        browser.colours("light")
        browser.open(page)
        browser.run("document.getElementById('explorer').scrollIntoView()")
        browser.until("document.getElementById('explorer-view').dataset.ready === 'yes'")
        browser.run("dispatchEvent(new Event('beforeprint'))")
        browser.until(DRAWN)
        browser.colours("light", medium)
        browser.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return browser

    yield at
    browser.colours("light")


@pytest.mark.parametrize(("width", "medium"), [(1280, ""), (390, ""), (PAPER_WIDTH, "print")])
def test_no_text_is_cut_or_lies_on_another(opened: Any, width: int, medium: str) -> None:
    browser = opened(width, medium)
    assert browser.run(CUT_TEXT) == []
    assert browser.run(OVERLAPS) == []
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.errors == []


def test_what_scrolls_says_where_there_is_more(opened: Any) -> None:
    browser = opened(390)
    box = "document.querySelector('#grid-table').closest('.scroll')"
    assert browser.run(f"{box}.scrollWidth > {box}.clientWidth")
    hint = "document.querySelector('#grid-table-box .more')"
    assert browser.run(f"{hint}.checkVisibility()")
    assert "→" in browser.run(f"{hint}.textContent")
    after = f"getComputedStyle({box}.parentElement).getPropertyValue('--after')"
    assert browser.run(after) != "transparent"
    browser.run(f"{box}.scrollLeft = {box}.scrollWidth")
    browser.until(f"{after} === 'transparent'")


def test_paper_has_every_chart_and_whole_tables(opened: Any, tmp_path: Path) -> None:
    browser = opened(PAPER_WIDTH, "print")
    widths = browser.run(
        "[...document.querySelectorAll('main table')].map((table) => table.getBoundingClientRect().right)"
    )
    assert max(widths) <= PAPER_WIDTH
    charts = "[...document.querySelectorAll('[data-chart] svg')].map((svg) => svg.getBoundingClientRect().right)"
    assert max(browser.run(charts)) <= PAPER_WIDTH
    assert not browser.run("document.getElementById('explorer').checkVisibility()")
    browser.run("document.querySelector('#grid-table th').firstElementChild.textContent = 'HEADING'")
    browser.print(tmp_path / "report.pdf")
    sheets = [sheet.extract_text() for sheet in PdfReader(tmp_path / "report.pdf").pages]
    assert sum("HEADING" in sheet for sheet in sheets) > 1
    browser.run("dispatchEvent(new Event('afterprint'))")
    assert browser.run("document.querySelectorAll('#grid-table th > button').length") > 3
