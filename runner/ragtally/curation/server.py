"""The page on which a person decides: a server for this machine alone, behind a random token.

Any other page that the browser has open could send requests to it, and other users of the machine could too: so
nothing is answered without the token, which is a part of the path, nor under another host's name (DNS rebinding), and
nothing is saved that another origin sends (CSRF).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

from aiohttp import web

from ragtally.api import RagtallyError
from ragtally.curation.curated import expert_word
from ragtally.curation.decisions import CHOICES, WAYS, Decision, ExampleText, parse_seconds
from ragtally.curation.review import Review
from ragtally.examples.example import Turn

_HOST = "127.0.0.1"
_NAMES = (_HOST, "localhost")
_FIRST_PORT, _PORTS = 49_152, 16_384
_TRIES = 20
_ASSETS = {"": "curate.html", "curate.css": "curate.css", "curate.js": "curate.js"}
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_LARGEST = 64 << 20
_HEADERS = {
    # Nothing from elsewhere, nothing inline: what an example says cannot become a script, a style or a request.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class CurationServer:
    """Serves the page, and saves what it sends."""

    def __init__(self, review: Review, person: str) -> None:
        self.token = secrets.token_urlsafe(24)
        self._review = review
        self._person = person
        # One at a time, in another thread: a decision is on disk before it is acknowledged.
        self._turn = asyncio.Lock()

    async def start(self, folder: Path, port: int | None) -> tuple[web.AppRunner, str]:
        """Listen, and return what to clean up at the end and the page's address."""
        app = web.Application(client_max_size=_LARGEST, middlewares=[self._guard])
        app.add_routes(
            [
                *(web.get(f"/{self.token}/{name}", self._asset) for name in _ASSETS),
                web.get(f"/{self.token}/index", self._index),
                web.get(f"/{self.token}/state", self._state),
                web.get(f"/{self.token}/search", self._search),
                web.get(f"/{self.token}/examples/{{example}}", self._example),
                web.post(f"/{self.token}/decisions", self._decide),
            ]
        )
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
        await runner.setup()
        for candidate in [port] if port is not None else _ports(folder):
            try:
                await web.TCPSite(runner, _HOST, candidate).start()
            except OSError as error:
                reason = error.strerror or str(error)
                continue
            return runner, f"http://{_HOST}:{runner.addresses[0][1]}/{self.token}/"
        await runner.cleanup()
        raise RagtallyError(f"no port could be opened on this machine: {reason}", hint="name a free one with --port")

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response: web.StreamResponse
        try:
            self._require_own(request)
            response = await handler(request)
        except web.HTTPException as error:
            response = web.Response(status=error.status, text=error.text)
        response.headers.update(_HEADERS)
        return response

    def _require_own(self, request: web.Request) -> None:
        host, _, _ = request.host.rpartition(":")
        token = request.path.split("/")[1]
        if host not in _NAMES or not hmac.compare_digest(token.encode(), self.token.encode()):
            raise web.HTTPNotFound(text="open the address that `ragtally curate` printed")
        if request.method != "GET":
            if request.headers.get("Origin") != f"http://{request.host}":
                raise web.HTTPForbidden(text="only the page itself may send decisions")
            if request.content_type != "application/json":
                raise web.HTTPUnsupportedMediaType(text="decisions are sent as JSON")

    async def _asset(self, request: web.Request) -> web.Response:
        name = _ASSETS[request.path.rpartition("/")[2]]
        body = (resources.files(__package__) / "assets" / name).read_bytes()
        return web.Response(body=body, content_type=_TYPES[Path(name).suffix], charset="utf-8")

    async def _index(self, request: web.Request) -> web.Response:
        """Every example in short, as columns, and what is decided: half a megabyte for 5,000."""
        async with self._turn:
            content = await asyncio.to_thread(self._index_content)
        return _json(content)

    def _index_content(self) -> Mapping[str, Any]:
        review = self._review
        ids = [row["example"] for row in review.rows]
        columns = {name: [row[name] for row in review.rows] for name in ("kind", "generator", "status", "doubt")}
        place = hashlib.blake2b(str(review.log.path.resolve()).encode(), digest_size=8).hexdigest()
        return {
            "study": review.study,
            "person": self._person,
            "log": place,
            "labels": review.labels,
            "columns": {
                "example": ids,
                **columns,
                "digest": [review.texts[example].digest for example in ids],
                "snippet": [review.snippet(example) for example in ids],
            },
            **self._state_content(),
        }

    async def _state(self, request: web.Request) -> web.Response:
        """What is decided, where that is not what the page knows."""
        async with self._turn:
            if request.query.get("version") == _version(self._review):
                return _json({"version": request.query["version"]})
            content = await asyncio.to_thread(self._state_content)
        return _json(content)

    def _state_content(self) -> dict[str, Any]:
        verdicts = self._review.verdicts()
        return {
            "version": _version(self._review),
            "per_hour": self._review.per_hour(self._person),
            "outdated": len(verdicts.outdated),
            "foreign": len(verdicts.foreign),
            "decisions": {example: self._decision_state(example) for example in verdicts.by_example},
        }

    def _decision_state(self, example: str) -> dict[str, Any] | None:
        verdict = self._review.verdicts().by_example.get(example)
        if verdict is None:
            return None
        return {
            "word": expert_word(verdict),
            "digest": self._review.text(example).digest,
            "by": [[one.person, one.choice, one.reason] for one in verdict.decisions],
        }

    async def _search(self, request: web.Request) -> web.Response:
        terms = request.query.get("terms", "").casefold().split()
        rows = [row for row, text in enumerate(self._review.lower_texts) if all(term in text for term in terms)]
        return _json({"rows": rows})

    async def _example(self, request: web.Request) -> web.Response:
        review, example = self._review, request.match_info["example"]
        row = review.row(example)
        if row is None:
            raise web.HTTPNotFound(text="there is no such example")
        async with self._turn:
            text, passage = review.text(example), review.passage_of(example)
        about = ("kind", "generator", "origin", "round", "document", "location", "start", "end", "status", "reasons")
        return _json(
            {
                "example": example,
                **{name: row.get(name) for name in about},
                "text": _text_json(text),
                "original": _text_json(review.texts[example]),
                "digest": text.digest,
                "ballots": review.ballots_of(example),
                "passage": None if passage is None else asdict(passage),
            }
        )

    async def _decide(self, request: web.Request) -> web.Response:
        try:
            rows = json.loads(await request.text())["decisions"]
            rows_by_key = [(str(row["key"]), row) for row in rows]
        except (ValueError, KeyError, TypeError) as error:
            raise web.HTTPBadRequest(text=f"this is no list of decisions: {error}") from error
        async with self._turn:
            try:
                content = await asyncio.to_thread(self._save, rows_by_key)
            except RagtallyError as error:
                # The page keeps what it could not send, and shows this.
                raise web.HTTPServiceUnavailable(text=str(error)) from error
        return _json(content)

    def _save(self, rows_by_key: list[tuple[str, Any]]) -> dict[str, Any]:
        keys: list[str] = []
        refusals: dict[str, str] = {}
        decisions: list[Decision] = []
        before = _version(self._review)
        for key, row in rows_by_key:
            try:
                decisions.append(self._decision(row))
                keys.append(key)
            except (ValueError, KeyError, TypeError) as error:
                refusals[key] = str(error)
        self._review.append(decisions)
        examples = dict.fromkeys(one.example for one in decisions)
        return {
            "saved": keys,
            "refused": refusals,
            "before": before,
            "version": _version(self._review),
            "per_hour": self._review.per_hour(self._person),
            "decisions": {example: self._decision_state(example) for example in examples},
        }

    def _decision(self, row: Mapping[str, Any]) -> Decision:
        example, choice, way = str(row["example"]), row["choice"], row["way"]
        if self._review.row(example) is None:
            raise ValueError("the study has no such example any more")
        if choice not in CHOICES or way not in WAYS:
            raise ValueError(f"{choice!r} ({way!r}) is no decision")
        if not self._review.accepts_digest(example, str(row["digest"])):
            raise ValueError("the example's text has changed since it was shown")
        text = _text_of(row["text"], self._review.texts[example]) if choice == "edit" else None
        return Decision(
            example=example,
            choice=choice,
            person=" ".join(str(row["person"]).split()) or self._person,
            at=str(row["at"]),
            digest=str(row["digest"]),
            text=text,
            reason=str(row["reason"]) if row["reason"] else None,
            seconds=parse_seconds("" if row["seconds"] is None else str(row["seconds"])),
            way=way,
        )


def _text_of(content: Mapping[str, Any], original: ExampleText) -> ExampleText:
    turns = tuple(Turn(str(role), str(words).strip()) for role, words in content["turns"])
    if [turn.role for turn in turns] != [turn.role for turn in original.turns] or not all(
        turn.text for turn in turns
    ):
        raise ValueError("an edit leaves no turn out, and none empty")
    about, label = content["input"], content["label"]
    if (original.label is None) != (label is None):
        raise ValueError("an edit leaves a label a label")
    return ExampleText(turns, str(about) if about else None, None if label is None else str(label))


def _text_json(text: ExampleText) -> dict[str, Any]:
    return {"turns": [list(turn) for turn in text.turns], "input": text.input, "label": text.label}


def _version(review: Review) -> str:
    return "-".join(map(str, review.log.version()))


def _json(content: Mapping[str, Any]) -> web.Response:
    return web.json_response(
        content, dumps=lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    )


def _ports(folder: Path) -> list[int]:
    """The same ports for the same study: unsent decisions wait in the browser for a page at this address."""
    first = int.from_bytes(hashlib.blake2b(str(folder.resolve()).encode(), digest_size=4).digest())
    return [_FIRST_PORT + (first + number) % _PORTS for number in range(_TRIES)]
