"""`PYTHONPATH=tests python -m weaviate_server`: the stand-in alone, until it is interrupted.

`PYTHONPATH=tests python -m weaviate_server replay`: whether the server that `WEAVIATE_URL` names behaves as the
stand-in does; takes some minutes.
"""

import contextlib
import sys
import threading

from ragtally_weaviate.server import connect
from weaviate_server import started
from weaviate_server.behaviours import BEHAVIOURS, REAL, scene


def replay() -> int:
    """Check every behaviour of the table on the real server; returns how many it does not have."""
    differing = 0
    with connect(embedded=False) as connection:
        print(f"Weaviate {connection.version} at {connection.url}")
        for name, behaviour in BEHAVIOURS.items():
            outcome = "not replayed: a server has to be killed for it"
            if behaviour.check is not None:
                with scene(connection, REAL) as stage:
                    try:
                        behaviour.check(stage)
                        outcome = "as in the table"
                    except AssertionError as error:
                        outcome, differing = f"NOT as in the table {error}", differing + 1
            print(f"{name}: {behaviour.what}\n    seen on {behaviour.version}: {behaviour.seen}\n    now: {outcome}")
    return differing


if sys.argv[1:] == ["replay"]:
    sys.exit(min(replay(), 1))
with started() as server, contextlib.suppress(KeyboardInterrupt):
    print(" ".join(f"{name}={value}" for name, value in server.environment.items()), flush=True)
    threading.Event().wait()
