"""`PYTHONPATH=tests python -m weaviate_server`: the stand-in alone, until it is interrupted."""

import contextlib
import threading

from weaviate_server import started

with started() as server, contextlib.suppress(KeyboardInterrupt):
    print(" ".join(f"{name}={value}" for name, value in server.environment.items()), flush=True)
    threading.Event().wait()
