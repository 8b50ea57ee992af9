"""What a study's results come to: estimates, paired tests, error breakdowns, costs; from its files alone."""

from ragtally.analysis.analysis import Analysis, analyze
from ragtally.analysis.cache import read_analysis, write_analysis
from ragtally.analysis.summary import summarize

__all__ = ["Analysis", "analyze", "read_analysis", "summarize", "write_analysis"]
