"""What went wrong with the server, in words, with what to do about it; keys never among them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import httpx
from weaviate import exceptions

from ragtally import RagtallyError
from ragtally.support.environment import environment
from ragtally.support.secrets import known_secrets, redact_line
from ragtally_weaviate.server import KEY

LOOK = "ragtally doctor SPEC says what is missing"
AGAIN = "what is written stays: the same command goes on from there"
# The oldest server that the client library talks to.
OLDEST = "1.27"

_KINDS = (
    (r"read.?only|READONLY", "takes no writes", "make room on its disk, and set it ready: curl -X PUT "
     "-H 'Content-Type: application/json' -d '{{\"status\": \"READY\"}}' {url}/v1/schema/COLLECTION/shards/SHARD"),
    (r"no space|disk (usage|is full|full)|not enough (memory|disk)|memory pressure|out of memory|RESOURCE_EXHAUSTED",
     "is full", "make room: disk or memory of the server"),
    (r"is not supported\. Please use Weaviate version", f"is older than {OLDEST}",
     "start a newer one: docker compose pull && docker compose up --detach --wait"),
    (r"\b401\b|UNAUTHENTICATED|unauthorized|anonymous access not enabled|login credentials",
     f"does not take the key in {KEY}, or wants one", f"export {KEY}=..."),
    (r"\b403\b|PERMISSION_DENIED|forbidden|insufficient permissions", "does not allow this to the key",
     f"give the key in {KEY} the right to make, read and delete collections named Ragtally_*"),
    (r"DEADLINE_EXCEEDED|Deadline Exceeded|timed out|timeout", "did not answer in time",
     "raise `timeout`, or lower `batch` and `concurrency`"),
    (r"UNAVAILABLE|Connection refused|Could not connect|Connection to Weaviate failed|Connection reset|"
     r"Server disconnected|failed to connect|Socket closed|GOAWAY|recvmsg|EOF",
     "does not answer", "start it (`docker compose up --detach --wait`), or mend WEAVIATE_URL"),
)  # fmt: skip


class ServerError(RagtallyError):
    """A Weaviate server does not do what it is asked to."""


@contextmanager
def word_failure(url: str, doing: str, *, then: str = AGAIN) -> Iterator[None]:
    """Turn what the client library raises into an error with a hint."""
    try:
        yield
    except (exceptions.WeaviateBaseError, httpx.HTTPError, grpc.RpcError, ConnectionError, TimeoutError) as error:
        texts = message_of(error)
        raise server_error(url, doing, " ".join(texts), shown=texts[-1], then=then) from None


def message_of(error: BaseException) -> list[str]:
    """List what an exception says, and what each of its causes does, the first cause last."""
    texts = [str(error) or type(error).__name__]
    if isinstance(error, grpc.RpcError) and hasattr(error, "code"):
        texts = [f"{error.code().name}: {error.details()}"]
    cause = error.__cause__ or error.__context__
    return [*texts, *(message_of(cause) if isinstance(cause, Exception) else [])]


def server_error(url: str, doing: str, text: str, *, shown: str | None = None, then: str = AGAIN) -> ServerError:
    """Make the error for something that the server or the library said."""
    what, hint = next(
        ((what, hint) for pattern, what, hint in _KINDS if re.search(pattern, text, re.IGNORECASE)), ("failed", LOOK)
    )
    hints = [hint.format(url=url), *([then] if then else [])]
    shown = without_keys(text if shown is None else shown)
    return ServerError(f"Weaviate at {url} {what} ({doing}): {shown}", hint="; ".join(hints))


def without_keys(text: str) -> str:
    """Write what somebody else said as one line that is not too long, keys hidden."""
    return redact_line(text, known_secrets(environment()))
