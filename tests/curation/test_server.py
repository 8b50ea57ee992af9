"""The page's server answers nobody without the token, and acknowledges what is on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import polars as pl
import pytest

from ragtally.curation.decisions import DecisionLog
from ragtally.curation.review import Review
from ragtally.curation.server import CurationServer
from sample_examples import write_examples

Answer = tuple[int, dict[str, str], Any]


class Client:
    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self.session, self.address = session, address
        self.origin = address.rsplit("/", 2)[0]

    async def get(self, path: str = "", **headers: str) -> Answer:
        async with self.session.get(self.address + path, headers=headers) as response:
            json = response.content_type == "application/json"
            return response.status, dict(response.headers), await (response.json() if json else response.text())

    async def post(self, *decisions: dict[str, Any], **headers: str) -> Answer:
        headers = {"Origin": self.origin, **headers}
        body = {"decisions": decisions}
        async with self.session.post(self.address + "decisions", json=body, headers=headers) as response:
            json = response.content_type == "application/json"
            return response.status, {}, await (response.json() if json else response.text())


def serve(review: Review, folder: Path, work: Callable[[Client], Awaitable[None]]) -> None:
    async def run() -> None:
        runner, address = await CurationServer(review, "ana").start(folder, None)
        try:
            async with aiohttp.ClientSession() as session:
                await work(Client(session, address))
        finally:
            await runner.cleanup()

    asyncio.run(run())


def decision(review: Review, row: int = 0, **others: Any) -> dict[str, Any]:
    example = review.rows[row]["example"]
    values = {"key": f"k{row}", "example": example, "choice": "accept", "person": "ana", "seconds": 2.5, "text": None}
    moment = {"at": "2026-11-28T19:00:00.000Z", "way": "page", "reason": None}
    return {**values, **moment, "digest": review.texts[example].digest, **others}


def test_nothing_is_answered_without_the_token_or_to_another_name(review: Review, folder: Path) -> None:
    async def work(client: Client) -> None:
        status, headers, page = await client.get()
        assert status == 200
        assert "<title>ragtally curate</title>" in page
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        for asset in ("curate.js", "curate.css", "index", "state"):
            assert (await client.get(asset))[0] == 200
        assert (await client.get("index", Host="attacker.example"))[0] == 404
        own = client.address
        for other in (
            client.origin + "/",
            client.origin + "/index",
            own[:-2] + "x/",
            client.origin + "/../etc/passwd",
        ):
            client.address = other
            assert (await client.get())[0] == 404
            assert (await client.get("index"))[0] == 404

    serve(review, folder, work)


def test_another_origin_saves_nothing(review: Review, folder: Path) -> None:
    async def work(client: Client) -> None:
        one = decision(review)
        assert (await client.post(one, Origin="http://attacker.example"))[0] == 403
        assert (await client.post(one, **{"Content-Type": "text/plain"}))[0] == 415
        assert (await client.post(one, Host="attacker.example"))[0] == 404
        assert not review.log.path.exists()

    serve(review, folder, work)


def test_a_decision_is_on_disk_when_it_is_acknowledged_and_saved_once(review: Review, folder: Path) -> None:
    async def work(client: Client) -> None:
        one, other = decision(review), decision(review, 1, choice="reject", reason="wrong")
        status, _, answer = await client.post(one, other)
        assert (status, answer["saved"], answer["refused"]) == (200, ["k0", "k1"], {})
        assert [line.choice for line in review.log.read()] == ["accept", "reject"]
        assert (await client.post(one))[2]["saved"] == ["k0"]
        assert len(review.log.read()) == 2
        state = (await client.get("state"))[2]
        assert state["decisions"][other["example"]]["by"] == [["ana", "reject", "wrong"]]
        assert (await client.get(f"state?version={state['version']}"))[2] == {"version": state["version"]}

    serve(review, folder, work)


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"example": "0" * 16}, "no such example"),
        ({"digest": "0" * 16}, "has changed"),
        ({"choice": "delete"}, "is no decision"),
        ({"choice": "edit"}, ""),
        ({"choice": "edit", "text": {"turns": [["user", "x"]], "input": None, "label": None}}, "leaves no turn out"),
        ({"seconds": "nan"}, "no number of seconds"),
    ],
)
def test_what_cannot_be_saved_is_refused_alone(
    review: Review, folder: Path, others: dict[str, Any], message: str
) -> None:
    async def work(client: Client) -> None:
        _, _, answer = await client.post(decision(review, **others), decision(review, 1))
        assert answer["saved"] == ["k1"]
        assert message in answer["refused"]["k0"]

    serve(review, folder, work)


def test_a_log_that_cannot_be_written_keeps_decisions_with_the_page(review: Review, folder: Path) -> None:
    async def work(client: Client) -> None:
        review.log.path.write_text("something else\n")
        status, _, message = await client.post(decision(review))
        assert status == 503
        assert "no log of decisions" in message

    serve(review, folder, work)


def test_an_example_comes_with_passage_and_ballots(review: Review, folder: Path) -> None:
    async def work(client: Client) -> None:
        row = review.rows[0]
        _, _, one = await client.get(f"examples/{row['example']}")
        assert one["text"]["turns"] == [[turn["role"], turn["text"]] for turn in row["turns"]]
        assert len(one["passage"]["text"]) == row["end"] - row["start"]
        assert len(one["ballots"]) == 4
        assert (await client.get("examples/none"))[0] == 404
        assert len((await client.get("search?terms=Thing"))[2]["rows"]) == len(review.rows)
        assert (await client.get("search?terms=nowhere"))[2]["rows"] == []

    serve(review, folder, work)


def test_a_second_page_of_the_same_study_gets_another_port(review: Review, folder: Path) -> None:
    async def work(client: Client) -> None:
        async def inner(other: Client) -> None:
            assert other.origin != client.origin
            await other.post(decision(review))

        runner, address = await CurationServer(review, "bob").start(folder, None)
        await inner(Client(client.session, address))
        await runner.cleanup()
        # What another process saved is seen.
        assert len((await client.get("state"))[2]["decisions"]) == 1

    serve(review, folder, work)


def test_duplicates_are_not_shown(tmp_path: Path) -> None:
    write_examples(tmp_path, 4)
    path = tmp_path / "examples.parquet"
    table = pl.read_parquet(path)
    table.with_columns(status=pl.Series(["duplicate", "leaks_test_question", "rejected", "undecided"])).write_parquet(
        path
    )
    assert len(Review(tmp_path, DecisionLog(tmp_path / "log.csv")).rows) == 2
