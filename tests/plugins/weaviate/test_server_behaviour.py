"""The server, a real one where there is one, else the stand-in, behaves as the table of what was seen says."""

from __future__ import annotations

import os

import pytest

from ragtally_weaviate.server import connect
from weaviate_server import StubServer
from weaviate_server.behaviours import BEHAVIOURS, REAL, STAND_IN, scene

_CHECKED = {name: behaviour for name, behaviour in BEHAVIOURS.items() if behaviour.check is not None}
_HAS_SERVER = bool(os.environ.get("WEAVIATE_URL"))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if behaviour.slow and _HAS_SERVER else [])
        for name, behaviour in _CHECKED.items()
    ],
)
@pytest.mark.usefixtures("server")
def test_it_behaves_as_was_seen(name: str, request: pytest.FixtureRequest) -> None:
    if not _HAS_SERVER:
        request.getfixturevalue("stub").faults.indexing = 0.1  # So that a batch can be interrupted
    check = _CHECKED[name].check
    assert check is not None
    with connect(embedded=False) as connection, scene(connection, REAL if _HAS_SERVER else STAND_IN) as stage:
        check(stage)


def test_the_stand_in_merges_after_a_while(stub: StubServer) -> None:
    with connect(embedded=False) as connection, scene(connection, STAND_IN) as stage:
        stage.write(stage.rows)
        before = stage.scores()
        stage.write(stage.rows)
        assert stage.scores() != before
        stub.collections[stage.index.contents.name].merge()
        assert stage.scores() == before
