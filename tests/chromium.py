"""A page in a real browser: headless Chromium, driven by its own protocol through a loopback socket."""

from __future__ import annotations

import asyncio
import base64
import itertools
import shutil
import subprocess
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

PROGRAM = shutil.which("chromium")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update",
    "--disable-background-networking", "--disable-sync", "--disable-extensions", "--remote-debugging-port=0",
    "--hide-scrollbars", "--force-color-profile=srgb",
)  # fmt: skip


class Chromium:
    """One page; `errors` collects what its console complains of, `requests` what it asks any network for."""

    def __init__(self, profile: Path) -> None:
        assert PROGRAM is not None
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._number = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        command = [PROGRAM, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._do(self._find_page(profile / "DevToolsActivePort"))
        self._enable()

    def close(self) -> None:
        self._do(self._end())
        self._process.terminate()
        self._process.wait(10)
        self._loop.close()

    @contextmanager
    def tab(self) -> Iterator[Chromium]:
        """A second page of the same browser, with the same storage."""
        other = Chromium.__new__(Chromium)
        other.errors, other.requests = [], []
        other._loop, other._number, other._waiting = self._loop, itertools.count(1), {}
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        other._do(other._connect(f"{self._url.rpartition('/')[0]}/{target}"))
        other._enable()
        yield other
        self.send("Target.closeTarget", targetId=target)
        other._do(other._end())

    def open(self, page: Path) -> None:
        self.errors.clear()
        self.requests.clear()
        self.send("Page.navigate", url=page.resolve().as_uri())
        self.until("document.readyState === 'complete' && location.protocol === 'file:'")

    def visit(self, address: str) -> None:
        """Open a page of a server."""
        self.errors.clear()
        self.requests.clear()
        self.send("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && location.protocol === 'http:'")

    def press(self, *keys: str) -> None:
        """Press keys one after the other; `Ctrl Enter` is one."""
        for name in keys:
            modifier, _, key = name.rpartition(" ")
            about: dict[str, Any] = {"key": key, "modifiers": 2 if modifier else 0}
            if len(key) == 1 and not modifier:
                about["text"] = key
            self.send("Input.dispatchKeyEvent", type="keyDown", **about)
            self.send("Input.dispatchKeyEvent", type="keyUp", key=key)

    def type(self, text: str) -> None:
        self.send("Input.insertText", text=text)

    def send(self, method: str, **parameters: Any) -> Any:
        return self._do(self._send(method, parameters))

    def run(self, script: str) -> Any:
        """Evaluate an expression in the page, awaiting a promise; raises if it throws."""
        found = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, condition: str, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not self.run(condition):
            assert time.monotonic() < end, f"never true: {condition}; console: {self.errors}"
            self._do(asyncio.sleep(0.03))

    def colours(self, scheme: str, medium: str = "") -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", media=medium, features=features)

    def size(self, width: int, height: int) -> None:
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def print(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.send("Page.printToPDF", printBackground=True)["data"]))

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(work)

    def _enable(self) -> None:
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    async def _find_page(self, port_file: Path) -> None:
        for _ in range(1000):
            if port_file.is_file() and len(port_file.read_text().split()) == 2:
                break
            await asyncio.sleep(0.03)
        port = port_file.read_text().split()[0]
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/json") as response:
            targets = await response.json()
        (url,) = [target["webSocketDebuggerUrl"] for target in targets if target["type"] == "page"]
        await self._connect(url)

    async def _connect(self, url: str) -> None:
        self._url = url
        self._session = aiohttp.ClientSession()
        self._socket = await self._session.ws_connect(url, max_msg_size=0)
        self._reader = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            said = message.json()
            if "id" in said:
                self._waiting.pop(said["id"]).set_result(said)
            elif said["method"] == "Runtime.exceptionThrown":
                self.errors.append(str(said["params"]["exceptionDetails"]))
            elif said["method"] == "Runtime.consoleAPICalled" and said["params"]["type"] in (
                "error",
                "warning",
                "assert",
            ):
                self.errors.append(str(said["params"]["args"]))
            elif said["method"] == "Log.entryAdded" and said["params"]["entry"]["level"] in ("error", "warning"):
                self.errors.append(str(said["params"]["entry"]))
            elif said["method"] == "Network.requestWillBeSent":
                self.requests.append(said["params"]["request"]["url"])

    async def _send(self, method: str, parameters: dict[str, Any]) -> Any:
        number = next(self._number)
        self._waiting[number] = answer = self._loop.create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        said = await asyncio.wait_for(answer, 60)
        assert "error" not in said, f"{method}: {said['error']}"
        return said["result"]

    async def _end(self) -> None:
        self._reader.cancel()
        await self._socket.close()
        await self._session.close()
