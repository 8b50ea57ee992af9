"""The tasks that the cells of a study share: asked for the same thing again, the same task comes back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple

from ragtally.api import (
    CallPurpose,
    Choice,
    Criterion,
    Location,
    ModelTraits,
    ReaderTraits,
    RetrieverTraits,
    SpecError,
    Vote,
    canonical_json,
    derive_seed,
)
from ragtally.api.errors import errors_at
from ragtally.plan.answer_form import AnswerForm, answer_form, parser_settings, without_model
from ragtally.plan.answers import answers_of
from ragtally.plan.approximation import own_build
from ragtally.plan.cells import ContextSize, labelled_choices
from ragtally.plan.corpora import Corpus, sample_task
from ragtally.plan.examples import Inputs, plan_examples, training_set
from ragtally.plan.judging import graders_before, judge_form, judges_of, pools_votes
from ragtally.plan.score import score_task
from ragtally.plan.tuning import tuning_task
from ragtally.redaction import rules_identity
from ragtally.registry import Registry
from ragtally.spec.study import Grid, ReaderPick, Study
from ragtally.steps import (
    ASK,
    BASE,
    CHUNK,
    CONTEXT,
    CONTEXT_RELEVANCE,
    EMBED,
    EMBED_QUESTIONS,
    GRADE,
    INDEX,
    JUDGE,
    JUDGE_PROMPT,
    LEARN,
    PARSE,
    POOL_PROMPT,
    PREPARE,
    PROMPT,
    READ,
    REFERENCE,
    RELEVANCE,
    RERANK,
    RERANK_PROMPT,
    RETRIEVE,
    TRAIN,
    VOTE,
    Step,
    Task,
    TaskFactory,
)
from ragtally.steps.ask import model_identity
from ragtally.steps.judge import JUDGES
from ragtally.steps.tune import base_model, tuned_choice
from ragtally.support.unspaced import LANGUAGES_WITHOUT_SPACES

Purpose = Literal["label", "measure"]  # Of readers' votes
_BallotKey = tuple[str, Purpose, int, Task, Task | None, Task | None]


class Ranking(NamedTuple):
    """A ranking as tasks."""

    hits: Task
    chunks: Task  # The chunks that the hits are rows of


class RetrievedContext(NamedTuple):
    """What a retriever puts before a reader, as tasks."""

    passages: Task
    relevance: Task  # The passages, or the ranking that they are the first of, compared with the evidence


class StudyTasks:
    """Makes the tasks of one study, from the dataset up to the verdicts."""

    def __init__(self, study: Study, registry: Registry) -> None:
        self.study = study
        self.registry = registry
        self.factory = TaskFactory(registry)
        self.answers = answers_of(study, registry)
        self.judges = judges_of(study, registry)
        # What many cells ask for. A component that is asked for its traits may look at the environment.
        self._traits: dict[str, ReaderTraits] = {}
        self._forms: dict[str, AnswerForm] = {}
        self._models: dict[str, dict[str, Any]] = {}
        self._rankings: dict[tuple[str, str, str, int, int], Ranking] = {}
        self._ballots: dict[_BallotKey, Task] = {}
        # The names of the readers whose model a training makes: several where they are one reader.
        self.learners: dict[Task, dict[str, None]] = {}
        pick = study.dataset
        name = pick.choice.name
        by_parser = [
            (parser, label, self._prepare(f"{name} by {label}", parser))
            for parser, label in labelled_choices(study.grid.parser, registry)
        ]
        # Whatever parsers lose, the controls, the voters and what readers learn from stay the same.
        self.dataset = (
            self.task(REFERENCE, "grid.parser", name, inputs={"prepare": [dataset for *_, dataset in by_parser]})
            if by_parser
            else self._prepare(name)
        )
        self.sample = self._questions_of(self.dataset)
        self.corpora = tuple(
            Corpus(parser, label, dataset, self._questions_of(dataset)) for parser, label, dataset in by_parser
        ) or (Corpus(None, "", self.dataset, self.sample),)

    # How examples for training come to be; None where the study writes none.
    examples = cached_property(plan_examples)

    def traits(self, reader: str) -> ReaderTraits:
        """A reader's traits."""
        if reader not in self._traits:
            self._traits[reader] = self.registry.traits(self.study.readers[reader].choice)
        return self._traits[reader]

    def _prepare(self, label: str, parser: Choice | None = None) -> Task:
        dataset = self.study.dataset.choice
        choices = {"dataset": dataset} if parser is None else {"dataset": dataset, "parser": parser}
        path, rules = f"dataset.{dataset.name}", dataset.parameters.get("redact")
        with errors_at(self.study.location(path)):
            settings = {} if rules is None else {"redact": rules_identity(rules)}
        return self.task(PREPARE, path, label, choices=choices, settings=settings)

    def _questions_of(self, dataset: Task) -> Task:
        """The questions of the study, with their evidence in a dataset's documents."""
        split, sample = self.study.dataset.split, self.study.sample
        return self._sample(dataset, split, sample.size, "sample", split or "all splits", balance=sample.balance)

    # From the chunks to the passages before a reader.

    def relevance(self, corpus: Corpus, chunker: Choice, retriever: Choice, limit: int, build: int = 1) -> Task:
        """The hits compared with the evidence."""
        ranking = self._ranking(corpus, chunker, retriever, limit, build)
        inputs: Inputs = {"chunk": ranking.chunks, "sample": corpus.sample, "retrieve": ranking.hits}
        return self.task(RELEVANCE, "grid.retriever", ranking.hits.label, inputs=inputs)

    def context(
        self,
        corpus: Corpus,
        chunker: Choice,
        retriever: Choice,
        size: ContextSize,
        depth: int,
        label: str,
        build: int = 1,
    ) -> RetrievedContext:
        """The passages that a retriever puts before a reader."""
        limit = depth if self.registry.traits(retriever).prefix_stable else size.hits
        ranking = self._ranking(corpus, chunker, retriever, limit, build)
        words = size.context_words
        budget = {"top_k": size.top_k} if words is None else {"context_words": words}
        questions: Inputs = {"prepare": corpus.dataset, "sample": corpus.sample}
        passages = self.task(
            CONTEXT,
            "grid.retriever",
            label,
            settings={"condition": "retrieved", **budget, **self._counting()},
            inputs={**questions, "chunk": ranking.chunks, "retrieve": ranking.hits},
        )
        if words is None:
            return RetrievedContext(passages, self.relevance(corpus, chunker, retriever, limit, build))
        # A budget cuts passages, so they are no longer the chunks that the ranking's relevance is about.
        relevance = self.task(
            CONTEXT_RELEVANCE,
            "grid.retriever",
            label,
            settings={"context_words": words, **self._counting()},
            inputs={**questions, "context": passages},
        )
        return RetrievedContext(passages, relevance)

    def _counting(self) -> dict[str, str]:
        """How words are counted; said only where signs are, so that the addresses of all others stay."""
        language = self.study.dataset.choice.parameters["language"]
        return {"language": language} if language in LANGUAGES_WITHOUT_SPACES else {}

    def chunks(self, corpus: Corpus, chunker: Choice, path: str = "grid.chunker") -> Task:
        """The chunks of a corpus."""
        inputs: Inputs = {"prepare": corpus.dataset}
        label = corpus.name(str(chunker))
        return self.task(CHUNK, path, label, choices={"chunker": chunker}, inputs=inputs)

    def _ranking(self, corpus: Corpus, chunker: Choice, retriever: Choice, limit: int, build: int) -> Ranking:
        key = corpus.dataset.address, chunker.key, retriever.key, limit, build
        if key not in self._rankings:
            self._rankings[key] = self._make_ranking(corpus, chunker, retriever, limit, build)
        return self._rankings[key]

    def _make_ranking(self, corpus: Corpus, chunker: Choice, retriever: Choice, limit: int, build: int) -> Ranking:
        chunks = self.chunks(corpus, chunker)
        label = f"{retriever.name} over {chunks.label}"
        traits: RetrieverTraits = self.registry.traits(retriever)
        if "hits" in traits.reads:
            return self._reranking(corpus, chunker, retriever, limit, label, build)
        documents: Inputs = {"prepare": corpus.dataset, "chunk": chunks}
        vectors = queries = None
        if "vectors" in traits.reads:
            embedder = retriever.parameters["embedder"]
            of_embedder = f"{embedder} over {chunks.label}"
            choices = {"embedder": embedder}
            vectors = self.task(EMBED, "grid.retriever", of_embedder, choices=choices, inputs=documents)
            # An embedder that learns nothing gives the same vectors whatever the chunks, so they do not count then.
            source = vectors if self.registry.traits(embedder).requires_fit else None
            of_queries: Inputs = {"sample": self.sample, "embed": source}
            queries = self.task(EMBED_QUESTIONS, "grid.retriever", of_embedder, choices=choices, inputs=of_queries)
        choices = {"retriever": retriever}
        number = own_build(build, traits.builds)
        # Parameters that only a search uses do not count, so that searches share an index.
        index = self.task(
            INDEX,
            "grid.retriever",
            label,
            choices=choices,
            # The first build is the index of who wants only one.
            settings={"build": number} if number > 1 else {},
            inputs={**documents, "embed": vectors},
            search=False,
        )
        hits = self.task(
            RETRIEVE,
            "grid.retriever",
            label,
            choices=choices,
            settings={"limit": limit},
            inputs={**index.inputs, "index": index, "sample": corpus.sample, "embed_questions": queries},
        )
        return Ranking(hits, chunks)

    def _reranking(
        self, corpus: Corpus, chunker: Choice, retriever: Choice, limit: int, label: str, build: int
    ) -> Ranking:
        traits: RetrieverTraits = self.registry.traits(retriever)
        depth = max(traits.depth or limit, limit)
        # Retrievers that find windows of their own cannot be told apart by the rows of one list of chunks.
        inner = [self._ranking(corpus, chunker, other, depth, build) for other in retriever.inner("retriever")]
        chunk_tasks = dict.fromkeys(ranking.chunks for ranking in inner)
        if len(chunk_tasks) != 1:
            raise SpecError(
                f"{retriever.name} cannot combine retrievers that find chunks of different sizes",
                location=self.study.location("grid.retriever"),
                hint="give all of them the same window, or put parent around the combination",
            )
        (chunks,) = chunk_tasks
        windows = next((self.chunks(corpus, choice) for choice in retriever.inner("chunker")), None)
        inputs: Inputs = {
            **chunks.inputs,
            "hits": [ranking.hits for ranking in inner],
            "chunk": chunks,
            "sample": corpus.sample,
        }
        replies = None
        if traits.prompts:
            prompts = self.task(
                RERANK_PROMPT,
                "grid.retriever",
                label,
                choices={"retriever": without_model(retriever)},
                inputs=inputs,
            )
            replies = self.ask(
                {"prompt": prompts}, retriever.parameters["model"], "measure", 0, "grid.retriever", label
            )
        hits = self.task(
            RERANK,
            "grid.retriever",
            label,
            choices={"retriever": retriever},
            settings={"limit": limit},
            inputs={**inputs, "window": windows, "ask": replies},
        )
        return Ranking(hits, windows or chunks)

    # From the passages to the verdicts.

    def control_context(self, condition: str) -> Task:
        """A control's passages."""
        return self._control(condition, self.sample, "controls")

    def ballots(
        self,
        name: str,
        purpose: Purpose,
        votes: int,
        context: Task | None,
        base: Task | None = None,
        sample: Task | None = None,
    ) -> tuple[Task, ...]:
        """The parsed votes of a reader, on the study's questions or on those of another sample."""
        traits = self.traits(name)
        passages = context if traits.condition is None else None
        # A reader whose answers are fixed casts one vote, however many are counted.
        indexes = [0] * votes if traits.draws == "fixed" else range(votes)
        return tuple(self._ballot(name, purpose, index, sample or self.sample, passages, base) for index in indexes)

    def _ballot(self, *key: *_BallotKey) -> Task:
        if key not in self._ballots:
            self._ballots[key] = self._make_ballot(*key)
        return self._ballots[key]

    def _make_ballot(
        self, name: str, purpose: Purpose, index: int, sample: Task, passages: Task | None, base: Task | None
    ) -> Task:
        reader, traits = self.study.readers[name], self.traits(name)
        label = f"{name} vote {index + 1}" + (f" on {passages.label}" if passages else "")
        settings = parser_settings(traits)
        if traits.prompts and passages is not None:
            if self._form(reader).constrained:
                settings["constrained"] = True
            prompts, model = self._prompts(reader, sample, passages, base), reader.choice.parameters["model"]
            training = self.tuning(name) if traits.tunes else None
            model = model if training is None else tuned_choice(model, training)
            inputs: Inputs = {"prompt": prompts, "tune": training}
            answers = self.ask(inputs, model, purpose, index, f"readers.{name}", label)
        else:
            answers = self._read(reader, purpose, index, sample, passages, base, label)
        inputs = {"sample": sample, "read": answers}
        return self.task(PARSE, f"readers.{name}", label, settings=settings, inputs=inputs)

    def verdicts(self, ballots: Sequence[Task], rule: Choice, label: str) -> Task:
        """What a rule makes of votes."""
        language = self.study.dataset.language
        # Said only of open answers, so that the addresses of all others stay.
        settings = {} if language is None else {"language": language}
        inputs: Inputs = {"parse": ballots, "pool": self._same_answers(ballots, label)}
        return self.factory.task(VOTE, choices={"rule": rule}, settings=settings, inputs=inputs, label=label)

    def _same_answers(self, ballots: Sequence[Task], label: str) -> Task | None:
        """Which answers of several votes judges find to say the same; None where nobody is asked."""
        judges = self.judges
        # A reader whose answers are fixed casts one vote several times.
        if judges is None or not pools_votes(judges, self.registry) or len(set(ballots)) == 1:
            return None
        inputs: Inputs = {"sample": ballots[0].inputs["sample"], "parse": ballots}
        return self._ask_judges(judges, "same", POOL_PROMPT, inputs, label)

    def grades(self, verdicts: Task) -> Task | None:
        """Which open verdicts are right; None where answers are labels, which need no grader."""
        dataset = self.study.dataset
        if not dataset.is_open:
            return None
        sample = verdicts.inputs["parse"][0].inputs["sample"]
        inputs: Inputs = {"sample": sample, "vote": verdicts, "parse": verdicts.inputs["parse"]}
        if self.judges is not None:
            inputs["judge"] = self._judgments(self.judges, "right", verdicts)
        return self.task(
            GRADE,
            "grading",
            verdicts.label,
            choices={f"grader {number}": grader for number, grader in enumerate(self.study.grading)},
            settings={"language": dataset.language},
            inputs=inputs,
        )

    def base(self, sample: Task, path: str = "base", *, training: bool = False) -> Task | None:
        """The questions of a sample that the voters can answer; None for a study without a base."""
        base, label = self.study.base, self.study.label
        if base is None or label is None:
            return None
        rule, votes = base.rule, label.votes

        def verdicts(names: Sequence[str], condition: str) -> Task:
            context = self._control(condition, sample, path if training else "controls")
            ballots = [
                ballot for name in names for ballot in self.ballots(name, "label", votes, context, sample=sample)
            ]
            return self.verdicts(ballots, rule, f"{', '.join(names)} on {condition}")

        of_voters = verdicts(base.voters, "gold_context")
        without_context = [verdicts((name,), "closed_book") for name in base.exclude_closed_book_right]
        inputs: Inputs = {"sample": sample, "vote": of_voters, "closed_book": without_context}
        if self.study.dataset.is_open:
            without_context_grades = [grades for each in without_context if (grades := self.grades(each)) is not None]
            inputs |= {
                "grade": self.grades(of_voters),
                "closed_book": None,
                "closed_book_grade": without_context_grades,
            }
        settings: dict[str, Any] = {"agree_with_gold": base.agree_with_gold}
        if training:
            # A split to learn from may have no labels at all: there is then nothing to agree with.
            settings["unlabelled"] = "keep"
        name = f"base of {sample.label}" if training else "base"
        return self.task(BASE, path, name, settings=settings, inputs=inputs)

    def score(self, verdicts: Task, metrics: Sequence[Choice], *, context: Task | None = None, **work: Any) -> Task:
        """The scores of verdicts."""
        support, judges = None, self.judges
        if context is not None and judges is not None and "supported" in self.registry.traits(judges).criteria:
            support = self._judgments(judges, "supported", verdicts, context)
        return score_task(
            self.factory,
            self.sample,
            metrics,
            verdicts=verdicts,
            grades=self.grades(verdicts),
            support=support,
            language=self.study.dataset.language,
            context=context,
            **work,
        )

    def _judgments(self, judges: Choice, criterion: Criterion, verdicts: Task, context: Task | None = None) -> Task:
        """What the judges say of verdicts; of equal answers to a question every prompt is the same, and paid once."""
        before = () if criterion == "supported" else graders_before(self.study.grading, judges)
        inputs: Inputs = {"sample": verdicts.inputs["parse"][0].inputs["sample"], "vote": verdicts}
        if context is not None:
            inputs |= {"prepare": _documents_of(context, self.dataset), "context": context}
        return self._ask_judges(judges, criterion, JUDGE_PROMPT, inputs, verdicts.label, before)

    def _ask_judges(
        self,
        judges: Choice,
        criterion: Criterion,
        step: Step,
        inputs: Inputs,
        about: str,
        before: Sequence[Choice] = (),
    ) -> Task:
        """What the judges say of answers that a step writes prompts about."""
        path, label = f"grading.{judges.name}", f"{criterion}: {about}"
        purpose: CallPurpose = "pool" if criterion == "same" else "judge"
        ballots, constrained = [], []
        for model in judges.inner("model"):
            form = judge_form(judges, self.registry.traits(model))
            settings = {"criterion": criterion, "language": self.study.dataset.language}
            prompts = self.task(
                step,
                path,
                label,
                choices={**{f"grader {number}": each for number, each in enumerate(before)}, JUDGES: form.of(judges)},
                settings=settings | ({"constrained": True} if form.constrained else {}),
                inputs=inputs,
            )
            for vote in range(judges.parameters["votes"]):
                ballots.append(self.ask({"prompt": prompts}, model, purpose, vote, path, label))
                constrained.append(form.constrained)
        return self.task(
            JUDGE,
            path,
            label,
            choices={"rule": judges.parameters["rule"]},
            settings={"constrained": constrained, "votes": judges.parameters["votes"]},
            inputs={"ask": ballots},
        )

    def _read(
        self,
        reader: ReaderPick,
        purpose: Purpose,
        index: int,
        sample: Task,
        passages: Task | None,
        base: Task | None,
        label: str,
    ) -> Task:
        work = self._vote(reader, purpose, index)
        path, model = f"readers.{reader.name}", None
        if reader.learns:
            of_training = self.training(reader.name)
            model = self.task(TRAIN, path, f"{reader.name} {purpose} vote {index + 1}", inputs=of_training, **work)
            self.learners.setdefault(model, {})[reader.name] = None
        inputs: Inputs = {
            "prepare": _documents_of(passages, self.dataset), "sample": sample, "context": passages,
            "train": model, "base": base,
        }  # fmt: skip
        return self.task(READ, path, label, inputs=inputs, **work)

    def _vote(self, reader: ReaderPick, purpose: Purpose, index: int, **more: Any) -> dict[str, Any]:
        """A reader and which of its votes it casts."""
        identity = canonical_json(self.factory.identity(reader.choice))
        vote = Vote(purpose, index, derive_seed(self.study.seed, "vote", purpose, index, identity))
        settings = {"vote": {"purpose": vote.purpose, "index": vote.index, "seed": vote.seed}, **more}
        return {"choices": {"reader": reader.choice}, "settings": settings}

    def training(self, name: str) -> Inputs:
        """What a reader learns from."""
        reader = self.study.readers[name]
        if reader.train_from == "examples":
            examples = training_set(self, reader, self._counting())
            return {"prepare": self.dataset, "sample": examples, "context": examples}
        path, examples = f"readers.{reader.name}", self._examples(reader, None)
        gold = self._control("gold_context", examples, path)
        base = self.base(examples, path, training=True) if reader.train_from == "base" else None
        return {"prepare": self.dataset, "sample": examples, "context": gold, "base": base}

    def learning(self, name: str, *, size: int, draw: int, held_out: int) -> Task:
        """How good a reader is after it learnt from so many examples of its split."""
        reader, more = self.study.readers[name], {"size": size, "draw": draw, "held_out": held_out}
        work = self._vote(reader, "measure", 0, seed=self.study.seed, **more)
        label = f"{name} after {size} examples"
        return self.task(LEARN, f"readers.{name}", label, inputs=self.training(reader.name), **work)

    def tuning(self, name: str) -> Task:
        """The model that its provider fine-tunes for a reader: one for all of its votes, since it is paid for."""
        reader, inputs = self.study.readers[name], self.training(name)
        sample, context, base = (inputs.get(role) for role in ("sample", "context", "base"))
        assert isinstance(sample, Task) and isinstance(context, Task) and (base is None or isinstance(base, Task))
        prompts = self._prompts(reader, sample, context, base)
        choice, location = self._form(reader).of(reader.choice), self.study.location(f"readers.{name}")
        training = tuning_task(self.factory, name, choice, prompts, sample, base, location)
        self.learners.setdefault(training, {})[name] = None
        return training

    def ask(self, inputs: Inputs, model: Choice, purpose: CallPurpose, index: int, path: str, label: str) -> Task:
        """A model's replies to prompts, one vote; `tune` among the inputs is what the model was fine-tuned by."""
        if model.key not in self._models:
            with errors_at(self._location_of(model, path)):
                self._models[model.key] = model_identity(self.factory, model)
        settings = {"purpose": purpose, "vote": index, "model": self._models[model.key]}
        return self.task(ASK, path, label, choices={"model": model}, settings=settings, inputs=inputs)

    def _prompts(self, reader: ReaderPick, sample: Task, passages: Task, base: Task | None) -> Task:
        path, size = f"readers.{reader.name}", self.traits(reader.name).examples
        examples = self._examples(reader, size) if size else None
        documents = _documents_of(passages, self.dataset)
        inputs: Inputs = {
            "prepare": documents,
            "sample": sample,
            "context": passages,
            "base": base,
            "examples": examples,
            "examples_context": self._control("gold_context", examples, path) if examples else None,
            "examples_prepare": self.dataset if examples and documents != self.dataset else None,
        }
        form = self._form(reader)
        return self.task(
            PROMPT,
            path,
            f"{reader.name} on {passages.label}",
            choices={"reader": without_model(form.of(reader.choice))},
            # Said only where it is so: prompts and calls without a schema are what they were before there were any.
            settings={"constrained": True} if form.constrained else {},
            inputs=inputs,
        )

    def _form(self, reader: ReaderPick) -> AnswerForm:
        if reader.name not in self._forms:
            model: ModelTraits = self.registry.traits(reader.choice.parameters["model"])
            self._forms[reader.name] = answer_form(self.traits(reader.name), model, self.answers)
        return self._forms[reader.name]

    def _examples(self, reader: ReaderPick, size: int | None) -> Task:
        split = reader.train_split
        return self._sample(self.dataset, split, size, f"readers.{reader.name}", split or "")

    def _sample(
        self, dataset: Task, split: str | None, size: int | None, path: str, label: str, *, balance: bool = False
    ) -> Task:
        return sample_task(
            self.factory,
            dataset,
            split=split,
            answers=self.answers,
            is_open=self.study.dataset.is_open,
            size=size,
            balance=balance,
            seed=self.study.seed,
            # Examples can be written from documents alone.
            may_be_empty=self.study.examples is not None and self.study.grid == Grid(),
            label=label,
            location=self.study.location(path),
        )

    def _control(self, condition: str, sample: Task, path: str) -> Task:
        settings: dict[str, Any] = {"condition": condition, **self._counting()}
        if condition == "wrong_context":
            settings["seed"] = self.study.seed
        inputs: Inputs = {"prepare": self.dataset, "sample": sample}
        return self.task(CONTEXT, path, condition, settings=settings, inputs=inputs)

    def task(self, step: Step, path: str, label: str, **work: Any) -> Task:
        """Make a task, with the place in the spec that its errors name."""
        location = self.study.location(path)
        with errors_at(location):
            return self.factory.task(step, label=label, location=location, **work)

    def _location_of(self, model: Choice, path: str) -> Location:
        """Say where the spec names a model; one that has no name stands below a path."""
        names = [name for name, choice in self.study.models.items() if choice == base_model(model)]
        return self.study.location(f"models.{names[0]}" if names else path)


def _documents_of(passages: Task | None, dataset: Task) -> Task:
    """The documents that passages are cut out of."""
    return dataset if passages is None else passages.inputs["prepare"][0]
