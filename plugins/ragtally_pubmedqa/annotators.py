"""The reader `pubmedqa_annotators`: what PubMedQA's human annotators answered."""

from __future__ import annotations

from ragtally import Answers, Reading, Vote
from ragtally_pubmedqa.entries import JsonEntries
from ragtally_pubmedqa.files import find_files, remedy
from ragtally_pubmedqa.records import ANSWERS

NO_ANSWER = "no recorded answer"


class PubMedQAAnnotators:
    """The annotators' recorded answers (Jin et al. 2019, section 3.1 and table 5), whatever the passages."""

    # An answer that the study does not declare (`maybe` where the study asks for yes and no) is given as raw text, so
    # that it counts as unparsed.

    def __init__(self, setting: str, path: str | None) -> None:
        self._field = f"{setting}_pred"
        self._path = path
        self._recorded: dict[str, str] | None = None

    def read(self, reading: Reading, vote: Vote) -> Answers:
        """Look every question's answer up."""
        if self._recorded is None:
            self._recorded = self._read_file()
        answers = [self._recorded.get(identifier) for identifier in reading.id]
        return Answers(
            text=[None if answer is None or answer in reading.answers else answer for answer in answers],
            choice=[answer if answer in reading.answers else None for answer in answers],
            error=[NO_ANSWER if answer is None else None for answer in answers],
        )

    def _read_file(self) -> dict[str, str]:
        files = find_files("labeled", self._path, with_truth=False)
        entries = JsonEntries(files.records[0], remedy("labeled"))
        answers: dict[str, str] = {}
        for identifier, record in entries:
            if not isinstance(record, dict):
                raise entries.error(f"the record {identifier} must be an object")
            answer = record.get(self._field)
            if answer is None:
                continue
            if answer not in ANSWERS["labeled"]:
                raise entries.error(
                    f"the {self._field} of {identifier} is {answer!r}: it must be yes, no or maybe", self._field
                )
            answers[identifier] = answer
        return answers
