"""From a folder of documents to a curated set, by the spec and the commands of `docs/examples.md`."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from command_line import Project, project_in
from model_server.fixture import running_server
from ragtally.curation.decisions import DecisionLog
from ragtally.support.training_forms import read_line
from sample_files import write_docx, write_pdf, write_xlsx

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[1] / "docs" / "examples.md").read_text(encoding="utf-8")
SPEC, CHATS, QUESTIONS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
ANIMALS = ("weasel", "marten", "stoat", "beaver", "polecat", "ermine", "shrew")
CHAT = """\
24/12/2025, 10:15 - Rui: When can one see the otters?
24/12/2025, 10:16 - Ana: At dawn, by river number 9.
25/12/2025, 09:02 - Rui: And the herons?
25/12/2025, 09:05 - Ana: They are in the south until March.
"""
PRICE = "price: {input: 1, output: 2}, retries: 0"
FOLDER = "data/results/faq/examples"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The study after a person has decided about some examples in a sheet."""
    project = project_in(tmp_path_factory.mktemp("faq"))
    write_documents(project)
    with running_server(any_model=True, bad_examples=0.3) as server:
        spec = re.sub(r"model: groq/\S*?([\w.-]+)}", rf"model: openai/\1, api_base: {server.openai}, {PRICE}}}", SPEC)
        dataset, _, chats = CHATS.splitlines(keepends=True)
        spec = re.sub(r"dataset: .*\n", dataset, spec).replace("examples:\n", f"examples:\n{chats}")
        project.write("faq.yaml", spec)
        do(project, "run", "faq.yaml")
        paid = server.counts(keys=False)["requests"]
        do(project, "curate", "faq", "--sheet", "faq.csv", "--person", "ana")
        decide(project.folder / "faq.csv")
        do(project, "curate", "faq", "--read", "faq.csv")
        do(project, "run", "faq.yaml")
        assert server.counts(keys=False)["requests"] == paid
        yield project


def write_documents(project: Project) -> None:
    """A folder as people have it: a file or more of each of five kinds."""
    for number, animal in enumerate(ANIMALS):
        text = (
            f"The {animal} lives by river number {number} and hunts at dawn. It weighs {3 + number} pounds in spring."
        )
        project.write(f"data/raw/faq/docs/{animal}.md", text)
    project.write("data/raw/faq/docs/visitors.txt", CHAT)
    folder = project.folder / "data/raw/faq/docs"
    write_pdf(folder / "otter.pdf", [("The otter fishes at night.",), ("In winter it sleeps under old willows.",)])
    write_docx(folder / "hours.docx")
    write_xlsx(folder / "prices.xlsx", {"Tickets": (("Visitor", "Price in euros"), ("Adult", 9), ("Child", 4.5))})


def do(project: Project, *words: str) -> None:
    outcome = project.ragtally(*words, OPENAI_API_KEY="none")
    assert outcome.code == 0, outcome.err


def decide(path: Path) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    choice, answer, status = (header.index(name) for name in ("decision", "assistant", "status"))
    usable = [row for row in rows if row[status] == "accepted_by_validators"]
    usable[0][choice] = "reject"
    usable[1][choice], usable[1][answer] = "edit", "In the river, in my own words."
    for row in usable[2:6]:
        row[choice] = "accept"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_what_a_person_decided_is_exported(project: Project) -> None:
    log = {one.example: one for one in DecisionLog(project.folder / "data/raw/faq/curation.csv").read()}
    assert len(log) == 6
    examples = pl.read_parquet(project.folder / "data/results/faq/examples.parquet")
    exported = {
        one.id: one
        for path in sorted((project.folder / FOLDER / "chat").glob("*.jsonl"))
        for one in map(read_line, lines(path))
    }
    assert set(exported) == set(examples.filter("included")["example"])
    for example, decision in log.items():
        assert (example in exported) == (decision.choice != "reject")
        if decision.choice == "edit":
            assert exported[example].turns[-1].text == "In the river, in my own words."
    assert {one.generator for one in exported.values()} == {
        "openai/gpt-oss-20b",
        "openai/llama-3.3-70b-versatile",
        None,
    }


def test_every_kind_of_file_is_a_source(project: Project) -> None:
    examples = pl.read_parquet(project.folder / "data/results/faq/examples.parquet")
    documents = pl.read_parquet(project.folder / FOLDER / "documents.parquet")
    texts = dict(documents.select("id", "text").iter_rows())
    places = examples.select("document", "location", "start", "end").unique()
    locations = {document.partition("#")[0].rpartition(".")[2]: location for document, location, *_ in places.rows()}
    assert locations | {"md": None, "txt": None} == {
        "md": None,
        "txt": None,
        "pdf": "page 1 to page 2",
        "docx": "section Öffnungszeiten to section Kontakt",
        "xlsx": "sheet Tickets, row 2 to sheet Tickets, row 3",
    }
    for document, _, start, end in places.iter_rows():
        assert 0 <= start < end <= len(texts[document])
    chats = examples.filter(origin="chat")
    assert sorted(chats["document"]) == ["visitors.txt#2025-12-24", "visitors.txt#2025-12-25"]
    assert chats["generator"].null_count() == 2


def test_the_card_says_how_it_was_made(project: Project) -> None:
    folder = project.folder / "data/results/faq"
    card, text = json.loads((folder / "card.json").read_text()), (folder / "card.md").read_text()
    assert card["expert"]["persons"] == {"ana": 6}
    assert "Licence of the documents: our own" in text
    together = card["validators"][0]
    assert (together["decisions"], together["right"], together["edits"]) == (6, 4, 1)
    # By hand: every token of every call at its price, for each example that is exported.
    cost = card["cost"]
    dollars = (cost["input_tokens"] + 2 * cost["output_tokens"]) / 1e6
    assert cost["dollars"] == pytest.approx(dollars)
    assert cost["dollars_per_included"] == pytest.approx(dollars / card["included"])
    for name, about in card["files"].items():
        assert hashlib.sha256((folder / "examples" / name).read_bytes()).hexdigest() == about["sha256"]


def test_the_set_is_a_dataset_again(project: Project) -> None:
    project.write("questions.yaml", QUESTIONS.replace("split: test", "split: train"))
    do(project, "run", "questions.yaml")
    questions = pl.read_parquet(project.folder / "data/results/faq-questions/questions.parquet")
    assert set(questions["id"]) == {line["id"] for line in lines(project.folder / FOLDER / "chat/train.jsonl")}
