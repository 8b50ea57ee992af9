"""A study's result files: what their columns are, how they are written, and how they are read as frames."""

from ragtally.results.load import Results, load_results
from ragtally.results.metrics import MetricInfo

__all__ = ["MetricInfo", "Results", "load_results"]
