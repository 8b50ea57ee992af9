"""What a paper says about a study: a paragraph on the methods, and whom to cite for the data."""

from __future__ import annotations

from ragtally import __version__
from ragtally.analysis import Analysis
from ragtally.present.cells import AXES, Cells
from ragtally.present.numbers import count
from ragtally.results import Results

_PUBMEDQA = """\
@inproceedings{jin2019pubmedqa,
  title     = {{PubMedQA}: A Dataset for Biomedical Research Question Answering},
  author    = {Jin, Qiao and Dhingra, Bhuwan and Liu, Zhengping and Cohen, William and Lu, Xinghua},
  booktitle = {Proceedings of the 2019 Conference on Empirical Methods in Natural Language Processing and the 9th
               International Joint Conference on Natural Language Processing (EMNLP-IJCNLP)},
  pages     = {2567--2577},
  year      = {2019},
  publisher = {Association for Computational Linguistics},
  doi       = {10.18653/v1/D19-1259}
}"""


def citation(results: Results) -> str:
    """Say whom to cite for the dataset."""
    name = str(results.dataset["dataset"])
    if name.startswith("pubmedqa"):
        return _PUBMEDQA
    if name.startswith("synthetic"):
        return "The dataset is made by ragtally from a seed; there is nobody to cite but the software."
    return f"ragtally knows no citation for the dataset {name}: cite what its authors ask for."


def methods(results: Results, verdict: Analysis, cells: Cells) -> str:
    """Write the paragraph on the methods."""
    dataset, corpus = results.dataset, results.dataset["corpus"]
    asked = dataset["questions"]["sampled"]
    split = f" of the split “{dataset['split']}”" if dataset["split"] else ""
    said = [
        f"We evaluated retrieval-augmented question answering with ragtally {__version__} on"
        f" {count(asked, 'question')}{split} of {dataset['dataset']} (answers: {', '.join(results.answer_names)}),"
        f" retrieving from {count(corpus['documents'], 'document')}; the seed was {results.comparisons['seed']}."
    ]
    if results.has_base:
        kept = results.base["funnel"]["stages"]["base"]["questions"]
        said.append(
            f"A base of {kept:,} of these questions was kept: {_kept_by(results)}. Votes that are measured are never"
            " those that selected the base."
        )
    grid = cells.of_kind("grid")
    if grid:
        axes = [f"{axis.replace('_', ' ')} ({number})" for axis in AXES if (number := len(_labels(cells, axis))) > 1]
        over = f" over {', '.join(axes)}" if axes else ""
        said.append(f"The grid has {count(len(grid), 'cell')}{over}, each asked the same questions.")
    if verdict.metric is not None:
        said.append(
            f"The deciding metric is {verdict.metric}. Intervals have {verdict.confidence:.0%} confidence: Wilson’s"
            " for shares of independent questions, otherwise a seeded bootstrap that resamples questions (those"
            " that share a document together). Cells not distinguishable from the best come from a bootstrap of the"
            " maximum."
        )
    if verdict.families:
        level = verdict.families[0].level
        tests = sorted({test for family in verdict.families for test in family.tests})
        said.append(
            f"Declared comparisons are paired ({'; '.join(tests)}), with Holm’s correction at the level {level:g}."
        )
    if any(of_set.held_out for of_set in verdict.sets.values()):
        said.append("The cell was selected on one half of the questions and scored on the other.")
    return " ".join(said)


def _kept_by(results: Results) -> str:
    made = results.base["selection"]
    voters = ", ".join(made["voters"])
    said = (
        f"those on which the votes of {voters} ({made['votes']} each, given the gold context) came to a verdict by"
        f" the rule {made['rule']}"
    )
    if made["agree_with_gold"]:
        said += ", and it was the gold label"
    if made["exclude_closed_book_right"]:
        excluded = ", ".join(made["exclude_closed_book_right"])
        said += f"; without those that {excluded} answered right with no context"
    return said


def _labels(cells: Cells, axis: str) -> set[str]:
    return {cells.labels[axis][name] for name in cells.of_kind("grid") if name in cells.labels[axis]}
