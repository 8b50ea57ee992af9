"""index: write the retriever's index."""

from __future__ import annotations

from ragtally import pipelines
from ragtally.api import PluginError, ReportingRetriever, Retriever, VaryingRetriever
from ragtally.steps.step import Step, Work
from ragtally.tables import INDEX_FOLDER, load_chunks, load_vectors


def run(work: Work) -> None:
    """Write the folder `retriever/`: what the retriever saves of its index."""
    chunks = load_chunks(work.input("chunk"), work.input("prepare"))
    vectors = work.optional("embed")
    retriever: Retriever = work.build("retriever")
    if isinstance(retriever, ReportingRetriever):
        retriever.report_to(work.progress)
    if build := work.task.settings.get("build"):
        if not isinstance(retriever, VaryingRetriever):
            raise PluginError(f"the retriever {work.task.choices['retriever'].name} has builds and no choose_build")
        retriever.choose_build(build)
    pipelines.WritePassages(retriever).run(chunks, None if vectors is None else load_vectors(vectors))
    (work.folder / INDEX_FOLDER).mkdir()
    retriever.save(work.folder / INDEX_FOLDER)


INDEX = Step("index", 2, run, inputs=("prepare", "chunk", "embed"), can_leave=True)
