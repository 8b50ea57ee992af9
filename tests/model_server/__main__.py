"""`python -m model_server --port 0`: serve with the settings in the first line of standard input, until its end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys

from model_server.server import serve
from model_server.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(prog="model_server", description="A server of language models for tests.")
    parser.add_argument("--port", type=int, default=0, help="the port; any free one by default")
    options = parser.parse_args()
    try:
        settings = Settings().changed(json.loads(sys.stdin.readline()))
    except ValueError as error:
        print(f"error: {error}", flush=True)
        sys.exit(2)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(settings, options.port))


async def _run(settings: Settings, port: int) -> None:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), lambda: os.read(sys.stdin.fileno(), 4096) or loop.call_soon(ending.set))
    await serve(settings, port, lambda port: print(port, flush=True), ending.wait())


if __name__ == "__main__":
    main()
