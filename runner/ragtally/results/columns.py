"""Every result file with its columns and keys, declared once; writing, loading, documentation and tests follow."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from polars.datatypes import DataTypeClass

from ragtally.api import Location, StoreError
from ragtally.store import read_json, read_table, write_csv, write_json, write_result_table

Stage = Literal["prepare", "examples", "train", "label", "bench", "report"]
DataType = pl.DataType | DataTypeClass

_TEXT, _INTEGER, _NUMBER, _BOOLEAN = pl.String, pl.Int64, pl.Float64, pl.Boolean
_TEXTS, _INTEGERS, _BOOLEANS = pl.List(pl.String), pl.List(pl.Int32), pl.List(pl.Boolean)
# What only JSON holds.
_MAPPINGS = pl.List(pl.Struct([]))
# A word in capitals within a name stands for many names.
_PLACEHOLDER = re.compile(r"(?<![A-Za-z])[A-Z]{3,}(?![a-z])")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table or a key of a JSON file; keys within keys are joined by dots."""

    name: str  # A word in capitals stands for many: `ANSWER` for each answer, `METRIC` for each printed metric
    type: DataType | None  # None for any type
    meaning: str
    optional: bool = False  # Whether some studies have no such column

    @property
    def fixed(self) -> bool:
        """Whether it is one column and not a pattern of many."""
        return _PLACEHOLDER.search(self.name) is None

    def matches(self, name: str) -> bool:
        """Whether a name is its own, or one of those that its pattern stands for."""
        return re.fullmatch(".+".join(map(re.escape, _PLACEHOLDER.split(self.name))), name) is not None


@dataclass(frozen=True)
class ResultFile:
    """A result file: what stands in it, and how it is written and read."""

    name: str
    stage: Stage
    meaning: str
    columns: tuple[Column, ...]

    @cached_property
    def schema(self) -> dict[str, DataType | None]:
        """The types of the columns that the file of every study has, by name."""
        return {column.name: column.type for column in self.columns if column.fixed and not column.optional}

    def column(self, name: str) -> Column:
        """The declaration of a column; fixed names come before patterns, and of these the longest first."""
        candidates = sorted(self.columns, key=lambda column: (not column.fixed, -len(column.name)))
        return next(column for column in candidates if column.matches(name))

    def frame(self, columns: Mapping[str, Any]) -> pl.DataFrame:
        """Columns as a frame of the declared types, in their own order."""
        return pl.DataFrame([self._series(name, values) for name, values in columns.items()])

    def empty(self) -> pl.DataFrame:
        """The columns that every study has, without rows."""
        return self.frame({name: [] for name in self.schema})

    def _series(self, name: str, values: Any) -> pl.Series:
        dtype = self.column(name).type
        if isinstance(values, pl.Series | np.ndarray):
            return pl.Series(name, values).cast(dtype or pl.Series(values).dtype)
        # Parameters of different components may be of different types: they become text.
        return pl.Series(name, list(values), dtype=dtype, strict=dtype is not None)

    def write(self, folder: Path, content: Mapping[str, Any] | pl.DataFrame) -> None:
        """Write the file, whole or not at all."""
        path = folder / self.name
        if isinstance(content, pl.DataFrame):
            content = content.to_dict()
        if path.suffix == ".json":
            write_json(path, content)
        elif path.suffix == ".csv":
            write_csv(path, self.frame(content).to_dict(as_series=False))
        else:
            write_result_table(path, self.frame(content))

    def read(self, folder: Path) -> Any:
        """Read the file: a mapping of JSON, or a frame of the declared types."""
        path = folder / self.name
        if not path.is_file():
            hint = "run the study first: ragtally run SPEC, or dvc repro"
            raise StoreError("there is no such result", location=Location(str(path)), hint=hint)
        if path.suffix == ".json":
            content = read_json(path)
            self._require(path, [name for name, type in self.schema.items() if not _has_key(content, name, type)])
            return content
        frame = self._read_csv(path) if path.suffix == ".csv" else read_table(path)
        self._require(path, [name for name in self.schema if name not in frame.columns])
        return frame

    def _read_csv(self, path: Path) -> pl.DataFrame:
        header = pl.read_csv(path, n_rows=0).columns
        types = {name: column.type for name in header if (column := self.column(name)).type is not None}
        return pl.read_csv(path, schema_overrides=types, infer_schema_length=None)

    def _require(self, path: Path, missing: Sequence[str]) -> None:
        if missing:
            raise StoreError(
                f"another version of ragtally wrote it: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} "
                "missing",
                location=Location(str(path)),
                hint="run the study again, which pays for nothing twice: ragtally run SPEC, or dvc repro",
            )


def _has_key(content: Any, name: str, dtype: DataType | None) -> bool:
    """Whether a JSON value has a key, and a list there if it should; a key below null counts."""
    for key in name.split("."):
        if content is None:
            return True
        if not isinstance(content, Mapping) or key not in content:
            return False
        content = content[key]
    return not isinstance(dtype, pl.List) or content is None or isinstance(content, list)


def _costs(answers: str) -> tuple[Column, ...]:
    return (
        Column("input_tokens", _INTEGER, f"tokens put into models for {answers}, whenever they were "
               "paid, those of a model that ranks passages included; missing where no model is asked, and where a "
               "provider did not tell"),
        Column("output_tokens", _INTEGER, "tokens that came out, reasoning included"),
        Column("dollars", _NUMBER, "US dollars of these answers at the price stated today, those of the questions' "
               "vectors included; missing where a price is unknown"),
        Column("answer_seconds", _NUMBER, "seconds for which the answers kept their models busy; side by side, "
               "calls share them"),
    )  # fmt: skip


_NOT_SCORED = Column("not_scored", _TEXT, "JSON: why scores are missing, by metric")

DATASET = ResultFile("dataset.json", "prepare", "The dataset, and how its questions were narrowed down.", (
    Column("study", _TEXT, "the study's name"),
    Column("dataset", _TEXT, "the dataset component"),
    Column("split", _TEXT, "the split whose questions are asked; null for all"),
    Column("corpus.answers", _TEXTS, "the answers that the dataset has"),
    Column("corpus.splits", _TEXTS, "its splits"),
    Column("corpus.documents", _INTEGER, "how many documents are searched: all, whatever split, answers and sample"),
    Column("corpus.questions", _INTEGER, "how many questions the dataset has"),
    Column("parsers", _MAPPINGS, "where parsers are compared, of each (`parser`): its `documents`; how many quotes "
           "of the sample's questions it has as they are (`verbatim`), but for white space, hyphens and forms of "
           "letters (`normalised`), nearly (`aligned`, the least alike by `least_similarity`) or not at all "
           "(`lost`); of how many questions `with_evidence` it lost all of it (`lost_questions`) or a part "
           "(`lost_in_part`); and what it `left_out`", optional=True),
    Column("corpus.left_out.WHAT", _INTEGER, "how much of the dataset's files was left out of it, by what it is; "
           "absent where nothing was"),
    Column("questions.answers", _TEXTS, "the answers that count; none where answers are open"),
    Column("questions.open", _BOOLEAN, "true where answers are open: texts, compared with references", optional=True),
    Column("questions.sampled_without_reference", _INTEGER, "questions in the sample that cannot be answered, where "
           "answers are open", optional=True),
    Column("questions.language", _TEXT, "the language of open answers", optional=True),
    Column("questions.in_dataset", _INTEGER, "questions of the dataset"),
    Column("questions.in_split", _INTEGER, "of these, in the split"),
    Column("questions.dropped_by_answers", _INTEGER, "of these, dropped because their label is not among `answers`"),
    Column("questions.sampled", _INTEGER, "questions in the sample: those that are asked"),
    Column("questions.sampled_by_class.ANSWER", _INTEGER, "of these, with this gold label"),
    Column("questions.sampled_without_label", _INTEGER, "of these, without a gold label"),
    Column("addresses.prepare", _TEXT, "the dataset's entry in the store"),
    Column("addresses.sample", _TEXT, "the sample's entry in the store"),
))  # fmt: skip

EXAMPLES = ResultFile("examples.parquet", "examples", "One row per example for training, whatever became of it; none "
    "where the study writes none.", (
    Column("example", _TEXT, "its id: the same text from the same place has the same one"),
    Column("kind", _TEXT, "`question_answer`, `instruction`, `chat` or `label`"),
    Column("turns", pl.List(pl.Struct({"role": pl.String, "text": pl.String})), "its messages, the last one the "
           "assistant's"),
    Column("input", _TEXT, "what an instruction is about; null without one"),
    Column("label", _TEXT, "of the kind `label`; null for the others"),
    Column("document", _TEXT, "the document that it comes from; null where there is none"),
    Column("start", pl.Int32, "where its passage starts in the document's text"),
    Column("end", pl.Int32, "where it ends"),
    Column("location", _TEXT, "the passage's place in people's words, as in `page 3`"),
    Column("generator", _TEXT, "the model that wrote it, by its name in the spec; null where no model did"),
    Column("origin", _TEXT, "`generate`, `repair`, `evolve:WAY`, `seed` (the set that was expanded) or `chat`"),
    Column("parent", _TEXT, "the example that it is a version of"),
    Column("round", pl.Int16, "the round of repairing or evolving; 0 for what came first"),
    Column("status", _TEXT, "`accepted_by_validators`, `not_validated`, `rejected`, `undecided`, `duplicate` or "
           "`leaks_test_question`"),
    Column("reasons", _TEXTS, "what the validators said against it"),
    Column("duplicate_of", _TEXT, "the example or the test question that it repeats"),
    Column("expert", _TEXT, "what people decided: `accepted`, `edited`, `rejected`, `unsure`, or `disputed` where "
           "they disagree; null where nobody decided"),
    Column("experts", _TEXTS, "who decided"),
    Column("expert_reasons", _TEXTS, "why, as `PERSON: reason`"),
    Column("one_by_one", _BOOLEAN, "whether somebody looked at this very one; false for what was decided in bulk"),
    Column("edited_turns", pl.List(pl.Struct({"role": pl.String, "text": pl.String})), "its messages after an edit; "
           "null where it stays as it is"),
    Column("edited_input", _TEXT, "likewise"),
    Column("edited_label", _TEXT, "likewise"),
    Column("included", _BOOLEAN, "whether it is exported"),
    Column("split", _TEXT, "the set that it is in: `train`, `dev` or `test`; null where it is not included"),
))  # fmt: skip

EXAMPLES_SUMMARY = ResultFile("examples.json", "examples", "What people decided about the examples, the sets, "
    "lengths and costs; of a study that writes none, its name alone.", (
    Column("study", _TEXT, "the study's name"),
    Column("curate", _TEXT, "the log of decisions", optional=True),
    Column("licence", _TEXT, "of the documents, as the spec says it", optional=True),
    Column("documents.all", _INTEGER, "documents of the dataset", optional=True),
    Column("documents.with_examples", _INTEGER, "of these, those that an included example comes from", optional=True),
    Column("status.STATUS", _INTEGER, "examples by what the models' part ends with", optional=True),
    Column("included", _INTEGER, "examples that are exported", optional=True),
    Column("expert.decisions", _INTEGER, "decisions in the log", optional=True),
    Column("expert.persons.PERSON", _INTEGER, "by who made them", optional=True),
    Column("expert.per_hour", _NUMBER, "decisions in an hour of work; null where no time was measured",
           optional=True),
    Column("expert.outdated", _INTEGER, "decisions about a text that an example no longer has: they do not count",
           optional=True),
    Column("expert.foreign", _INTEGER, "decisions about examples that the study does not have: likewise",
           optional=True),
    Column("expert.disputed", _TEXTS, "examples on which people disagree; they count as unsure", optional=True),
    Column("split.shares.SET", _NUMBER, "the share that the spec asks for", optional=True),
    Column("split.examples.SET", _INTEGER, "the examples that it has", optional=True),
    Column("split.groups", _INTEGER, "groups that stay together", optional=True),
    Column("split.notes", _TEXTS, "what could not be met", optional=True),
    Column("tokens.tokenizer", _TEXT, "whose tokens are counted; null for an estimate", optional=True),
    Column("tokens.window", _INTEGER, "how many the target reads", optional=True),
    Column("tokens.SET", None, "lengths of the set's examples: `examples`, `median`, `p95`, `most`, `total`, "
           "`over_window`", optional=True),
    Column("cost.input_tokens", _INTEGER, "of all calls that wrote and graded", optional=True),
    Column("cost.output_tokens", _INTEGER, "likewise", optional=True),
    Column("cost.dollars", _NUMBER, "likewise; null where a price is unknown", optional=True),
    Column("cost.dollars_per_included", _NUMBER, "dollars for each exported example", optional=True),
    Column("address", _TEXT, "the export's entry in the store", optional=True),
))  # fmt: skip

EXAMPLES_MANIFEST = ResultFile("examples/manifest.json", "examples", "The files for training, which lie beside it: "
    "`FORM/SET.jsonl` and `.parquet`, `rejected.jsonl`, `documents.parquet`, and what LLaMA-Factory and Axolotl are "
    "told.", (
    Column("form", _TEXT, "what the dataset `curated` reads"),
    Column("counts.FORM.SET.lines", _INTEGER, "lines of the set in this form", optional=True),
    Column("counts.FORM.SET.no_place", _INTEGER, "examples that the form has no place for, as long chats in `alpaca`",
           optional=True),
    Column("files.FILE.bytes", _INTEGER, "how large it is", optional=True),
    Column("files.FILE.sha256", _TEXT, "its hash, as `sha256sum` prints it", optional=True),
))  # fmt: skip

EXAMPLE_BALLOTS = ResultFile("example_ballots.parquet", "examples", "One row per example, validator, vote and "
    "criterion.", (
    Column("example", _TEXT, "the example's id"),
    Column("validator", _TEXT, "the model that graded it, by its name in the spec"),
    Column("criterion", _TEXT, "by what"),
    Column("vote", pl.Int16, "the vote's number from 0"),
    Column("passed", _BOOLEAN, "the vote; null where it could not be read, or the call failed"),
    Column("error", _TEXT, "why there is no vote"),
    Column("reason", _TEXT, "why the validator says so, in its own words"),
))  # fmt: skip

FUNNEL = ResultFile("funnel.csv", "examples", "What became of the examples that models were asked for, and of their "
    "grades; no rows where the study writes none.", (
    Column("generator", _TEXT, "the model that was asked to write, by its name in the spec"),
    Column("step", _TEXT, "`generate`, `repair ROUND` or `evolve ROUND`"),
    Column("row", _TEXT, "`stage`, `loss`, `criterion` or `validator`"),
    Column("name", _TEXT, "of a stage: `asked for`, `returned`, `parsed`, `unique`, `accepted` (by the validators), "
           "`kept` (repeats nothing); of a loss why examples are missing at the next stage; the criterion; the "
           "validator"),
    Column("examples", _INTEGER, "how many; of a criterion those that pass it, of a validator its votes for yes"),
    Column("covered", _INTEGER, "of a criterion the examples with a verdict, of a validator the votes that could be "
           "read; empty for the others"),
    Column("of", _INTEGER, "of how many: the stage before; for a loss the examples asked for; for a criterion all "
           "examples that were graded; for a validator all its votes"),
    Column("dollars", _NUMBER, "US dollars at the price stated today: of writing (`asked for`), of grading "
           "(`accepted`), of both (`kept`); empty for the others, and where a price is unknown"),
))  # fmt: skip

TRAIN = ResultFile("train.json", "train", "The trained readers.", (
    Column("study", _TEXT, "the study's name"),
    Column("models.MODEL.readers", None, "whose model this is: names of readers in the spec, several where they are "
        "one reader"),
    Column("models.MODEL.purpose", _TEXT, "`label` or `measure`: what its vote is cast for; `every` where "
        "it casts them all, since it was fine-tuned by its provider"),
    Column("models.MODEL.split", _TEXT, "the split that this model (reader, purpose and vote) was trained on; of the "
        "study's own examples the set `train`"),
    Column("models.MODEL.examples", _INTEGER, "on how many questions"),
    Column("models.MODEL.examples_by_class.ANSWER", _INTEGER, "of these, with this label"),
    Column("models.MODEL.address", _TEXT, "the model's entry in the store"),
    Column("models.MODEL.training.KEY", None, "what the reader reports of its training: what was chosen (`chosen`), "
        "its own score in cross-validation (`cross_validation`), and how good a model chosen so is by nested "
        "cross-validation (`estimate`); of a model that its provider fine-tuned the tokens trained on, and `dollars` "
        "at the price stated today (null where that is unknown)", optional=True),
    Column("models.MODEL.from", _TEXT, "`base` where it learnt from the base of that split, `examples` where from "
        "the study's own examples", optional=True),
    Column("models.MODEL.curation", _TEXT, "which of the examples: `full`, `validators` or `none`", optional=True),
    Column("models.MODEL.written", _INTEGER, "of how many examples", optional=True),
    Column("models.MODEL.left_out.REASON", _INTEGER, "how many of them it does not learn from, by the first reason "
        "that applies", optional=True),
    Column("models.MODEL.silver_labels", _INTEGER, "how many of the examples had no gold label but the voters' "
        "verdict, where it learnt from the base", optional=True),
))  # fmt: skip

LOSSES = ResultFile("plots/loss.csv", "train", "The losses of readers that tell them while they train, written while "
    "they do; no rows where none does.", (
    Column("model", _TEXT, "the model (reader, purpose and vote)"),
    Column("part", _TEXT, "`train`, the mean since the row before; `dev`, on the examples that tell when to stop"),
    Column("epoch", _NUMBER, "how often the examples were gone through"),
    Column("step", _INTEGER, "how many steps of the optimiser were taken"),
    Column("loss", _NUMBER, "the loss, in nats"),
))  # fmt: skip

VOTERS = ResultFile("voters.csv", "label", "One row per voter and way to decide, on all questions with their gold "
    "contexts.", (
    Column("voter", _TEXT, "the reader's name in the spec"),
    Column("decision", _TEXT, "`vote N` for a single vote, else the rule and how many votes it decides on"),
    Column("questions", _INTEGER, "questions asked"),
    Column("METRIC", _NUMBER, "the score, a share from 0 to 1 (in percent in tables); one column per answer where "
           "the metric has one each: `precision[yes]`"),
    Column("METRIC_denominator", _INTEGER, "how many questions, predictions or ballots the score is a share or mean "
           "of"),
    *_costs("the voter's answers"),
    _NOT_SCORED,
))  # fmt: skip

BASE_TABLE = ResultFile("base.parquet", "label", "The questions of the base; the whole sample where the spec has no "
    "base.", (
    Column("id", _TEXT, "the question"),
    Column("label", _TEXT, "its gold label, or the voters' verdict where it has none"),
    Column("label_kind", _TEXT, "`gold` or `silver`"),
))  # fmt: skip

BASE = ResultFile("base.json", "label", "How the base was selected.", (
    Column("study", _TEXT, "the study's name"),
    Column("funnel.labels", _TEXT, "`gold`, or `silver` where some label is a verdict; `funnel` is null without a "
           "base"),
    Column("funnel.stages.STAGE.questions", _INTEGER, "how many questions are left at each stage: `sample`; "
           "`ballots` (some ballot could be read); `verdict` (the rule decided); `agreement` (with the gold label, "
           "where the spec demands it); `base` (not answered right without context, where the spec excludes those)"),
    Column("funnel.stages.STAGE.by_class.ANSWER", _INTEGER, "of these, with this label (gold, else verdict)"),
    Column("selection.voters.VOTER", _TEXT, "the reader and model that voted; `selection` is null without a base"),
    Column("selection.votes", _INTEGER, "how many votes each cast"),
    Column("selection.rule", _TEXT, "the vote rule"),
    Column("selection.agree_with_gold", _BOOLEAN, "whether the verdict had to be the gold label"),
    Column("selection.exclude_closed_book_right", _TEXTS, "the readers whose right answers without context excluded "
           "a question"),
    Column("readings", _MAPPINGS, "how the voters' answers were read, as in comparisons.json", optional=True),
    Column("address", _TEXT, "the base's entry in the store; the sample's without a base"),
))  # fmt: skip

CELLS = ResultFile("cells.csv", "bench", "One row per cell and set of questions.", (
    Column("cell", _TEXT, "the cell's name: what distinguishes its picks, joined by `/`"),
    Column("description", _TEXT, "what it is in words"),
    Column("kind", _TEXT, "`retrieval` (no reader: a ranking, and in a study without readers what of it fits into "
           "each context), `control`, `fixed` (a reader that answers whatever the passages), `grid`"),
    Column("condition", _TEXT, "what the reader gets: `closed_book`, `gold_context`, `wrong_context`, `retrieved`, "
           "or a fixed reader's own; empty for retrieval"),
    Column("question_set", _TEXT, "`all` questions of the sample, or the `base`"),
    Column("parser", _TEXT, "the converter that read the files that are searched, where parsers are "
           "compared", optional=True),
    Column("parser.PARAMETER", None, "its parameters", optional=True),
    Column("chunker", _TEXT, "the chunker, where something is retrieved"),
    Column("chunker.PARAMETER", None, "its parameters"),
    Column("retriever", _TEXT, "the retriever"),
    Column("retriever.PARAMETER", None, "its parameters, an embedder's as `retriever.embedder.dim`"),
    Column("setup", _TEXT, "the cell's name without its build, where the retriever's index is built several times; "
           "empty for the others", optional=True),
    Column("build", _INTEGER, "which build of the index it searches", optional=True),
    Column("top_k", _INTEGER, "chunks before the reader; empty where words are counted"),
    Column("context_words", _INTEGER, "words of the ranked chunks before the reader; empty where chunks are counted"),
    Column("reader", _TEXT, "the reader's name in the spec"),
    Column("votes", _INTEGER, "votes per question"),
    Column("distinct_votes", _INTEGER, "how many of them can differ: 1 for a reader that always answers the same"),
    Column("rule", _TEXT, "the vote rule"),
    Column("rule.PARAMETER", None, "its parameters"),
    Column("ranking", _TEXT, "the name of the ranking behind the cell"),
    Column("context", _TEXT, "the name of what stood before the reader"),
    Column("note", _TEXT, "what one must know to read the row, such as how many replies ranked nothing"),
    Column("questions", _INTEGER, "questions in the set"),
    Column("METRIC", _NUMBER, "the score, a share from 0 to 1 (in percent in tables); a retrieval metric is that of "
           "the ranking behind the cell, whatever `top_k`; `ann_recall@10` is measured by an approximate index "
           "itself, on all questions; `ann_evidence@k` is the share that it finds, within k, of the chunks with "
           "evidence that an exact search finds there"),
    Column("METRIC_denominator", _INTEGER, "how many questions, predictions or ballots it is a share or mean of"),
    *_costs("the cell's answers on this set of questions"),
    Column("index_dollars", _NUMBER, "US dollars that the vectors of the cell's chunks cost once, as they were paid; "
           "in no other number; missing where none were paid for"),
    Column("context_mean_words", _NUMBER, "mean number of words before the reader", optional=True),
    Column("context_mean_words_denominator", _INTEGER, "over how many questions", optional=True),
    Column("context_document_hit", _NUMBER, "share of questions with a chunk of a right document before the "
           "reader", optional=True),
    Column("context_document_hit_denominator", _INTEGER, "of questions with evidence", optional=True),
    Column("context_evidence", _NUMBER, "mean share of a question's evidence characters before the "
           "reader", optional=True),
    Column("context_evidence_denominator", _INTEGER, "over questions with evidence", optional=True),
    Column("context_evidence_ceiling", _NUMBER, "what the best choice of as many chunks of this size, or of as many "
           "words, could have reached", optional=True),
    Column("context_evidence_ceiling_denominator", _INTEGER, "over questions with evidence", optional=True),
    _NOT_SCORED,
))  # fmt: skip

METRICS = ResultFile("metrics.json", "bench", "The same scores, flat; without those of single classes.", (
    Column("CELL (SET) METRIC", _NUMBER, "the score of a cell on `all` or `base`; null where it is not scored"),
))  # fmt: skip

ANSWERS = ResultFile("answers.parquet", "bench", "One row per question and cell with a reader.", (
    Column("cell", _TEXT, "the cell's name"),
    Column("question", _TEXT, "the question's id"),
    Column("in_base", _BOOLEAN, "whether it is in the base; true for all without one"),
    Column("label", _TEXT, "gold label; silver for a cell that is asked only about a base of silver labels"),
    Column("references", _TEXTS, "where answers are open, the texts that are right; none for a question that cannot "
           "be answered", optional=True),
    Column("verdict", _TEXT, "what the votes come to; null for no verdict; `(cannot answer)` for an open answer that "
           "says so"),
    Column("status", _TEXT, "`right`, `wrong`, `unparsed`, `call failed`, `no verdict`, and of open answers `not "
           "graded`; null without a label"),
    Column("grader", _TEXT, "who graded an open answer: the grader that decided, or `abstention`; null where none "
           "did", optional=True),
    Column("item", _TEXT, "where judges were asked whether the answer is right, its row in judgments.parquet; null "
           "where another grader had decided", optional=True),
    Column("right_by_judges", _TEXT, "what they say: `yes`, `no`, or `no verdict` where their ballots do not decide; "
           "null likewise", optional=True),
    Column("supported_by_judges", _TEXT, "likewise, whether the passages before the reader support the answer; null "
           "without passages, and of one that abstains", optional=True),
    Column("ballots", _TEXTS, "what each vote was read as; null where it could not be read or failed"),
    Column("ballots_right", _BOOLEANS, "whether each vote on an open answer is right; null where it is not "
           "graded", optional=True),
    Column("readings", _TEXTS, "for each vote, by what it was read (`bare label`, `JSON`, `held to a schema`, "
           "`marked answer`, `announced answer`, `answer with its explanation`, `chosen by the reader`, and of open "
           "answers `whole reply`, `says that it cannot answer`) or why it "
           "could not be (`contradiction`, `taken back`, `negated or called wrong`, `refusal`, `unfinished "
           "reasoning`, `goes on with another question`, `the label is another word there`, `empty`, `no "
           "answer among those "
           "declared`); null where there is no answer at all"),
    Column("texts", _TEXTS, "each vote's raw text; null where the reader chose an answer itself, or failed"),
    Column("errors", _TEXTS, "for each vote, why there is no answer at all (a failed call, an answer that reasoning "
           "ate up, no recorded answer); null where there is one"),
    Column("covered_characters", _INTEGER, "characters of the question's evidence before the reader; null for a "
           "reader that gets no context from ragtally"),
    Column("lost_by_parser", _BOOLEAN, "where parsers are compared, whether the text that is searched has none of "
           "the question's evidence, though it has some; null for a cell that searches nothing", optional=True),
    Column("exactly_covered_characters", _INTEGER, "characters of it that would be there if an approximate search "
           "were exact; null for a cell whose search is exact, and where nobody can tell", optional=True),
    *_costs("the question's votes"),
))  # fmt: skip

QUESTIONS = ResultFile("questions.parquet", "bench", "One row per question of the sample.", (
    Column("id", _TEXT, "the question"),
    Column("question", _TEXT, "its words"),
    Column("label", _TEXT, "its gold label; null without one"),
    Column("references", _TEXTS, "where answers are open, the texts that are right", optional=True),
    Column("in_base", _BOOLEAN, "whether it is in the base; true for all without one"),
    Column("evidence_characters", _INTEGER, "characters of its evidence"),
    Column("lost_by_parsers", _TEXTS, "where parsers are compared, those whose text has none of its "
           "evidence", optional=True),
    Column("document_group", pl.Int32, "the same number for questions that share a document, so that they are "
           "resampled together"),
    Column("voters_verdict", _TEXT, "what most ballots of all voters say; null for a tie, or no voters"),
    Column("label_doubtful", _BOOLEAN, "whether the voters or recorded annotators disagree with the label; null "
           "where there is nobody to compare with"),
))  # fmt: skip

RANKINGS = ResultFile("rankings.parquet", "bench", "One row per ranking and question.", (
    Column("ranking", _TEXT, "the ranking"),
    Column("question", _TEXT, "the question's id"),
    Column("METRIC", _NUMBER, "the metric of this question alone; null where it does not apply"),
))  # fmt: skip

PASSAGES = ResultFile("passages.parquet", "bench", "What stood before the readers, for at most 200 questions drawn "
    "by the seed.", (
    Column("context", _TEXT, "the context's name, as in cells.csv"),
    Column("question", _TEXT, "the question's id"),
    Column("rank", pl.Int32, "the passage's rank, from 1"),
    Column("document", _TEXT, "the document's id"),
    Column("start", pl.Int32, "where the passage starts in it"),
    Column("end", pl.Int32, "where it ends"),
    Column("text", _TEXT, "its words"),
    Column("evidence_starts", _INTEGERS, "where evidence of the question starts in the text"),
    Column("evidence_ends", _INTEGERS, "where it ends"),
))  # fmt: skip

PROMPTS = ResultFile("prompts.parquet", "bench", "What language models were asked, word for word, on some of the "
    "questions of passages.parquet.", (
    Column("reader", _TEXT, "the reader's name in the spec"),
    Column("context", _TEXT, "the context's name, as in cells.csv"),
    Column("question", _TEXT, "the question's id"),
    Column("roles", _TEXTS, "who speaks in each message: `system`, `user`, `assistant`"),
    Column("contents", _TEXTS, "what each message says"),
))  # fmt: skip

JUDGMENTS = ResultFile("judgments.parquet", "bench", "What judges say of open answers: one row per answer that they "
    "were asked about, equal answers to a question once; no rows where nobody judges.", (
    Column("item", _TEXT, "the answer: a hash of criterion, question, references, answer and, where that is "
           "asked, passages"),
    Column("criterion", _TEXT, "what was asked: whether it is `right`, or `supported` by the passages"),
    Column("question", _TEXT, "the question's id"),
    Column("answer", _TEXT, "the answer, in the words of the first cell that gave it"),
    Column("context", _TEXT, "the name of the passages that it was compared with; null for `right`"),
    Column("verdict", _BOOLEAN, "what all ballots come to by the rule; null where they do not decide"),
    Column("panel", _TEXTS, "the judges, by their names in the spec"),
    Column("judge_verdicts", _BOOLEANS, "what the ballots of each come to by that rule"),
    Column("ballots", _BOOLEANS, "every ballot, judge after judge; null where it could not be read or failed"),
    Column("reasons", _TEXTS, "the reason of each; null where there is none"),
    Column("errors", _TEXTS, "why there is no reply at all; null where there is one"),
    Column("doubt", _TEXT, "`right` or `wrong` where every ballot says so, else `doubtful`"),
    Column("stratum", _TEXT, "which of these it was when answers were drawn for people; null if it was not there"),
    Column("probability", _NUMBER, "the share of that stratum that people have graded: the probability with which "
           "this answer is among them"),
    Column("people", _TEXTS, "who graded it"),
    Column("grades", pl.List(_NUMBER), "what each says: 1 right, 0 wrong, 0.5 unsure"),
))  # fmt: skip

COMPARISONS = ResultFile("comparisons.json", "bench", "What an analysis must know besides results: which cells are "
    "compared, what the metrics measure, and which models were asked.", (
    Column("select_on", _TEXT, "where the best cell is selected: `all` questions, or the `dev` half"),
    Column("seed", _INTEGER, "the study's seed"),
    Column("metrics", _MAPPINGS, "one entry per metric: its printed `names`; what it `measures` (`answers`, "
           "`retrieval`, or the `context` before a reader); its `unit` (`share`, `number` or `count`); "
           "`higher_is_better` (null where neither is); and the `component` with `version`, `parameters` and "
           "`plugin` module from which the analysis builds it again"),
    Column("answered_elsewhere", _TEXTS, "readers whose answers were made before (recorded, the annotators'): what "
           "they cost only their file can say"),
    Column("control_cells", _TEXTS, "cells whose retriever is a control (`oracle`, `random`) or reads the hits of "
           "one: these are never chosen as the best"),
    Column("models", _MAPPINGS, "one entry per language model of the spec: `name` there, `provider`, `model` (its "
           "name at the provider), `fingerprint` (its digest, where the provider tells one as Ollama does; else "
           "null), `served_by` (how many of the study's calls were answered by which model, as the replies name it)"),
    Column("readings", _MAPPINGS, "how the answers of each `reader` on each `context` were read, every vote counted "
           "once: for each `outcome` (`read`, `unread` or `missing`) and `reading` (as in answers.parquet; of a "
           "missing answer its error) how many `answers`, and of unread ones an `example`", optional=True),
    Column("grades", _MAPPINGS, "where answers are open, what became of the verdicts of each `cell`: how many "
           "`answers` had which `status` by which `grader`, whether they said that the question cannot be answered "
           "(`abstains`), whether it can be (`answerable`), and whether it is `in_base`", optional=True),
    Column("packages", _TEXTS, "the distributions that the study's components come from, and the optional packages "
           "that these name; the report lists their versions", optional=True),
    Column("panel", _MAPPINGS, "one entry per judge of open answers: its `name` in the spec, `provider`, `model`, "
           "and the `readers` that ask the same model, so that it judges answers of its own", optional=True),
    Column("panel_rule", _TEXT, "the vote rule that turns their ballots into a verdict", optional=True),
    Column("panel_votes", _INTEGER, "the ballots of each on an answer", optional=True),
    Column("panel_pools_votes", pl.Boolean, "true where they also say which answers of several votes are the same",
           optional=True),
    Column("sheet", _TEXT, "the file with the grades of people", optional=True),
    Column("variation.CELL", _TEXT, "of a cell whose index is drawn at random when it is built: that it is, and what "
           "to write for one that repeats"),
    Column("families", _MAPPINGS, "one entry of `compare` each: metric, baseline, and pairs of cells"),
))  # fmt: skip

TIMINGS = ResultFile("timings.json", "bench", "Seconds of wall time when the work was done; these may differ from "
    "run to run.", (
    Column("about", _TEXT, "what the numbers are"),
    Column("seconds_by_step.STEP", _NUMBER, "of all tasks of a step together, shared ones once"),
    Column("read_seconds_by_cell.CELL", _NUMBER, "of the votes of a cell, without its retrieval and training"),
))  # fmt: skip

SUMMARY = ResultFile("summary.json", "report", "The study in about ten numbers, which `dvc metrics` and `dvc exp` "
    "compare; null where it has no such number.", (
    Column("METRIC", _NUMBER, "what the set-up of the answer comes to by the metric that decides, `accuracy` "
           "say", optional=True),
    Column("METRIC_low", _NUMBER, "the lower end of its interval", optional=True),
    Column("METRIC_high", _NUMBER, "the upper end", optional=True),
    Column("METRIC_corrected", _NUMBER, "where judges grade and people have graded some answers, the value corrected "
           "for the judges' errors", optional=True),
    Column("METRIC_corrected_low", _NUMBER, "the lower end of its interval", optional=True),
    Column("METRIC_corrected_high", _NUMBER, "the upper end", optional=True),
    Column("floor", _NUMBER, "what always giving the most frequent label comes to by that metric"),
    Column("as_good", _INTEGER, "how many set-ups cannot be told apart from the best, that one included"),
    Column("base", _INTEGER, "questions in the base; null where the spec selects none"),
    Column("questions", _INTEGER, "questions in the sample"),
    Column("reader_loss", _NUMBER, "share of the questions that the reader does not get right even on the gold "
           "context"),
    Column("index_loss", _NUMBER, "share that is right on the gold context but not here, for want of evidence that "
           "an exact search finds; null where the search is exact"),
    Column("parser_loss", _NUMBER, "likewise, where the parser lost the evidence; absent where parsers are not "
           "compared", optional=True),
    Column("retrieval_loss", _NUMBER, "likewise, where the evidence was not retrieved"),
    Column("distractor_loss", _NUMBER, "likewise, though it was: other text distracts, or votes differ by chance"),
    Column("unanswered_loss", _NUMBER, "likewise, where a call failed, no answer could be read, or there was no "
           "verdict"),
    Column("dollars_per_question", _NUMBER, "US dollars that an answer costs; null where a price is unknown"),
    Column("examples_asked_for", _INTEGER, "examples for training that models were asked for", optional=True),
    Column("examples_kept", _INTEGER, "of these, those that are kept", optional=True),
    Column("dollars_per_kept_example", _NUMBER, "US dollars of writing and grading each example that is kept",
           optional=True),
    Column("set_up", _TEXT, "the cell of the answer: the chosen one; where nothing is retrieved, the reader that "
           "scores best; without readers, the ranking that does"),
))  # fmt: skip

RESULT_FILES = (
    DATASET, EXAMPLES, EXAMPLE_BALLOTS, FUNNEL, EXAMPLES_SUMMARY, EXAMPLES_MANIFEST, TRAIN, LOSSES, VOTERS,
    BASE_TABLE, BASE, CELLS, METRICS, ANSWERS, QUESTIONS, RANKINGS, PASSAGES, PROMPTS, JUDGMENTS, COMPARISONS,
    TIMINGS, SUMMARY,
)  # fmt: skip
