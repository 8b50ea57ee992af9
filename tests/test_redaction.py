"""Names, telephone numbers and e-mail addresses are replaced everywhere, the same person by the same placeholder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from command_line import in_process
from ragtally.api import DataError
from ragtally.plan import in_order
from ragtally.redaction import Redaction as Redacted
from ragtally.redaction import Redactor, Replacement, check_rules
from ragtally.registry import load_registry
from ragtally.steps import PREPARE
from workbench import Bench


def redact(text: str, *people: str, **rules: Any) -> str:
    return Redactor({"phones": None, **rules}, people).redact(text).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write to Ana.Souza+x@mail.example.com.br, please.", "Write to [e-mail_1], please."),
        ("<a@b.org>, A@B.org; c@b.org", "<[e-mail_1]>, [e-mail_1]; [e-mail_2]"),
        ("mailto:a@b.org?subject=x 'a@b.org'", "mailto:[e-mail_1]?subject=x '[e-mail_1]'"),
        ("jörg@müller.de and 王@例子.公司", "[e-mail_1] and [e-mail_2]"),
        ("5 @ 3 EUR, @home, a@b, a@b.1, x" * 3, "5 @ 3 EUR, @home, a@b, a@b.1, x" * 3),
    ],
)
def test_e_mail_addresses(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ana souza, ANA  SOUZA and Souza, Ana", "[person_1], [person_1] and Souza, Ana"),
        ("Joao disse: João Lima e João-Lima", "Joao disse: [person_1] e [person_1]"),
        ("Anabel and Ana; Ana Souza's", "Anabel and Ana; [person_1]'s"),
        ("Ana. Souza\n\n\n\nAna Souza", "[person_1]\n\n\n\n[person_1]"),
        ("O'Brien told Mr. o\u2019brien", "[person_1] told Mr. [person_1]"),
        ("小王说小王好", "[person_1]说[person_1]好"),
    ],
)
def test_names_in_any_case_and_with_or_without_accents(text: str, expected: str) -> None:
    assert redact(text, "Ana Souza", "João Lima", "O'Brien", "小王") == expected


def test_first_names_of_one_person_and_of_several() -> None:
    people = ("Ana Souza", "Ana Lima", "Rui Melo")
    assert redact("Ana, Rui and Ana Lima", *people, first_names=True) == "[person], [person_1] and [person_2]"
    assert redact("Ana, Rui and Ana Lima", *people) == "Ana, Rui and [person_1]"
    assert redact("Ana Souza", *people, senders=False) == "Ana Souza"


def test_a_text_may_end_within_the_longer_of_two_names() -> None:
    assert redact("Rui Melo. Rui", "Rui Melo", "Rui") == "[person_1]. [person_2]"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b", "c"]), max_size=6), st.lists(st.sampled_from(["a", "a b", "b c", "c c b"]))
)
def test_no_declared_name_is_left(words: list[str], people: list[str]) -> None:
    text = " ".join(words)
    left = f" {redact(text, *people)} "
    assert not [name for name in people if f" {name} " in left and name.count(" ") == 0]
    assert (left.strip() == text) == (not any(f" {name} " in f" {text} " for name in people))


def test_spellings_of_one_person_are_one(tmp_path: Path) -> None:
    names = tmp_path / "people.txt"
    names.write_text("Ana Souza; Aninha ;Souza, Ana\n\nRui Melo\nEva Nada\n", encoding="utf-8")
    redactor = Redactor({"names": str(names), "phones": None}, ["Ana Souza", "Rui"])
    assert redactor.redact("Aninha, Rui, Rui Melo, Ana Souza; Souza, Ana; eva@x.org").text == (
        "[person_1], [person_2], [person_3], [person_1]; [person_1]; [e-mail_1]"
    )
    assert redactor.counts() == {
        "e-mail addresses (1 different), now placeholders": 1,
        "names of people (3 different), now placeholders": 5,
        "names of the list that stand nowhere": 1,
    }


def test_telephone_numbers_are_those_of_the_numbering_plan() -> None:
    pytest.importorskip("phonenumbers")
    text = "Call +55 11 91234-5678 or (11) 91234\u20115678, not 2024-01-31, order 1234567890123, IBAN 12345."
    assert redact(text, phones="BR").startswith("Call [phone_1] or [phone_1], not 2024-01-31, order 1234567890123")
    assert redact(text, phones="international").startswith("Call [phone_1] or (11) 91234")
    assert redact("+55 11 91234-5678: hi", "+55 11 91234-5678", phones="international") == "[phone_1]: hi"
    check_rules({"phones": "DE"})
    with pytest.raises(DataError, match="XX"):
        check_rules({"phones": "XX"})


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.text("ab ", max_size=5), st.text("XY", min_size=1, max_size=9)), max_size=5), st.data())
def test_offsets_follow_the_text(pieces: list[tuple[str, str]], data: st.DataObject) -> None:
    text, replacements = "", []
    for plain, secret in pieces:
        text += plain
        replacements.append(Replacement(len(text), len(text) + len(secret), "[p 1]"))
        text += secret
    text += "end"
    redaction = Redacted(text, replacements)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    whole = [each for each in replacements if each.start < end and start < each.end]
    first = min([start, *(each.start for each in whole)])
    last = max([end, *(each.end for each in whole)])
    expected = text[first:last].replace(" ", "_")
    for each in reversed(whole):
        expected = expected[: each.start - first] + "[p 1]" + expected[each.end - first :]
    own = redaction.text[redaction.start(start) : redaction.end(end)]
    assert own.replace(" ", "_").replace("[p_1]", "[p 1]") == expected
    assert not set("XY") & set(redaction.text)


SPEC = """\
study: secrets
dataset:
  table:
    questions: FOLDER/questions.csv
    columns: {question: Question, references: Answer, evidence: Quote, person: Who}
    documents: FOLDER/docs
    converters: [whatsapp, {grouped_rows: {by: Ticket, people: [Customer]}}]
    redact: {names: FOLDER/people.txt, phones: BR}
readers: {floor: best_sentence}
grid: {chunker: sections, retriever: bm25, top_k: 1, reader: floor}
metrics: [accuracy, recall@1]
"""
SECRETS = ("Ana", "Souza", "Rui", "Melo", "Eva", "91234", "example.org", "Zoe")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    files: Mapping[str, str] = {
        "questions.csv": "Question,Answer,Quote,Who\n"
        "When does Zoe Kern call Ana Souza?,at nine,Zoe Kern calls (11) 91234-5678 at nine,Zoe Kern\n"
        "Who wrote to Rui Melo?,eva@example.org,eva@example.org wrote to Rui Melo,\n",
        "people.txt": "Eva Nunes; Eva\n",
        "docs/WhatsApp Chat with Ana Souza.txt": "31/12/2020 21:15 - Ana Souza: Zoe Kern calls (11) 91234-5678 at "
        "nine\n01/01/2021 08:00 - Zoe Kern: Eva is away\n",
        "docs/crm.csv": "Ticket,Customer,Text\nT-1,Rui Melo,eva@example.org wrote to Rui Melo\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_nothing_declared_is_left_in_what_the_study_works_with(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("phonenumbers")
    bench = Bench(tmp_path, load_registry())
    text = SPEC.replace("FOLDER", str(folder))
    results = bench.run(text)
    (prepare,) = (task for task in in_order(bench.plan(text).goals("prepare")) if task.step is PREPARE)
    entry = bench.store.open(PREPARE.stored_as, prepare.address).folder
    documents, questions, evidence = (
        pl.read_parquet(entry / f"{name}.parquet") for name in ("documents", "questions", "evidence")
    )
    assert documents["id"].to_list() == [
        "WhatsApp Chat with [person_2].txt#2020-12-31", "WhatsApp Chat with [person_2].txt#2021-01-01", "crm.csv#T-1",
    ]  # fmt: skip
    assert documents["section_names"].to_list()[0] == ["message 2020-12-31 21:15 [person_2]"]
    quotes = [documents["text"][row][start:end] for _, row, start, end, _ in evidence.iter_rows()]
    assert quotes == ["[person_1] calls [phone_1] at nine", "[e-mail_1] wrote to [person_3]"]
    assert questions["text"].to_list() == ["When does [person_1] call [person_2]?", "Who wrote to [person_3]?"]
    assert questions["references"].to_list() == [["at nine"], ["[e-mail_1]"]]
    # Outside of the spec's own paths nothing that was written says who it is.
    written = [path for path in (*results.rglob("*"), *entry.rglob("*")) if path.is_file()]
    contents = {
        path: pl.read_parquet(path).write_json().encode() if path.suffix == ".parquet" else path.read_bytes()
        for path in written
    }
    assert not [(path, one) for path, content in contents.items() for one in SECRETS if one.encode() in content]
    shown = in_process(tmp_path, "show", "secrets", "--all", "--results", str(results.parent))
    assert "names of people (4 different), now placeholders" in " ".join(shown.out.split())


def test_other_names_are_other_work_and_other_paths_are_not(folder: Path, tmp_path: Path) -> None:
    bench = Bench(tmp_path, load_registry())
    text = SPEC.replace("FOLDER", str(folder))

    def address(text: str) -> str:
        return next(task for task in in_order(bench.plan(text).goals("prepare")) if task.step is PREPARE).address

    for name, content in (("same.txt", "Eva Nunes; Eva\n"), ("other.txt", "Eva Nunes\n")):
        (tmp_path / name).write_text(content, encoding="utf-8")
    people = f"{folder}/people.txt"
    assert address(text) == address(text.replace(people, str(tmp_path / "same.txt")))
    assert address(text) != address(text.replace(people, str(tmp_path / "other.txt")))
    with pytest.raises(DataError, match="list of names"):
        address(text.replace(people, str(tmp_path / "none.txt")))
