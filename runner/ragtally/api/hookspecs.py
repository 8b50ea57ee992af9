"""The hooks that a plugin may implement. Each takes nothing and returns a list of `Component`.

A plugin is a module named by an entry point in the group `ragtally`:

    from ragtally import Component, hookimpl

    @hookimpl
    def register_vote_rules() -> list[Component]:
        return [Component(name="first", build=First, summary="The first vote alone decides.")]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from ragtally.api.component import Component

GROUP = "ragtally"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def register_datasets() -> list[Component]:  # type: ignore[empty-body]
    """Offer datasets: questions, labels, documents, evidence and splits."""


@hookspec
def register_converters() -> list[Component]:  # type: ignore[empty-body]
    """Offer converters: files to documents."""


@hookspec
def register_chunkers() -> list[Component]:  # type: ignore[empty-body]
    """Offer chunkers: documents to spans."""


@hookspec
def register_embedders() -> list[Component]:  # type: ignore[empty-body]
    """Offer embedders: texts to vectors, for documents and for queries."""


@hookspec
def register_retrievers() -> list[Component]:  # type: ignore[empty-body]
    """Offer retrievers: an index over chunks, vectors or both, that many queries search at once."""


@hookspec
def register_models() -> list[Component]:  # type: ignore[empty-body]
    """Offer language models: prompts to answers."""


@hookspec
def register_readers() -> list[Component]:  # type: ignore[empty-body]
    """Offer readers: questions and passages to answers."""


@hookspec
def register_vote_rules() -> list[Component]:  # type: ignore[empty-body]
    """Offer vote rules: ballots to a verdict."""


@hookspec
def register_graders() -> list[Component]:  # type: ignore[empty-body]
    """Offer graders: open answers and reference texts to right or wrong."""


@hookspec
def register_metrics() -> list[Component]:  # type: ignore[empty-body]
    """Offer metrics: judged answers or judged rankings to numbers."""


@hookspec
def register_executors() -> list[Component]:  # type: ignore[empty-body]
    """Offer executors: jobs to what they return, on this machine or on others."""
