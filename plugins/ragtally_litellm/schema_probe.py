"""Whether a server holds an answer to a JSON schema: tried with one that nobody would keep to by chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import requests

from ragtally import CallError, Finding, call_parameters
from ragtally.support.answer_schema import keeps_to
from ragtally.support.environment import environment, first_value
from ragtally.support.secrets import known_secrets
from ragtally_litellm.failures import CallErrors
from ragtally_litellm.model import sampling_parameters, takes_schema
from ragtally_litellm.replies import read_answer
from ragtally_litellm.request_body import RequestBody
from ragtally_litellm.routes import NATIVE, Route, authorization, endpoint, is_own_server

_WORD = "constrained"
_SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": [_WORD]}},
    "required": ["answer"],
    "additionalProperties": False,
}
_PROMPT = "How are you today? Answer in one short sentence."
_TOKENS = 64
_LONGEST_ANSWER = 60.0  # seconds: the server may have to load the model first


Way = Literal["json_schema", "json_object"]


class Trial(NamedTuple):
    """What came of one way of sending a schema."""

    schema_as: Way
    keeps: bool
    what: str  # What the server did, to follow its URL


def schema_findings(route: Route, parameters: Mapping[str, Any], url: str) -> Iterator[Finding]:
    """Say whether a reader's answers can be held to a schema by the model at a URL."""
    known = takes_schema(route, parameters)
    # What is paid by the token is not tried: the doctor pays for nothing.
    is_own = is_own_server(route, parameters["api_base"])
    if known is False or not is_own or parameters["price"] is not None:
        yield known_finding(route, parameters)
        return
    ways: list[Way] = ["json_schema"] if route.is_ollama else ["json_schema", "json_object"]
    # The way that the spec says comes first.
    ways.sort(key=lambda way: way != (parameters["schema_as"] or "json_schema"))
    trials = []
    for way in ways:
        trials.append(_try(route, parameters, url, way))
        if trials[-1].keeps:
            break
    last, first = trials[-1], trials[0]
    if not last.keeps:
        words = f"{url} {first.what}"
        remedy = "structured: false in the readers that ask it" if known else None
        yield Finding(not known, f"{words}: its answers are held to no JSON schema", remedy)
    elif known and len(trials) == 1:
        yield Finding(True, f"{url} holds answers to a JSON schema")
    else:
        message = f"{url} can hold answers to a JSON schema, which `structured: auto` then does"
        yield Finding(not known, message, f"schema_as: {last.schema_as} in the model")


def known_finding(route: Route, parameters: Mapping[str, Any]) -> Finding:
    """Say what is known without trying."""
    known = takes_schema(route, parameters)
    if known is not None:
        return Finding(True, f"{route.full_name} holds answers to {'a' if known else 'no'} JSON schema of a reader's")
    message = f"it is not known whether {route.full_name} holds answers to a JSON schema"
    return Finding(
        True, message, "structured: true in a reader sends one; schema_as: json_schema in the model for all"
    )


def _try(route: Route, parameters: Mapping[str, Any], url: str, schema_as: Way) -> Trial:
    route = Route("ollama_chat", route.model) if route.is_ollama else route
    values, provider = environment(), NATIVE[route.provider]
    key = first_value(provider.key_variables, values)
    errors = CallErrors(route, known_secrets({**values, "KEY": key or ""}))
    # With the model's own parameters, since a server may keep to a schema with `think` and not without.
    writer = RequestBody(
        route, sampling_parameters(parameters), parameters["extra"], parameters["num_ctx"], schema_as
    )
    own = {"max_tokens": _TOKENS, **call_parameters(None, _SCHEMA)}
    body = writer.of([{"role": "user", "content": _PROMPT}], own)
    try:
        response = requests.post(
            endpoint(url, provider.dialect),
            json=body,
            headers=authorization(key),
            timeout=_LONGEST_ANSWER,
            allow_redirects=False,
        )
        if response.status_code != 200:
            error = errors.from_status(response.status_code, response.headers, response.text)
            return Trial(schema_as, False, f"refuses one ({error.message})")
        answer = read_answer(response.json(), provider.dialect)
    except (requests.RequestException, CallError, ValueError) as error:
        return Trial(schema_as, False, f"gives no answer to be judged ({errors.clean(str(error))})")
    if keeps_to(answer.text, _SCHEMA):
        return Trial(schema_as, True, "keeps to it")
    if answer.finish_reason == "length" and not answer.text.strip():
        return Trial(schema_as, False, f"thinks for more than {_TOKENS} tokens before it answers")
    return Trial(schema_as, False, f"ignores one: {errors.clean(answer.text)[:80]!r}")
