"""A study's result files: what their columns are, how they are written, and how they are read as frames."""

from ragtally.results.load import LOADED_FILES, Results, load_results
from ragtally.results.metrics import MetricInfo

__all__ = ["LOADED_FILES", "MetricInfo", "Results", "load_results"]
