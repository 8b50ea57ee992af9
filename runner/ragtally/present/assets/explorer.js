// Single questions: unpacked when they come into sight; everything from the data is set as text.
"use strict";
(() => {
  const view = document.getElementById("explorer-view");
  if (!view) return;

  const make = (tag, text, kind) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };

  async function unpack() {
    const packed = atob(document.getElementById("explorer-data").textContent);
    const bytes = Uint8Array.from(packed, (sign) => sign.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  function open(data) {
    const text = (number) => (number < 0 ? null : data.texts[number]);
    const rows = data.said.map((said) => new Map(said.question.map((question, row) => [question, row])));
    const count = data.questions.id.length;
    const said = (cell, question) => {
      const row = rows[cell].get(question);
      if (row === undefined) return null;
      const of = data.said[cell];
      return { verdict: text(of.verdict[row]), status: text(of.status[row]), bucket: text(of.bucket[row]), number: of.verdict[row],
               grader: of.grader ? text(of.grader[row]) : null, item: of.item ? of.item[row] : null, rights: of.votes_right ? of.votes_right[row] : [],
               ballots: of.ballots[row].map(text), votes: of.votes[row].map(text), errors: of.errors[row].map(text) };
    };

    const isOpen = data.questions.references !== undefined;
    const abstains = (answer) => answer !== null && answer.verdict === data.abstention;
    const inWords = (verdict) => verdict === data.abstention ? "cannot be answered" : verdict;
    const graders = [...new Set(data.said.flatMap((of) => of.grader ?? []))].map(text).filter((name) => name !== null);

    document.getElementById("sample").textContent =
      `A sample of ${data.sampled} of ${data.questions_asked} questions, drawn by the study’s seed; all answers are in answers.parquet.`;

    const labelled = (words, input) => { const label = make("label", words); label.append(input); return label; };
    const search = make("input");
    search.type = "search"; search.id = "explorer-search"; search.placeholder = "words of the question or its id";
    const which = make("select");
    which.id = "explorer-which";
    const choices = [["", "all"], ["differ", "the two cells differ"], ["wrong", "the left cell is not right"], ["unread", "an answer could not be read"]];
    if (data.questions.doubtful.includes(true)) choices.push(["doubtful", "the label is doubtful"]);
    if (isOpen) choices.push(["abstains", "the left cell says that it cannot be answered"]);
    choices.push(...graders.map((name) => [`by ${name}`, `the left cell is graded by ${name}`]));
    for (const [value, words] of choices) which.append(new Option(words, value));
    const question = make("select");
    question.id = "explorer-question"; question.size = 7; question.style.width = "100%";
    const previous = make("button", "← previous"), next = make("button", "next →");
    previous.type = next.type = "button";
    previous.id = "explorer-previous"; next.id = "explorer-next";
    const found = make("span", "", "shown");
    found.setAttribute("role", "status");

    const first = Math.max(0, data.cells.indexOf(data.chosen));
    const picks = [first, data.cells.findIndex((name, cell) => cell !== first && name.startsWith("gold_context"))];
    const pickers = picks.map((pick, side) => {
      const select = make("select");
      select.id = `explorer-cell-${side}`;
      data.cells.forEach((name, cell) => select.append(new Option(name, cell)));
      select.value = String(pick < 0 ? (first + 1) % data.cells.length : pick);
      select.addEventListener("change", refill);
      return select;
    });
    const cell = (side) => Number(pickers[side].value);

    const top = make("div", undefined, "controls");
    top.append(labelled("Search", search), labelled("Show", which), previous, next, found);
    const asked = make("div");
    asked.id = "explorer-asked";
    const sides = pickers.map((picker, side) => {
      const article = make("article");
      article.id = `explorer-side-${side}`;
      // The parts of both cells stand level, however long they are.
      article.append(labelled(side ? "beside" : "cell", picker), ...["verdict", "votes", "passages"].map((part) => make("div", undefined, part)));
      return article;
    });
    const pair = make("div", undefined, "pair");
    if (data.cells.length) pair.append(...sides);
    const legend = data.cells.length ? "Question (the left cell’s mark, then the right one’s: ✓ right, ✗ wrong, ? no answer, – not asked)" : "Question";
    view.replaceChildren(top, labelled(legend, question), asked, pair);

    const isUnread = (answer) => answer !== null && answer.ballots.some((ballot, vote) => ballot === null && answer.votes[vote] !== null);

    function mark(answer) {
      if (answer === null) return "–";
      return { right: "✓", wrong: "✗" }[answer.status] ?? (answer.status || answer.verdict === null ? "?" : "·");
    }

    function title(row) {
      const marks = data.cells.length ? `${[0, 1].map((side) => mark(said(cell(side), row))).join("")} ` : "";
      return `${marks}${data.questions.id[row]} · ${data.questions.text[row]}`;
    }

    function fits(row) {
      const typed = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const words = `${data.questions.id[row]} ${data.questions.text[row]}`.toLowerCase();
      if (!typed.every((word) => words.includes(word))) return false;
      if (which.value === "doubtful") return data.questions.doubtful[row] === true;
      if (!which.value || !data.cells.length) return true;
      const left = said(cell(0), row), right = said(cell(1), row);
      if (which.value === "unread") return isUnread(left) || isUnread(right);
      if (which.value === "abstains") return abstains(left);
      if (which.value.startsWith("by ")) return left !== null && `by ${left.grader}` === which.value;
      if (which.value === "wrong") return left !== null && left.status !== "right";
      return left !== null && right !== null && (left.verdict !== right.verdict || left.status !== right.status);
    }

    function refill() {
      const before = question.value;
      const shown = [...Array(count).keys()].filter(fits);
      question.replaceChildren(...shown.map((row) => new Option(title(row), row)));
      found.textContent = `${shown.length} of ${count} questions`;
      if (shown.length) question.value = shown.includes(Number(before)) && before !== "" ? before : String(shown[0]);
      show();
    }

    function marked(words, marks) {
      // Offsets count characters, JavaScript's strings UTF-16 units.
      const signs = Array.from(words), parts = [];
      let at = 0;
      for (const [start, end] of [...marks].sort((one, other) => one[0] - other[0])) {
        parts.push(signs.slice(at, Math.max(at, start)).join(""), make("mark", signs.slice(Math.max(at, start), end).join("")));
        at = Math.max(at, end);
      }
      return [...parts, signs.slice(at).join("")];
    }

    // An open answer beside the texts that are right, the words that it has in common with the nearest one marked.
    function beside(answer, row) {
      const references = data.questions.references[row];
      const [nearest, own, others] = data.common[row][answer.number] ?? [-1, [], []];
      const said = make("div", undefined, "open"), right = make("div", undefined, "open");
      said.append(make("small", "The answer"));
      if (answer.verdict === null) said.append(make("p", "none", "told"));
      else if (abstains(answer)) said.append(make("p", "It says that the question cannot be answered.", "told"));
      else said.append(make("p"));
      if (answer.verdict !== null && !abstains(answer)) said.lastChild.append(...marked(answer.verdict, own));
      right.append(make("small", references.length > 1 ? "Right answers" : "The right answer"));
      references.forEach((reference, number) => {
        const line = make("p");
        line.append(...marked(reference, number === nearest ? others : []));
        right.append(line);
      });
      if (!references.length) right.append(make("p", "The question cannot be answered.", "told"));
      const both = make("div", undefined, "beside");
      both.append(said, right);
      return both;
    }

    // What each judge and each person says of an open answer; a judge's ballots stand one after the other.
    function judged(answer) {
      const judgment = answer.item === null ? undefined : data.judgments[answer.item];
      if (judgment === undefined) return [];
      const votes = judgment.ballots.length / judgment.panel.length;
      const box = make("div", undefined, "open");
      box.append(make("small", "What judges say"));
      judgment.ballots.forEach((ballot, vote) => {
        const why = text(judgment.reasons[vote]) ?? text(judgment.errors[vote]);
        const says = ballot === null ? "no ballot that could be read" : ballot ? "✓ right" : "✗ wrong";
        box.append(make("p", `${judgment.panel[Math.floor(vote / votes)]}: ${says}${why === null ? "" : ` – ${why}`}`));
      });
      judgment.people.forEach((person, number) => {
        const says = { 1: "✓ right", 0: "✗ wrong" }[judgment.grades[number]] ?? "unsure";
        box.append(make("p", `${person} (a person): ${says}`));
      });
      return [box];
    }

    function graded(answer) {
      if (answer.grader === null) return answer.status ?? "not graded";
      if (answer.grader === "abstention") return `${answer.status}, by whether it can be answered`;
      return answer.status === "right" ? `right, by ${answer.grader}` : `${answer.status}: no grader finds it right`;
    }

    function passages(box, side, row) {
      const context = data.context_of[cell(side)];
      const shown = context < 0 ? [] : data.shown[context][row] ?? [];
      box.append(make("h3", "What stood before the reader"));
      if (!shown.length) { box.append(make("p", context < 0 ? "Nothing from ragtally." : "No passage.", "told")); return; }
      shown.forEach((entry, rank) => {
        const [number, marks] = Array.isArray(entry) ? entry : [entry, []];
        const passage = make("div", undefined, "passage");
        passage.tabIndex = 0;
        const source = `${rank + 1}. ${text(data.passages.document[number])}, characters ${data.passages.start[number]} to ${data.passages.end[number]}`;
        passage.append(make("small", marks.length ? `${source}; evidence marked` : source));
        passage.append(...marked(text(data.passages.text[number]), marks));
        box.append(passage);
        const evidence = passage.querySelector("mark");
        if (evidence) passage.scrollTop = evidence.offsetTop - 48;
      });
    }

    function prompt(box, side, row) {
      const messages = data.prompt_of[cell(side)] < 0 ? undefined : data.prompts[data.prompt_of[cell(side)]][row];
      if (!messages) return;
      const details = make("details");
      details.append(make("summary", "The prompt, as it was sent"));
      for (const [role, ...parts] of messages) {
        details.append(make("p", text(role), "told"));
        const words = parts.map((part) => text(Array.isArray(part) ? data.passages.text[part[0]] : part));
        details.append(make("div", words.join(""), "raw"));
      }
      box.append(details);
    }

    function fillSide(side, row) {
      const [verdict, votes, passagesBox] = ["verdict", "votes", "passages"].map((part) => sides[side].querySelector(`.${part}`));
      for (const box of sides[side].querySelectorAll("div")) box.replaceChildren();
      sides[side].className = "";
      const answer = said(cell(side), row);
      if (answer === null) { verdict.append(make("p", "This cell was not asked this question.", "told")); return; }
      sides[side].className = answer.status === "right" ? "right" : answer.status ? "wrong" : "";
      if (isOpen) verdict.append(make("p", `Graded: ${graded(answer)}`), beside(answer, row), ...judged(answer));
      else verdict.append(make("p", `Verdict: ${answer.verdict ?? "none"} (${answer.status ?? "no label"})`));
      if (answer.bucket) verdict.append(make("p", `Bucket: ${answer.bucket}`, "told"));
      answer.ballots.forEach((ballot, vote) => {
        const error = answer.errors[vote];
        const right = { true: "✓ ", false: "✗ " }[answer.rights[vote]] ?? "";
        votes.append(make("p", `Vote ${vote + 1}: ${right}${inWords(ballot) ?? (error ? "no answer" : "could not be read")}`, "told"));
        if (answer.votes[vote] !== null) votes.append(make("div", answer.votes[vote], "raw"));
        if (error) votes.append(make("div", error, "raw"));
      });
      passages(passagesBox, side, row);
      prompt(passagesBox, side, row);
    }

    const right = (row) => data.questions.references[row].length ? `right: ${data.questions.references[row].join(" / ")}` : "cannot be answered";

    function show() {
      asked.replaceChildren();
      if (question.value === "") { asked.append(make("p", "No question fits.", "empty")); pair.hidden = true; return; }
      pair.hidden = false;
      const row = Number(question.value);
      const doubtful = data.questions.doubtful[row] ? `; the label is doubtful: ${data.questions.doubters.join(" or ")} differ` : "";
      const voters = data.questions.voters[row] === null ? "" : `; most votes on the gold context: ${data.questions.voters[row]}`;
      asked.append(
        make("p", data.questions.text[row], "question"),
        make("p", `${data.questions.id[row]}; ${isOpen ? right(row) : `label: ${data.questions.label[row] ?? "none"}`}${voters}${doubtful}${data.questions.in_base[row] ? "" : "; not in the base"}`, "told"),
      );
      if (data.cells.length) [0, 1].forEach((side) => fillSide(side, row));
    }

    function step(by) {
      const place = question.selectedIndex + by;
      if (place >= 0 && place < question.length) { question.selectedIndex = place; show(); }
    }

    search.addEventListener("input", refill);
    which.addEventListener("change", refill);
    question.addEventListener("change", show);
    previous.addEventListener("click", () => step(-1));
    next.addEventListener("click", () => step(1));
    refill();
    view.dataset.ready = "yes";
  }

  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    unpack().then(open).catch((error) => { view.textContent = `The explorer could not be opened: ${error}`; console.error(error); });
  }, { rootMargin: "400px" });
  view.style.minHeight = "4rem";
  seen.observe(view);
})();
