"""A study with open answers from its spec to its tables: graded, compared, exported, and printed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from command_line import in_process
from ragtally.analysis import analyze
from ragtally.analysis.pairwise import CellRef, compare_pairwise
from ragtally.api import RagtallyError
from ragtally.present.explorer import explorer_data
from ragtally.present.grading import abstention_sentence, grading_section
from ragtally.present.show import answer_text
from ragtally.registry import load_registry
from ragtally.results import Results, load_results
from sample_squad import references, write_recorded, write_squad
from workbench import Bench

XQUAD = os.environ.get("RAGTALLY_XQUAD")
SPEC = """\
study: towns
seed: 7
dataset: {squad: {path: FOLDER/squad.json}}
models: {echo: {echo: {words: [Tarn, Ouse, Lune, I cannot answer]}}}
readers:
  floor: best_sentence
  small: {chat: {model: echo, language: pt}}
  people: {recorded: {path: FOLDER/people.jsonl, condition: gold_context}}
grading: {exact: {}, contains: {}}
grid:
  chunker: whole
  retriever: [bm25, random]
  top_k: 1
  reader: [floor, people]
  votes: [1, 3]
controls: [closed_book, gold_context]
metrics: [accuracy, exact_match, token_f1, rouge_l, abstained, coverage, recall@1]
compare: [{baseline: {retriever: bm25}}]
"""
CHAT = SPEC.replace("reader: [floor, people]", "reader: [floor, small]").replace("study: towns", "study: chat")
BM25, RANDOM = (f"whole/{retriever}/top 1/floor/1 vote" for retriever in ("bm25", "random"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("towns")
    write_squad(folder / "squad.json")
    votes = {
        question: [texts[0], f"the {texts[0]}", "?"] if texts else ["I cannot answer", "A monk", "A monk"]
        for question, texts in references().items()
    }
    write_recorded(folder / "people.jsonl", votes)
    return folder


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    return load_results(Bench(folder, load_registry()).run(SPEC.replace("FOLDER", str(folder))))


def row(results: Results, cell: str) -> dict[str, float]:
    return results.cells.filter(results.cells["cell"] == cell).row(0, named=True)


def test_recorded_answers_are_right_by_their_references_and_votes_are_pooled(results: Results) -> None:
    unanswerable = sum(not texts for texts in references().values())
    answerable = len(references()) - unanswerable
    single = row(results, "gold_context/people/1 vote")
    assert (single["accuracy"], single["exact_match"], single["token_f1"]) == (1.0, 1.0, 1.0)
    assert single["abstained"] == pytest.approx(unanswerable / len(references()))
    # Two of three say the same in other words; where nothing can be answered, two of three answer.
    pooled = row(results, "gold_context/people/3 votes")
    assert pooled["coverage"] == 1.0
    assert pooled["accuracy"] == pytest.approx(answerable / len(references()))


def test_the_floor_finds_sentences_in_what_is_retrieved_and_abstains_without(results: Results) -> None:
    unanswerable = sum(not texts for texts in references().values()) / len(references())
    assert row(results, "closed_book/floor/1 vote")["accuracy"] == pytest.approx(unanswerable)
    assert row(results, "closed_book/floor/1 vote")["abstained"] == 1.0
    retrieved, by_chance = row(results, BM25), row(results, RANDOM)
    assert retrieved["accuracy"] > by_chance["accuracy"]
    assert retrieved["exact_match"] < retrieved["token_f1"] < 1


def test_each_answer_stands_beside_its_references_with_who_graded_it(results: Results) -> None:
    answers = results.answers.filter(results.answers["cell"] == "gold_context/people/1 vote")
    expected = references()
    for question, texts, label, grader in answers.select("question", "references", "label", "grader").iter_rows():
        assert (texts, label) == (expected[question], None)
        assert grader == ("exact" if texts else "abstention")
    assert results.questions["references"].to_list() == [expected[one] for one in results.questions["id"]]


def test_the_analysis_has_intervals_tests_and_where_answers_went_but_no_floor_of_one_label(results: Results) -> None:
    analysis = analyze(results)
    cells = analysis.sets["all"].cells
    for metric in ("accuracy", "token_f1", "rouge_l"):
        estimate = cells[BM25].metrics[metric]
        assert estimate.low is not None and estimate.high is not None
        assert estimate.low <= estimate.value <= estimate.high  # type: ignore[operator]
    assert analysis.sets["all"].floors == {}
    assert analysis.metric == "accuracy"
    (family, *_) = analysis.families
    assert family.metric == "accuracy" and family.comparisons
    breakdown = analysis.sets["all"].error_breakdowns[BM25]
    assert sum(breakdown.buckets.values()) == len(references())
    assert breakdown.waterfall is not None


def test_two_cells_are_compared_question_by_question(results: Results) -> None:
    (pair,) = compare_pairwise([(CellRef(results, BM25), CellRef(results, RANDOM))], "token_f1", "all")
    assert pair.common == len(references())


def test_each_vote_is_graded_and_vote_noise_follows(folder: Path, results: Results) -> None:
    pooled = results.answers.filter(results.answers["cell"] == "gold_context/people/3 votes")
    for texts, rights in pooled.select("references", "ballots_right").iter_rows():
        assert rights == ([True, True, None] if texts else [True, False, False])
    analysis = analyze(results)
    unanswerable = sum(not texts for texts in references().values()) / len(references())
    noise = analysis.sets["all"].vote_noise["people"]
    # The first two votes say the same in other words, but where nothing can be answered.
    shares = [noise.other_answer.value, noise.right_once.value, noise.lost.value]
    assert shares == pytest.approx([unanswerable] * 3)


def test_the_page_shows_references_beside_answers_with_the_words_in_common(results: Results) -> None:
    data = explorer_data(results, analyze(results), results.questions["id"].to_list())
    expected = references()
    assert data["questions"]["references"] == list(expected.values())
    cell = data["said"][data["cells"].index("gold_context/people/3 votes")]
    (row,) = (data["questions"]["id"].index(name) for name in expected if expected[name] == ["Tarn"])
    at = cell["question"].index(row)
    assert data["texts"][cell["grader"][at]] == "exact"
    assert cell["votes_right"][at] == [True, True, None]
    nearest, own, others = data["common"][row][cell["verdict"][at]]
    assert (nearest, own, others) == (0, [[0, 4]], [[0, 4]])
    unanswerable = [row for row, texts in enumerate(expected.values()) if not texts]
    assert all(data["common"][row] == {} for row in unanswerable)


def test_who_graded_the_answers_is_counted_and_said(results: Results) -> None:
    unanswerable = sum(not texts for texts in references().values())
    answerable = len(references()) - unanswerable
    (table,) = grading_section(results).tables
    headings = [column.heading for column in table.columns]
    rows = {
        row[0]: dict(zip(headings[1:], (portion.count for portion in row[1:]), strict=True)) for row in table.rows
    }
    assert all(sum(row.values()) == len(references()) for row in rows.values())
    people = rows["gold_context/people/1 vote"]
    assert (people["right by exact"], people["abstains, rightly"]) == (answerable, unanswerable)
    assert rows["closed_book/floor/1 vote"]["abstains, though it can be answered"] == answerable
    assert rows["gold_context/people/3 votes"]["answers what cannot be answered"] == unanswerable
    said = abstention_sentence(results, "closed_book/floor/1 vote", "all")
    assert said == (
        f"Of {unanswerable} questions that cannot be answered it says so of {unanswerable}, and wrongly of"
        f" {answerable} of the other {answerable}."
    )
    text = answer_text(results, analyze(results))
    assert "that cannot be answered it says so of" in " ".join(text.split())


def test_a_language_model_is_asked_for_a_short_answer(folder: Path) -> None:
    bench = Bench(folder, load_registry())
    results = load_results(bench.run(CHAT.replace("FOLDER", str(folder))))
    # The echo says the word of its list that the prompt has most often, else the first.
    answers = results.answers.filter(results.answers["cell"] == "gold_context/small/1 vote")
    assert set(answers["verdict"]) <= {"Tarn", "Ouse", "Lune", "(cannot answer)"}
    assert row(results, "gold_context/small/1 vote")["coverage"] == 1.0


def test_answers_of_one_study_are_read_by_another_without_their_reader(folder: Path, results: Results) -> None:
    for cell in ("gold_context/people/3 votes", BM25):
        words = ("export", "votes", "towns", "--cell", cell, "--out", f"{cell[:4]}.jsonl", "--results", "results")
        assert in_process(folder, *words).code == 0
    people, again = ((folder / name).read_text(encoding="utf-8") for name in ("people.jsonl", "gold.jsonl"))
    assert again == people
    first = json.loads((folder / "whol.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first == {"question": "Arden-0", "vote": 0, "choice": "Arden lies on the river Tarn."}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("best_sentence", "{majority_class: {train: {split: all}}}"), "majority_class chooses among classes"),
        (("token_f1, rouge_l", "macro_f1"), "macro_f1 is of classes"),
        (("squad.json}}", "squad.json, answers: [yes, no]}}"), "reference texts and no labels"),
        (("squad.json}}", "squad.json, answers: closed}}"), "answers"),
        (("language: pt", "prompt: label_only"), "chat chooses among classes"),
        (("exact: {}, contains: {}", "exactly: {}"), "exactly"),
        (("votes: [1, 3]", "votes: [1, 3]\nsample: {balance: true}\ncontrol: []"), "balanced sample"),
    ],
)
def test_what_needs_labels_is_refused(folder: Path, tmp_path: Path, change: tuple[str, str], message: str) -> None:
    text = SPEC.replace("FOLDER", str(folder)).replace(*change)
    with pytest.raises(RagtallyError, match=message):
        Bench(tmp_path, load_registry()).study(text)


CHINESE = """\
study: chinese
dataset: {squad: {path: FOLDER/chinese.json, language: zh}}
readers: {floor: best_sentence}
grading: {contains: {}}
grid:
  chunker: {words: {size: 8}}
  retriever: [bm25, dense: {embedder: {lsa: {dim: null}}}]
  context_words: 6
  reader: floor
metrics: [accuracy, recall@1]
"""


def test_a_language_without_spaces_is_counted_and_searched_by_signs(tmp_path: Path) -> None:
    people = {"北山城": 12, "南海镇": 34, "东湖村": 56}
    texts = [f"{town}在河边。人口是{number}人，有磨坊。" for town, number in people.items()]
    paragraphs = [
        {
            "context": text,
            "qas": [
                {"id": text[:3], "question": f"{text[:3]}在哪里？", "answers": [{"text": "河边", "answer_start": 4}]}
            ],
        }
        for text in texts
    ]
    write_squad(tmp_path / "chinese.json", {"data": [{"paragraphs": paragraphs}]})
    bench = Bench(tmp_path, load_registry())
    text = CHINESE.replace("FOLDER", str(tmp_path))
    (chunker,), (bm25, dense) = (getattr(bench.study(text).grid, axis) for axis in ("chunker", "retriever"))
    assert chunker.parameters["language"] == bm25.parameters["language"] == "zh"
    assert dense.parameters["embedder"].parameters["language"] == "zh"
    assert "language" not in bench.study(text.replace(", language: zh", "")).grid.chunker[0].parameters
    results = load_results(bench.run(text))
    for retriever in ("bm25", "dense"):
        cell = row(results, f"words/{retriever}/6 words/floor/1 vote")
        assert cell["context_mean_words"] == 6
        assert cell["accuracy"] == 1


def test_show_compare_and_report_print_open_studies(results: Results, folder: Path) -> None:
    compare = ("compare", "--study", "towns", BM25, RANDOM)
    for words in (("show", "towns"), ("show", "towns", "--all"), ("report", "towns"), compare):
        outcome = in_process(folder, *words, "--results", str(folder / "results"))
        assert outcome.code == 0, outcome


@pytest.mark.slow
@pytest.mark.skipif(not XQUAD, reason="RAGTALLY_XQUAD names no folder with the data set")
def test_the_floor_of_xquad(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "specs" / "xquad.yaml").read_text(encoding="utf-8")
    results = load_results(Bench(tmp_path, load_registry()).run(text.replace("data/raw/xquad", str(XQUAD))))
    assert row(results, "gold_context/floor/1 vote")["questions"] == 1190
    assert 0.75 < row(results, "gold_context/floor/1 vote")["accuracy"] < 0.85
