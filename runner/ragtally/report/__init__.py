"""A study's report: one page that people open, the verdict as JSON, and tables that DVC draws."""

from ragtally.report.provenance import Provenance, gather_provenance, retriever_meanings
from ragtally.report.write import write_report

__all__ = ["Provenance", "gather_provenance", "retriever_meanings", "write_report"]
