"""Write a cell as one serialised Haystack pipeline that answers a single question."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragtally import __version__
from ragtally.api import Choice, Location, PlainChatModel, RagtallyError, ReaderTraits, TemplatedReader
from ragtally.pipelines.answer import (
    CastVotes,
    DecideOpenVerdict,
    DecideVerdict,
    ParseReplies,
    WritePrompt,
    examples_from,
)
from ragtally.pipelines.chat import AskModel, build_prompt, prompt_builder
from ragtally.pipelines.choices import choice_data
from ragtally.pipelines.haystack import Document
from ragtally.pipelines.pipeline import PipelineParts, component_classes, connect, is_plain, pipeline_yaml
from ragtally.pipelines.search import DOCUMENTS_FOLDER, Ranking, RetrieveChunks, TakeChunks, WriteQuery
from ragtally.plan import Cell, StudyPlan
from ragtally.steps import ASK, PREPARE, RETRIEVE, Task
from ragtally.store import write_text
from ragtally.tables import load_example_answers, load_prompts, load_reading, load_tuned_model
from ragtally.workspace import Workspace

FILE = "pipeline.yaml"
# On how many of the study's own prompts a plain component must agree before it stands in for ragtally's.
_CHECK_SIZE = 50
_EXPORTABLE = ("closed_book", "retrieved")
_DOCUMENTS = ("documents.parquet", "texts.bin", "texts.npy")


@dataclass(frozen=True)
class ExportedPipeline:
    """A cell's pipeline on disk."""

    path: Path
    classes: dict[str, str]  # The class of each component, by the component's name


def export_pipeline(plan: StudyPlan, cell: Cell, workspace: Workspace, folder: Path) -> ExportedPipeline:
    """Write a cell's pipeline, and beside it copies of its index and of its trained readers."""
    verdicts = _require_answering(cell)
    if not workspace.store.complete(verdicts.step.stored_as, verdicts.address):
        raise RagtallyError(f"{cell.name} has not been run", hint="ragtally run SPEC")
    if folder.exists() and not (folder / FILE).is_file():
        raise RagtallyError(
            "there is something else already", location=Location(str(folder)), hint="name another --out"
        )
    draft = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        pipeline = connect(_Components(plan, cell, workspace, folder, _Files(draft, workspace)).all())
        classes = component_classes(pipeline)
        pipeline.metadata = _metadata(plan.study.name, cell.name, classes)
        write_text(draft / FILE, pipeline_yaml(pipeline, _about(plan.study.name, cell.name, folder, classes)))
        if folder.exists():
            shutil.rmtree(folder)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return ExportedPipeline(folder / FILE, classes)


def _require_answering(cell: Cell) -> Task:
    picks = cell.picks
    if cell.verdicts is None:
        raise RagtallyError(f"{cell.name} ranks, but answers nothing", hint="export a cell with a reader")
    if picks.kind != "fixed" and picks.condition not in _EXPORTABLE:
        raise RagtallyError(
            f"{cell.name} reads a context that only questions of the dataset have",
            hint="export a cell of the grid, or closed_book",
        )
    if "pool" in cell.verdicts.inputs:
        raise RagtallyError(
            f"{cell.name} has judges say which votes are for the same answer, and a pipeline asks none",
            hint="export a cell of one vote, or leave pools_votes out of the judges",
        )
    return cell.verdicts


class _Components:
    """The components of one cell's pipeline."""

    def __init__(self, plan: StudyPlan, cell: Cell, workspace: Workspace, folder: Path, files: _Files) -> None:
        assert cell.verdicts is not None
        self._plan, self._cell, self._workspace, self._folder, self._files = plan, cell, workspace, folder, files
        self._votes = [task.inputs["read"][0] for task in cell.verdicts.inputs["parse"]]
        self._parsed = cell.verdicts.inputs["parse"][0]
        self._rule = cell.verdicts.choices["rule"]
        self._answers = list(plan.answers)

    def all(self) -> PipelineParts:
        first = self._votes[0]
        asks = first.step is ASK
        reads = first.inputs["prompt"][0] if asks else first
        contexts = reads.inputs.get("context", ())
        retrieve, query, search = self._retrieve(contexts[0]) if contexts else (None, None, None)
        parser = self._parsed.settings
        rule, language = choice_data(self._rule), self._plan.study.dataset.language
        decide = DecideVerdict(rule) if language is None else DecideOpenVerdict(rule, language)
        if not asks:
            return PipelineParts(retrieve, None, (), self._cast(parser), decide, query, search)
        models = [self._model(task) for task in self._votes]
        replies = ParseReplies(self._answers, len(models), **parser)
        return PipelineParts(retrieve, self._prompt(reads), models, replies, decide, query, search)

    def _retrieve(self, contexts: Task) -> tuple[Any, Any, Any]:
        """The components `retrieve`, `query` and `search`; the last two where a store's own retriever searches."""
        settings, folder = contexts.settings, str(self._folder)
        if settings["condition"] == "closed_book":
            return None, None, None
        ranking = self._files.ranking(contexts.inputs["retrieve"][0])
        budget = (settings.get("top_k"), settings.get("context_words"), settings.get("language"))
        store = Ranking(self._files.folder, ranking, self._workspace.registry).plain
        search = None if store is None else store.plain()
        if search is None:
            return RetrieveChunks(folder, ranking, *budget), None, None
        return TakeChunks(folder, ranking, *budget), WriteQuery(folder, ranking), search

    def _cast(self, parser: Mapping[str, Any]) -> CastVotes:
        choice = self._votes[0].choices["reader"]
        traits: ReaderTraits = self._workspace.registry.traits(choice)
        if traits.draws == "recorded":
            raise RagtallyError(
                f"{self._cell.picks.reader} has recorded answers alone: it cannot answer a new question",
                hint="export a cell with another reader",
            )
        votes = []
        for task in self._votes:
            models = task.inputs.get("train", ())
            votes.append({**task.settings["vote"], "model": self._files.copy(models[0]) if models else None})
        return CastVotes(str(self._folder), choice_data(choice), self._answers, votes, **parser)

    def _model(self, task: Task) -> Any:
        choice, registry = task.choices["model"], self._workspace.registry
        traits = registry.traits(choice)
        model = registry.build(choice)
        schema = load_prompts(self._workspace.entry(task.inputs["prompt"][0])).schema
        # A plain generator would send one seed with every question, and no schema.
        if isinstance(model, PlainChatModel) and not traits.takes_seed and schema is None:
            return model.plain()
        draw = {name: task.settings[name] for name in ("purpose", "vote")} if traits.takes_seed else None
        training = task.inputs.get("tune")
        tuned_model = None if training is None else load_tuned_model(self._workspace.entry(training[0]))
        text = None if schema is None else json.dumps(schema, ensure_ascii=False)
        return AskModel(choice_data(choice), draw, text, tuned_model)

    def _prompt(self, prompts: Task) -> Any:
        reader = prompts.choices["reader"]
        choice = Choice(reader.kind, reader.name, {**reader.parameters, "model": None})
        examples = self._examples(prompts)
        plain = self._plain_prompt(prompts, choice, examples)
        return plain or WritePrompt(choice_data(choice), self._answers, examples or None)

    def _examples(self, prompts: Task) -> list[dict[str, Any]]:
        if "examples" not in prompts.inputs:
            return []
        (examples,), (contexts,) = prompts.inputs["examples"], prompts.inputs["examples_context"]
        entry = self._workspace.entry(examples)
        reading = load_reading(self._workspace.entry(contexts), self._workspace.entry(self._plan.dataset), entry)
        labels = load_example_answers(entry).to_list()
        rows = zip(reading.question, reading.passages, labels, strict=True)
        return [{"question": text, "passages": list(texts), "label": label} for text, texts, label in rows]

    def _plain_prompt(self, prompts: Task, choice: Choice, examples: list[dict[str, Any]]) -> Any | None:
        """Haystack's own component, where it writes the very prompts that the study sent."""
        reader = self._workspace.registry.build(choice)
        if not isinstance(reader, TemplatedReader):
            return None
        template = reader.template(self._plan.answers, examples_from(examples, self._answers))
        if template is None:
            return None
        try:
            builder = prompt_builder(template)
        except ValueError:
            return None
        rows, prompts_sent, _ = load_prompts(self._workspace.entry(prompts))
        entries = {role: self._workspace.entry(prompts.inputs[role][0]) for role in ("context", "prepare", "sample")}
        reading = load_reading(entries["context"], entries["prepare"], entries["sample"])
        for row, messages in list(zip(rows, prompts_sent, strict=True))[:_CHECK_SIZE]:
            documents = [Document(content=text) for text in reading.passages[row]]
            if build_prompt(builder, reading.question[row], documents) != messages:
                return None
        return builder if rows else None


class _Files:
    """Copies of the store's entries that a ranking and readers need, each once, in a folder that needs no store."""

    def __init__(self, folder: Path, workspace: Workspace) -> None:
        self.folder = folder
        self._workspace = workspace
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def copy(self, task: Task) -> str:
        """Copy the files of a task, and return the name of their folder."""
        if task.address not in self._names:
            number = self._counts[task.step.name] = self._counts.get(task.step.name, 0) + 1
            name = task.step.name if task.step is PREPARE else f"{task.step.name}_{number}"
            entry = self._workspace.entry(task)
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            for source in sorted(entry.rglob("*")):
                inside = source.relative_to(entry)
                # Of the dataset only the documents: a new question has neither label nor evidence.
                is_needed = inside.name in _DOCUMENTS if task.step is PREPARE else str(inside) != "entry.json"
                if source.is_file() and is_needed:
                    target = self.folder / name / inside
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(source, target)
            self._names[task.address] = name
        return self._names[task.address]

    def ranking(self, hits: Task) -> dict[str, Any]:
        """Copy what a ranking needs, and describe it."""
        choice = hits.choices["retriever"]
        traits = self._workspace.registry.traits(choice)
        if "evidence" in traits.reads:
            raise RagtallyError(
                f"{choice.name} looks at the gold evidence, so it has nothing to offer for a new question",
                hint="export a cell with another retriever",
            )
        if traits.prompts:
            raise RagtallyError(
                f"{choice.name} asks a language model to rank, which an exported pipeline cannot do",
                hint="export the cell of the retriever that it builds on",
            )
        (dataset,) = hits.inputs["prepare"]
        if self.copy(dataset) != DOCUMENTS_FOLDER:
            raise AssertionError("documents have one folder")
        (chunks,) = hits.inputs["chunk"]
        ranking = {"retriever": choice_data(choice), "limit": hits.settings["limit"], "chunk": self.copy(chunks)}
        if hits.step is RETRIEVE:
            embed_tasks = hits.inputs.get("embed", ())
            vectors = self.copy(embed_tasks[0]) if embed_tasks else None
            return {**ranking, "index": self.copy(hits.inputs["index"][0]), "embed": vectors}
        windows = hits.inputs.get("window", ())
        return {
            **ranking,
            "rankings": [self.ranking(task) for task in hits.inputs["hits"]],
            "window": self.copy(windows[0]) if windows else None,
        }


def _metadata(study: str, cell: str, classes: dict[str, str]) -> dict[str, Any]:
    plain = [name for name, path in classes.items() if is_plain(path)]
    own = [name for name in classes if name not in plain]
    origin = {"version": __version__, "study": study, "cell": cell}
    return {"ragtally": {**origin, "plain_haystack": plain, "components_of_ragtally": own}}


def _about(study: str, cell: str, folder: Path, classes: dict[str, str]) -> list[str]:
    return [
        f"Answers one question as the cell {cell} of the study {study} does.",
        "Written by `ragtally export pipeline`.",
        "",
        "    from pathlib import Path",
        "    from haystack import Pipeline",
        "",
        f'    text = Path("{(folder / FILE).as_posix()}").read_text(encoding="utf-8")',
        '    pipeline = Pipeline.loads(text, allowed_modules=["ragtally.pipelines"])',
        '    pipeline.run({"question": "..."})["decide"]["verdict"]',
        "",
        "Plain Haystack:",
        *([f"    {name}: {path}" for name, path in classes.items() if is_plain(path)] or ["    nothing"]),
        "ragtally's own, since Haystack has nothing that does exactly the same:",
        *(f"    {name}: {path}" for name, path in classes.items() if not is_plain(path)),
        "",
        "A relative `folder` is below the folder in which the pipeline runs. A failed call is not retried.",
    ]
