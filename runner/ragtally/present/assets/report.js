// Themes, charts, and tables that can be sorted and narrowed. Everything from the data is set as text.
"use strict";
(() => {
  const root = document.documentElement;
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const charts = read("charts-data");
  const cells = read("cells-data");

  // --- light and dark
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const remembered = () => { try { return localStorage.getItem("ragtally-theme"); } catch { return null; } };
  const setTheme = (theme) => { root.dataset.theme = theme; redraw(); };
  const drawn = new Map();

  document.getElementById("theme").addEventListener("click", () => {
    const theme = root.dataset.theme === "dark" ? "light" : "dark";
    try { localStorage.setItem("ragtally-theme", theme); } catch { /* a page from disk may not remember */ }
    setTheme(theme);
  });
  dark.addEventListener("change", () => { if (!remembered()) setTheme(dark.matches ? "dark" : "light"); });

  // --- charts
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  function look(width) {
    const columns = Math.max(1, Math.min(4, Math.floor(width / 150)));
    const ink = colour("--ink"), soft = colour("--soft"), line = colour("--line");
    const font = getComputedStyle(document.body).fontFamily;
    return {
      background: null, font,
      padding: { left: 10, right: 18, top: 12, bottom: 10 },
      view: { stroke: null },
      axis: { labelColor: soft, titleColor: soft, gridColor: line, domainColor: line, tickColor: line,
              titleFontWeight: "normal", labelFontSize: 12, titleFontSize: 12 },
      legend: { labelColor: ink, titleColor: soft, labelLimit: (width - 80) / columns - 30, orient: "top", titleFontWeight: "normal",
                columns, symbolStrokeWidth: 0, symbolOpacity: 1, labelFontSize: 12, titleFontSize: 12 },
      rule: { color: ink }, tick: { color: ink }, text: { color: ink }, line: { color: colour("--c1") },
      range: { category: ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6"].map(colour) },
    };
  }

  function coloured(specification) {
    // A waterfall has its own meaning of colours: right, lost, gained.
    const copy = structuredClone(specification);
    for (const layer of copy.layer || []) {
      const scale = layer.encoding?.color?.scale;
      if (scale?.scheme) { delete scale.scheme; scale.range = [colour("--right"), colour("--loss"), colour("--gain")]; }
    }
    return copy;
  }

  // The library is read only when a chart comes into sight: the words and tables stand there before.
  function loadVega() {
    if (window.vegaEmbed) return;
    const script = document.createElement("script");
    script.textContent = document.getElementById("vega").textContent;
    document.head.append(script);
  }

  async function draw(place) {
    const name = place.dataset.chart;
    const before = drawn.get(place);
    drawn.set(place, null);
    if (before) before.finalize();
    const options = { actions: false, renderer: "svg", ast: true, config: look(place.clientWidth), tooltip: { theme: root.dataset.theme || "light" } };
    try {
      loadVega();
      drawn.set(place, await window.vegaEmbed(place, coloured(charts[name]), options));
      place.dataset.drawn = root.dataset.theme;
    } catch (error) {
      place.textContent = "This chart could not be drawn; its numbers are in the tables.";
      console.error(error);
    }
  }

  function redraw() { for (const place of drawn.keys()) draw(place); }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
    }
  }, { rootMargin: "300px" });

  // --- tables
  const value = (row, column) => row.cells[column].dataset.order ?? "";

  function compare(one, other) {
    // What has no value stands last, whichever way the table is sorted.
    if (one === "" || other === "") return null;
    const numbers = [Number(one), Number(other)];
    return numbers.every(Number.isFinite) ? numbers[0] - numbers[1] : one.localeCompare(other, "en", { numeric: true });
  }

  function sort(table, column) {
    const heading = table.tHead.rows[0].cells[column];
    const rows = [...table.tBodies[0].rows];
    const numeric = rows.some((row) => row.cells[column].classList.contains("n"));
    const now = heading.getAttribute("aria-sort");
    // Of numbers one mostly wants the largest first.
    const falls = now ? now === "ascending" : numeric;
    const key = (row) => (row.cells[column].dataset.order === undefined && !numeric ? row.cells[column].textContent : value(row, column));
    const keyed = rows.map((row, place) => [key(row), place, row]);
    keyed.sort(([one, first], [other, second]) => {
      const found = compare(one, other);
      if (found === null) return (one === "") - (other === "") || first - second;
      return (falls ? -found : found) || first - second;
    });
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", falls ? "descending" : "ascending");
    table.tBodies[0].append(...keyed.map(([, , row]) => row));
  }

  function narrow(name) {
    const table = document.getElementById(name);
    const typed = document.querySelector(`[data-filter="${name}"]`).value.toLowerCase().split(/\s+/).filter(Boolean);
    const group = document.querySelector(`[data-group="${name}"]`)?.value ?? "";
    let shown = 0;
    const rows = table.tBodies[0].rows;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const fits = (!group || row.dataset.of === group) && typed.every((word) => text.includes(word));
      row.hidden = !fits;
      shown += fits;
    }
    document.querySelector(`[data-shown="${name}"]`).textContent = `${shown} of ${rows.length} rows`;
  }

  for (const table of document.querySelectorAll("main table")) {
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      heading.firstElementChild.addEventListener("click", () => sort(table, column));
    });
  }
  for (const input of document.querySelectorAll("[data-filter], [data-group]")) {
    const name = input.dataset.filter ?? input.dataset.group;
    input.addEventListener("input", () => narrow(name));
    if (input.dataset.filter) narrow(name);
  }

  // --- what does not fit: marked on the screen, made smaller on paper
  const PAPER = 700;  // Pixels of the width of a sheet between its margins, the narrower of A4 and Letter.

  function markScrolling(box) {
    const aside = box.scrollWidth - box.clientWidth > 1, down = box.scrollHeight - box.clientHeight > 1;
    const frame = box.parentElement, hint = frame.parentElement.querySelector(".more");
    frame.classList.toggle("scrolls", aside || down);
    const shade = (name, hidden) => frame.style.setProperty(name, hidden > 1 ? "var(--shade)" : "transparent");
    shade("--before", box.scrollLeft);
    shade("--after", box.scrollWidth - box.clientWidth - box.scrollLeft);
    shade("--below", box.scrollHeight - box.clientHeight - box.scrollTop);
    hint.hidden = !aside && !down;
    hint.textContent = `Scroll ${aside && down ? "→ and ↓" : aside ? "→" : "↓"} for more ${aside ? "columns" : ""}${aside && down ? " and " : ""}${down ? "rows" : ""}.`;
  }

  const resized = new ResizeObserver((entries) => { for (const entry of entries) markScrolling(entry.target); });
  for (const box of document.querySelectorAll(".scroll")) {
    box.addEventListener("scroll", () => markScrolling(box), { passive: true });
    resized.observe(box);
    markScrolling(box);
  }

  // Chromium repeats a table's head on the next sheet only if no button is in it.
  const headings = [...document.querySelectorAll("main th button")].map((button) => {
    const heading = document.createElement("span");
    heading.append(...button.cloneNode(true).childNodes);
    return [button, heading];
  });
  const plainHeadings = () => { for (const [button, heading] of headings) button.replaceWith(heading); };

  function fitPaper() {
    for (const table of document.querySelectorAll("main table")) {
      table.style.width = "min-content";
      const needs = table.offsetWidth;
      table.style.width = "";
      table.style.setProperty("--fit", Math.min(0.8, PAPER / needs).toFixed(3));
    }
  }

  // --- the waterfall of any cell
  const picker = document.getElementById("waterfall-cell");

  function fill({ name, caption, rows }) {
    const body = document.getElementById(name)?.tBodies[0];
    if (!body) return;
    document.getElementById(`${name}-caption`).textContent = caption;
    body.replaceChildren(...rows.map((row) => {
      const made = document.createElement("tr");
      made.append(...row.map((text, column) => {
        const field = document.createElement("td");
        field.textContent = text;
        if (column) field.className = "n";
        return field;
      }));
      return made;
    }));
  }

  if (picker) {
    cells.forEach((cell, number) => picker.append(new Option(`${cell.cell} (${cell.set})`, number)));
    picker.addEventListener("change", () => {
      const cell = cells[Number(picker.value)];
      fill({ name: "bars", caption: "This reader was not measured on gold contexts.", rows: [] });
      cell.tables.forEach(fill);
      const chart = charts["bars-chart"];
      const place = document.querySelector('[data-chart="bars-chart"]');
      if (!chart || !place) return;
      chart.data.values = cell.drawn ?? [];
      const across = chart.layer.find((layer) => layer.encoding.x?.scale)?.encoding.x;
      if (across && cell.axis) { across.scale.domain = cell.axis.domain; across.title = cell.axis.title; }
      draw(place);
    });
  }

  root.dataset.theme = remembered() ?? (dark.matches ? "dark" : "light");
  for (const place of document.querySelectorAll("[data-chart]")) seen.observe(place);
  function drawRest() {
    for (const place of document.querySelectorAll("[data-chart]")) if (!drawn.has(place)) { seen.unobserve(place); draw(place); }
  }

  addEventListener("beforeprint", () => { plainHeadings(); fitPaper(); drawRest(); });
  addEventListener("afterprint", () => { for (const [button, heading] of headings) heading.replaceWith(button); });
  // Printing does not wait for charts: all of them are there soon after the page is read.
  addEventListener("load", () => setTimeout(drawRest, 1500));
})();
