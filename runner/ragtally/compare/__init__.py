"""What a study's results come to: intervals, paired tests, causes and costs, from the result files alone."""

from ragtally.compare.judge import judge
from ragtally.compare.results import Results, load_results
from ragtally.compare.verdict import Verdict

__all__ = ["Results", "Verdict", "judge", "load_results"]
