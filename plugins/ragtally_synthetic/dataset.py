"""The dataset `synthetic`: groups of studies, one question a group, generated as they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil, floor
from typing import NamedTuple

from ragtally import DataError, DatasetBatch, Documents, Evidence, Questions, derive_seed
from ragtally_synthetic.draws import Draws
from ragtally_synthetic.names import condition_name, drug_name
from ragtally_synthetic.outcomes import OUTCOMES, Outcome
from ragtally_synthetic.study import Abstract, Subject, write_abstract
from ragtally_synthetic.wording import COMPARATORS, QUESTIONS_HIGHER, QUESTIONS_LOWER

_BATCH = 256
_SHARING = 4
_OUTCOMES = 7
_SAME_OUTCOME_SHARE = 0.75
_FIRST_NAME_SHARE = 0.6


class Group(NamedTuple):
    """One question with the studies around it."""

    question: str
    answer: str
    studies: tuple[Abstract, ...]  # The abstracts of the group in their order in the corpus
    gold: int  # Which of them answers the question


class SyntheticDataset:
    """Made-up abstracts in the manner of PubMedQA, with questions whose evidence is known."""

    # A group is one question, the study that answers it, and distractor studies: of the same drug in another
    # condition, or of another drug in the same condition, mostly on the same outcome. Successive questions share a
    # condition in fours. Every result is drawn independently of every other, so that nothing but the evidence tells
    # the answer. A group depends on the seed and its number alone.

    answers: tuple[str, ...] = ("yes", "no", "maybe")
    splits: tuple[str, ...] = ("train", "test")
    labelled: bool = True

    def __init__(
        self, questions: int, distractors: float, train_share: float, class_shares: Mapping[str, float], seed: int
    ) -> None:
        total = sum(class_shares[answer] for answer in self.answers)
        if abs(total - 1) > 1e-6:
            raise DataError(
                f"class_shares of the dataset synthetic add up to {total:g}",
                hint="give three shares that add up to 1, such as {yes: 0.55, no: 0.34, maybe: 0.11}",
            )
        self._questions = questions
        self._distractors = distractors
        self._train_share = train_share
        self._shares = tuple(class_shares[answer] for answer in self.answers)
        self._seed = derive_seed(seed, "synthetic")
        self._slots = 1 + 2 * ceil(distractors)

    def batches(self) -> Iterator[DatasetBatch]:
        """Generate the dataset, 256 questions at a time."""
        for first in range(0, self._questions, _BATCH):
            yield self._batch(range(first, min(first + _BATCH, self._questions)))

    def group(self, index: int) -> Group:
        """Generate one group."""
        draws = Draws((self._seed, index))
        first = index * self._slots
        group = index // _SHARING * _SHARING * self._slots
        drug, condition = drug_name(first, self._seed), condition_name(group, self._seed)
        outcomes = tuple(draws.sample(OUTCOMES, _OUTCOMES))
        comparator = draws.pick(COMPARATORS)
        gold = self._subject(drug, condition, comparator, outcomes, draws)
        studies = [write_abstract(gold, draws)]
        for slot in range(1, 1 + self._companions(draws)):
            other = draws.sample(OUTCOMES, _OUTCOMES)
            if draws.chance(_SAME_OUTCOME_SHARE):
                other = [outcomes[0], *(outcome for outcome in other if outcome is not outcomes[0])]
            of_drug = draws.chance(0.5)
            subject = self._subject(
                drug if of_drug else drug_name(first + slot, self._seed),
                condition_name(first + slot, self._seed) if of_drug else condition,
                draws.pick(COMPARATORS),
                tuple(other),
                draws,
            )
            studies.append(write_abstract(subject, draws))
        position = draws.below(len(studies))
        studies[0], studies[position] = studies[position], studies[0]
        return Group(_question(gold, draws), gold.answers[0], tuple(studies), position)

    def _subject(
        self, drug: str, condition: str, comparator: str, outcomes: tuple[Outcome, ...], draws: Draws
    ) -> Subject:
        return Subject(drug, condition, comparator, outcomes, tuple(self._answer(draws) for _ in outcomes))

    def _answer(self, draws: Draws) -> str:
        number = draws.uniform() * sum(self._shares)
        for answer, share in zip(self.answers, self._shares, strict=True):
            number -= share
            if number < 0:
                return answer
        return max(zip(self._shares, self.answers, strict=True))[1]

    def _companions(self, draws: Draws) -> int:
        low = floor(self._distractors)
        mean = low + draws.chance(self._distractors - low)
        return draws.below(2 * mean + 1)

    def _batch(self, indexes: range) -> DatasetBatch:
        documents: list[tuple[str, str, tuple[int, ...], tuple[int, ...]]] = []
        questions: list[tuple[str, str, str, str]] = []
        evidence: list[tuple[str, str, int, int]] = []
        for index in indexes:
            group = self.group(index)
            name = f"q{index:06d}"
            questions.append((name, group.question, group.answer, self._split(index)))
            for number, study in enumerate(group.studies):
                document = f"s{index:06d}-{number}"
                starts, ends = zip(*study.sections, strict=True)
                documents.append((document, study.text, starts, ends))
                if number == group.gold:
                    evidence.extend((name, document, start, end) for start, end in study.evidence)
        return DatasetBatch(
            Documents(*map(list, zip(*documents, strict=True))),
            Questions(*map(list, zip(*questions, strict=True))),
            Evidence(*map(list, zip(*evidence, strict=True))),
        )

    def _split(self, index: int) -> str:
        train = floor((index + 1) * self._train_share) > floor(index * self._train_share)
        return "train" if train else "test"


def _question(gold: Subject, draws: Draws) -> str:
    outcome = gold.outcomes[0]
    name = outcome.names[0] if draws.chance(_FIRST_NAME_SHARE) else draws.pick(outcome.names)
    template = draws.pick(QUESTIONS_LOWER if outcome.lower_is_better else QUESTIONS_HIGHER)
    text = template.format(drug=gold.drug, condition=gold.condition, comparator=gold.comparator, outcome=name)
    return text[0].upper() + text[1:]
