"use strict";
// Everything from the data goes into the page as textContent, so that it stays text.

const ROW_HEIGHT = 54;
const LONGEST_SECONDS = 300; // Somebody who looks away longer does not decide
const POLL_MS = 4000;
const PREFETCH = 3;
const STATE_WORDS = {
  undecided: "", accepted: "accepted", edited: "edited", rejected: "rejected", unsure: "unsure", disputed: "disputed",
};

const $ = (id) => document.getElementById(id);
const make = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined && text !== null) node.textContent = text;
  return node;
};

let study = null; // What the server says of the study: columns, decisions, labels
let view = []; // Rows that the filters leave, in the order of looking at them
let cursor = 0; // Where in the view
let detail = null; // The example on the screen, in full
let shownAt = 0; // Since when it is there, while the page is visible
let shownFor = 0;
let editing = false;
let matches = null; // Rows that a search leaves; null without a search
const details = new Map(); // Promises of examples in full
const drafts = new Map(); // Edits that were begun and not saved
const undoStack = [];

// Decisions wait here until the server has them on disk. The browser keeps them too: a page, a browser or a server
// that ends loses none. One key for each, so that tabs do not overwrite one another.
const outbox = {
  items: new Map(),
  last: new Map(), // Of each example
  prefix: "",
  canStore: true,
  open(prefix) {
    this.prefix = prefix;
    try {
      for (let number = 0; number < localStorage.length; number++) {
        const key = localStorage.key(number);
        if (key.startsWith(prefix)) this.items.set(key, JSON.parse(localStorage.getItem(key)));
      }
    } catch { this.canStore = false; }
    for (const item of this.inOrder()) this.last.set(item.example, item);
  },
  inOrder() {
    return [...this.items.values()].sort((one, other) => (one.at < other.at ? -1 : 1));
  },
  add(decision) {
    const key = `${this.prefix}${decision.at}:${Math.random().toString(36).slice(2)}`;
    const item = { key, ...decision };
    this.items.set(key, item);
    this.last.set(item.example, item);
    try { localStorage.setItem(key, JSON.stringify(item)); } catch { this.canStore = false; }
  },
  remove(key) {
    const example = this.items.get(key)?.example;
    this.items.delete(key);
    if (this.last.get(example)?.key === key) this.last.delete(example);
    try { localStorage.removeItem(key); } catch { this.canStore = false; }
  },
};

let sending = false;
let trouble = ""; // Why decisions are not saved

async function ask(path, options) {
  const response = await fetch(path, options);
  if (!response.ok) {
    const error = new Error(await response.text());
    error.status = response.status;
    throw error;
  }
  return response.json();
}

async function flush() {
  if (sending || !outbox.items.size) return showSaving();
  sending = true;
  try {
    const decisions = outbox.inOrder();
    const body = JSON.stringify({ decisions });
    const answer = await ask("decisions", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    trouble = "";
    for (const key of answer.saved) outbox.remove(key);
    for (const [key, reason] of Object.entries(answer.refused)) {
      const item = outbox.items.get(key);
      notice(`Not saved: ${item.choice} of ${item.example} by ${item.person}: ${reason}. Decide again.`);
      outbox.remove(key);
    }
    Object.assign(study.decisions, answer.decisions);
    for (const [example, state] of Object.entries(answer.decisions)) if (!state) delete study.decisions[example];
    // Where another tab has saved something in between, all is asked for again.
    if (answer.before === study.version) study.version = answer.version;
    study.per_hour = answer.per_hour;
  } catch (error) {
    trouble = error.status === 404
      ? "the server was started again: open the address that it printed, and they are sent from there"
      : error.status ? error.message
        : "the server does not answer: start `ragtally curate` again, and open the address that it prints";
  }
  sending = false;
  refresh();
  if (outbox.items.size) setTimeout(flush, trouble ? 1500 : 0);
}

function showSaving() {
  const count = outbox.items.size;
  const where = outbox.canStore ? "This browser keeps them" : "Leave this page open";
  $("saving").classList.toggle("unsaved", Boolean(count && trouble));
  $("saving").textContent = !count ? "all saved"
    : trouble ? `${count} not saved yet, ${trouble}. ${where}.` : `saving ${count} …`;
}

async function poll() {
  try {
    const answer = await ask(`state?version=${encodeURIComponent(study.version)}`);
    if (answer.decisions) {
      Object.assign(study, answer);
      if (detail && !editing && study.decisions[detail.example]?.digest
          && study.decisions[detail.example].digest !== detail.digest) {
        details.delete(detail.example);
        open(true);
      }
      refresh();
    }
  } catch { /* The next decision says so. */ }
}

// What is decided about a row, with what is not saved yet.

const PENDING = { accept: "accepted", edit: "edited", reject: "rejected", unsure: "unsure", withdraw: "undecided" };

function stateOf(row) {
  const example = study.columns.example[row];
  const pending = outbox.last.get(example);
  return pending ? PENDING[pending.choice] : study.decisions[example]?.word ?? "undecided";
}

const decisionsOf = (example) => study.decisions[example]?.by ?? [];
const isMine = (row) => decisionsOf(study.columns.example[row]).some(([person]) => person === study.person);

function filterRows() {
  const wanted = { kind: $("kind").value, generator: $("generator").value, status: $("status").value };
  const state = $("state").value;
  const doubt = $("doubt").value;
  const { columns } = study;
  view = [];
  for (let row = 0; row < columns.example.length; row++) {
    if (matches && !matches.has(row)) continue;
    if (Object.entries(wanted).some(([name, value]) => value && (columns[name][row] ?? "") !== value)) continue;
    const own = columns.doubt[row];
    if (doubt && (doubt === "doubt" ? own === "agree" || own === "none" : own !== doubt)) continue;
    const word = stateOf(row);
    if (state === "mine" ? !isMine(row) : state && word !== state) continue;
    view.push(row);
  }
}

// A change of the filters makes a new view; a decision does not, so that nothing jumps and `back` goes back.
function applyFilters() {
  const row = view[cursor];
  filterRows();
  cursor = Math.max(0, view.indexOf(row));
  $("list").scrollTop = Math.max(0, cursor - 2) * ROW_HEIGHT;
  refresh();
  open();
}

function refresh() {
  const total = study.columns.example.length;
  const decided = study.columns.example.filter((_, row) => stateOf(row) !== "undecided").length;
  const speed = study.per_hour ? `, ${Math.round(study.per_hour)} decisions per hour` : "";
  const share = total ? Math.floor(100 * decided / total) : 0;
  $("progress").textContent = `${decided} of ${total} decided (${share} %); you are ${study.person}${speed}`;
  const open = view.filter((row) => stateOf(row) === "undecided").length;
  $("count").textContent = `${view.length} here, ${open} of them to be decided`;
  for (const button of document.querySelectorAll("[data-bulk]")) button.disabled = !open;
  drawList();
  drawDecisions();
  showSaving();
}

function drawList() {
  const list = $("list");
  $("rows").style.height = `${view.length * ROW_HEIGHT}px`;
  const first = Math.max(0, Math.floor(list.scrollTop / ROW_HEIGHT) - 4);
  const last = Math.min(view.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW_HEIGHT) + 4);
  const nodes = [];
  for (let place = first; place < last; place++) {
    const row = view[place];
    const node = make("div", "row");
    node.setAttribute("role", "option");
    node.setAttribute("aria-selected", String(place === cursor));
    node.style.top = `${place * ROW_HEIGHT}px`;
    node.append(make("p", "", study.columns.snippet[row]));
    const doubt = study.columns.doubt[row];
    const under = [STATE_WORDS[stateOf(row)], doubt === "none" ? "" : doubt, study.columns.generator[row], study.columns.kind[row].replaceAll("_", " ")];
    node.append(make("p", "under", under.filter(Boolean).join(" · ")));
    node.addEventListener("click", () => go(place));
    nodes.push(node);
  }
  $("rows").replaceChildren(...nodes);
}

function fetchDetail(row) {
  const example = study.columns.example[row];
  if (!details.has(example)) {
    const promise = ask(`examples/${example}`);
    details.set(example, promise);
    promise.catch(() => details.delete(example));
  }
  return details.get(example);
}

async function open(again) {
  const row = view[cursor];
  $("empty").hidden = row !== undefined;
  if (row === undefined) {
    detail = null;
    $("example").hidden = true;
    return;
  }
  let content;
  try {
    content = await fetchDetail(row);
  } catch (error) {
    if (view[cursor] === row) notice(`This example cannot be shown: ${error.status ? error.message : "the server does not answer"}.`);
    return;
  }
  // Somebody who presses keys faster than examples come sees the last one.
  if (view[cursor] !== row || (detail === content && !again)) return;
  detail = content;
  editing = false;
  shownFor = 0;
  shownAt = performance.now();
  draw();
  for (let next = cursor + 1; next <= cursor + PREFETCH && next < view.length; next++) fetchDetail(view[next]).catch(() => {});
}

function draw() {
  const about = [detail.kind.replaceAll("_", " "), detail.generator && `by ${detail.generator}`,
    detail.origin && (detail.round ? `${detail.origin}, round ${detail.round}` : detail.origin),
    detail.status.replaceAll("_", " "), detail.example];
  $("about").textContent = about.filter(Boolean).join(" · ");
  $("example").hidden = false;
  $("editing").hidden = !editing;
  $("actions").hidden = editing;
  drawTexts();
  drawDecisions();
  drawBallots();
  drawPassage();
  $("main").scrollTop = 0;
}

function fields() {
  const { turns, input, label } = detail.text;
  const list = turns.map(([role, text], number) => ({ name: `turn ${number}`, title: role, role, text, before: detail.original.turns[number][1] }));
  if (detail.kind === "instruction") list.splice(list.findIndex((one) => one.role === "user") + 1, 0, { name: "input", title: "input", role: "input", text: input ?? "", before: detail.original.input ?? "" });
  if (label !== null) list.push({ name: "label", title: "label", role: "label", text: label, before: detail.original.label });
  return list;
}

function drawTexts() {
  const draft = drafts.get(detail.example) ?? {};
  const nodes = fields().filter((one) => editing || one.text).map((one) => {
    const box = make("div", `turn ${one.role === "assistant" ? "assistant" : ""}`);
    if (!editing) {
      box.append(make("h3", "", one.title), make("div", "text", one.text));
      if (one.text !== one.before) box.append(make("p", "before", one.before));
      return box;
    }
    const input = make(one.name === "label" ? "select" : "textarea");
    if (one.name === "label") for (const label of study.labels) input.append(new Option(label, label));
    input.dataset.field = one.name;
    input.value = draft[one.name] ?? one.text;
    input.addEventListener("input", () => drafts.set(detail.example, readFields()));
    const title = make("label", "", "");
    title.append(make("h3", "", one.title), input);
    box.append(title);
    return box;
  });
  $("texts").replaceChildren(...nodes);
}

const readFields = () => Object.fromEntries([...document.querySelectorAll("[data-field]")].map((input) => [input.dataset.field, input.value]));

function drawDecisions() {
  if (!detail) return;
  const own = [...outbox.items.values()].filter((item) => item.example === detail.example);
  const lines = decisionsOf(detail.example).map(([person, choice, reason]) => `${person}: ${choice}${reason ? `, ${reason}` : ""}`);
  const word = study.decisions[detail.example]?.word;
  if (word === "disputed") lines.push("They disagree: it counts as unsure until they agree.");
  lines.push(...own.map((item) => `${item.person}: ${item.choice}${item.reason ? `, ${item.reason}` : ""} (not saved yet)`));
  $("decisions").replaceChildren(...lines.map((line) => make("p", "", line)));
}

function drawBallots() {
  const table = make("table");
  const body = make("tbody");
  for (const one of detail.ballots) {
    const row = make("tr");
    const word = one.passed === null ? "not read" : one.passed ? "yes" : "no";
    row.append(make("th", "", one.criterion), make("td", "", one.validator),
      make("td", one.passed === null ? "unread" : word, word), make("td", "", one.error ?? one.reason ?? ""));
    body.append(row);
  }
  table.append(body);
  const reasons = (detail.reasons ?? []).map((reason) => make("p", "", reason));
  $("ballots").replaceChildren(...(detail.ballots.length ? [table] : [make("p", "", "No model has graded this example."), ...reasons]));
}

// The words of the answer within the passage, where it quotes them.
function pieces(text, words) {
  const found = words.length > 2 && words.length < 300 ? text.toLowerCase().indexOf(words.toLowerCase()) : -1;
  if (found < 0) return [document.createTextNode(text)];
  return [text.slice(0, found), make("mark", "", text.slice(found, found + words.length)), text.slice(found + words.length)];
}

function drawPassage() {
  const where = [detail.document, detail.location, detail.end !== null && `characters ${detail.start} to ${detail.end}`];
  $("source").textContent = where.filter(Boolean).join(", ") || "not from a document";
  const { passage } = detail;
  $("passage").hidden = !passage;
  if (!passage) return;
  const answer = detail.text.turns.at(-1)[1].trim().replace(/[.!?]$/, "");
  const core = make("span");
  core.append(...pieces(passage.text, answer));
  $("passage").replaceChildren(make("span", "around", passage.before), core, make("span", "around", passage.after));
  $("passage").scrollTop = 0;
  const mark = $("passage").querySelector("mark") ?? core;
  $("passage").scrollTop = mark.offsetTop - $("passage").offsetTop - 60;
}

// Deciding.

function secondsShown() {
  const seconds = (shownFor + (document.hidden ? 0 : performance.now() - shownAt)) / 1000;
  return Math.round(10 * Math.min(seconds, LONGEST_SECONDS)) / 10;
}

// What is decided at one moment about one example is one decision, sent twice perhaps: so no two moments are the same.
let lastMoment = 0;
function moment() {
  lastMoment = Math.max(Date.now(), lastMoment + 1);
  return new Date(lastMoment).toISOString();
}

function record(row, choice, at, about) {
  const example = study.columns.example[row];
  const mine = decisionsOf(example).find(([person]) => person === study.person);
  outbox.add({
    example, choice, person: study.person, at, text: null, seconds: null, way: "page", reason: null,
    digest: study.decisions[example]?.digest ?? study.columns.digest[row], ...about,
  });
  details.delete(example);
  return { row, example, earlier: mine ? { choice: mine[1], reason: mine[2] } : null };
}

function decide(choice, text) {
  if (!detail) return;
  const row = view[cursor];
  const reason = $("reason").value.trim() || null;
  const earlier = { text: detail.text, digest: detail.digest };
  undoStack.push([{ ...record(row, choice, moment(), { text: text ?? null, reason, seconds: secondsShown(), digest: detail.digest }), ...earlier }]);
  $("reason").value = "";
  drafts.delete(detail.example);
  editing = false;
  next();
  flush();
}

// The next one of the view without a decision; at the end, from the beginning again.
function next() {
  const places = [...view.keys()];
  const place = [...places.slice(cursor + 1), ...places.slice(0, cursor)].find((one) => stateOf(view[one]) === "undecided");
  if (place === undefined) open(true);
  else go(place);
}

function go(place) {
  if (place < 0 || place >= view.length) return;
  cursor = place;
  editing = false;
  const list = $("list");
  const top = cursor * ROW_HEIGHT;
  if (top < list.scrollTop) list.scrollTop = top;
  if (top + ROW_HEIGHT > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW_HEIGHT - list.clientHeight;
  refresh();
  open();
}

function undo() {
  const batch = undoStack.pop();
  if (!batch) return notice("There is nothing to undo on this page.");
  const at = moment();
  for (const { row, earlier, text, digest } of batch) {
    // What the same person had decided before holds again.
    record(row, earlier ? earlier.choice : "withdraw", at, {
      reason: earlier?.reason ?? null, text: earlier?.choice === "edit" ? text : null, way: batch.length > 1 ? "bulk" : "page",
      ...(digest ? { digest } : {}),
    });
  }
  const place = view.indexOf(batch[0].row);
  if (place >= 0) go(place);
  open(true);
  flush();
}

function edit() {
  if (!detail) return;
  editing = true;
  draw();
  const inputs = [...document.querySelectorAll("[data-field]")];
  inputs.filter((one) => one.tagName === "TEXTAREA").at(-1)?.focus();
}

function save() {
  const values = readFields();
  const text = {
    turns: detail.text.turns.map(([role], number) => [role, values[`turn ${number}`].trim()]),
    input: values.input?.trim() || null,
    label: values.label ?? null,
  };
  if (text.turns.some(([, words]) => !words)) return notice("A turn is empty: write it, or reject the example.");
  // A label's example says its label.
  if (detail.kind === "label") text.turns.at(-1)[1] = text.label === detail.text.label ? text.turns.at(-1)[1] : text.label;
  const same = JSON.stringify(text) === JSON.stringify({ ...detail.text, input: detail.text.input || null });
  decide(same ? "accept" : "edit", same ? null : text);
}

function leave() {
  editing = false;
  draw();
}

function bulk(choice) {
  const rows = view.filter((row) => stateOf(row) === "undecided");
  const verb = { accept: "Accept", reject: "Reject", unsure: "Mark as unsure" }[choice];
  $("question").textContent = `${verb} ${rows.length} examples without looking at each? Those that are decided stay as they are.`;
  $("bulk-reason").value = "";
  $("confirm").returnValue = "no";
  $("confirm").showModal();
  $("confirm").onclose = () => {
    if ($("confirm").returnValue !== "yes") return;
    const reason = $("bulk-reason").value.trim() || null;
    const at = moment();
    undoStack.push(rows.map((row) => record(row, choice, at, { reason, way: "bulk" })));
    refresh();
    open(true);
    flush();
  };
}

const notices = [];
function notice(message) {
  const line = make("p", "", message);
  const close = make("button", "", "Close");
  close.type = "button";
  close.addEventListener("click", () => line.remove());
  line.append(" ", close);
  $("notices").append(line);
  notices.push(line);
  while (notices.length > 3) notices.shift().remove();
}

// Keys and buttons.

const ACTIONS = {
  a: () => decide("accept"), r: () => decide("reject"), u: () => decide("unsure"), e: edit, z: undo,
  j: () => go(cursor + 1), ArrowRight: () => go(cursor + 1), k: () => go(cursor - 1), ArrowLeft: () => go(cursor - 1),
  c: () => $("reason").focus(), "/": () => $("words").focus(), "?": () => $("help").showModal(),
};

addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select");
  if (editing && event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); return save(); }
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") { if (editing) leave(); document.activeElement.blur(); return; }
  if (event.target === $("reason") && event.key === "Enter") { event.target.blur(); return; }
  if (typing || editing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const action = ACTIONS[event.key];
  if (!action || !study) return;
  event.preventDefault();
  action();
});

function connect() {
  for (const button of document.querySelectorAll("[data-key]")) {
    button.addEventListener("click", () => { button.blur(); ACTIONS[button.dataset.key](); });
  }
  for (const button of document.querySelectorAll("[data-bulk]")) button.addEventListener("click", () => bulk(button.dataset.bulk));
  for (const id of ["state", "doubt", "status", "kind", "generator"]) $(id).addEventListener("change", (event) => { applyFilters(); event.target.blur(); });
  let searches = 0;
  $("words").addEventListener("input", async () => {
    const number = ++searches;
    const words = $("words").value.trim();
    try {
      const rows = words ? new Set((await ask(`search?terms=${encodeURIComponent(words)}`)).rows) : null;
      if (number !== searches) return;
      matches = rows;
      applyFilters();
    } catch { notice("The server does not answer: the search shows what it showed before."); }
  });
  $("filters").addEventListener("submit", (event) => { event.preventDefault(); document.activeElement.blur(); });
  $("list").addEventListener("scroll", drawList);
  addEventListener("resize", drawList);
  $("help-button").addEventListener("click", () => $("help").showModal());
  $("save").addEventListener("click", save);
  $("cancel").addEventListener("click", leave);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) shownFor += performance.now() - shownAt;
    else { shownAt = performance.now(); poll(); }
  });
  addEventListener("beforeunload", (event) => { if (outbox.items.size) event.preventDefault(); });
  setInterval(poll, POLL_MS);
}

function fill(id, values, words = (value) => value) {
  const names = [...new Set(values.filter((value) => value !== null))].sort();
  for (const name of names) $(id).append(new Option(words(name), name));
  if (names.length < 2) $(id).parentElement.hidden = true;
}

async function start() {
  try {
    study = await ask("index");
  } catch (error) {
    return notice(`The examples cannot be loaded: ${error.message || "the server does not answer"}.`);
  }
  document.title = `${study.study}: curate`;
  $("study").textContent = study.study;
  fill("kind", study.columns.kind, (kind) => kind.replaceAll("_", " "));
  fill("generator", study.columns.generator);
  fill("status", study.columns.status, (status) => status.replaceAll("_", " "));
  outbox.open(`ragtally-curate:${study.log}:`);
  if (outbox.items.size) notice(`${outbox.items.size} decisions that were not saved last time are sent now.`);
  if (study.outdated + study.foreign) {
    notice(`${study.outdated + study.foreign} decisions in the log are about texts that the study no longer has: they count for nothing.`);
  }
  // On a narrow screen the example comes first.
  $("filter-box").open = matchMedia("(min-width: 761px)").matches;
  connect();
  applyFilters();
  flush();
  document.body.dataset.ready = "yes";
}

start();
