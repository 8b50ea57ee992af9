"""What a study has that its spec does not name: the only components that the engine names."""

from __future__ import annotations

# The metrics of a spec that names none, where readers answer.
ANSWER_METRICS = ("accuracy", "macro_f1", "coverage")
# Likewise where answers are open.
OPEN_ANSWER_METRICS = ("accuracy", "token_f1", "coverage")
# How open answers are graded where a spec does not say.
GRADING = ("exact",)
# The metrics of a spec that names none, where there is a retriever.
RETRIEVAL_METRICS = ("recall@10", "mrr@10")
# What a comparison is about that names no metric.
DECIDING_METRIC = "accuracy"
# What the file of the voters holds, whatever the spec's metrics.
VOTER_METRICS = (
    "accuracy",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "precision",
    "recall",
    "f1",
    "coverage",
    "accuracy_of_covered",
    "unparsed_share",
)
# Likewise where answers are open.
OPEN_VOTER_METRICS = ("accuracy", "token_f1", "coverage", "accuracy_of_covered", "unparsed_share")
# Those of them that its table shows: the others are of one label, or follow from these.
VOTER_TABLE_METRICS = ("accuracy", "macro_precision", "macro_recall", "macro_f1", "coverage", "accuracy_of_covered")
# Those that are a number of questions out of others, so that two numbers say how sure they are.
VOTER_SHARES = ("accuracy", "coverage", "accuracy_of_covered")
# What cuts documents into passages for examples where a spec does not say; its parameter `size` counts words.
PASSAGES = "words"
# How the votes of a cell decide where its grid names no rule, and how those of a voter do in any study.
MAJORITY, UNANIMOUS = "majority", "unanimous"
