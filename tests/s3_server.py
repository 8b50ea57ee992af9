"""An S3 server on this machine, whose requests fail as a test says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

Fault = int | float | str
"""A status (int), seconds to wait before the request is done (float), or `cut`: half of the body arrives."""
BUCKET = "bucket"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "key-of-tests",
    "AWS_SECRET_ACCESS_KEY": "secret-of-tests-and-nobody-else",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_CODES = {403: "AccessDenied", 500: "InternalError", 503: "SlowDown"}


@dataclass
class S3Server:
    """Attributes:
    url: Where it answers.
    fault: What goes wrong with a request, by its method and path; None for nothing.
    requests: The method and path of every request.
    """

    url: str = ""
    fault: Callable[[str, str], Fault | None] = lambda method, path: None
    requests: list[tuple[str, str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {**ENVIRONMENT, "AWS_ENDPOINT_URL": self.url}

    def objects(self) -> dict[str, bytes]:
        """Everything that lies there."""
        import boto3

        client = boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
        )
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        names = [each["Key"] for page in pages for each in page.get("Contents", ())]
        return {name: client.get_object(Bucket=BUCKET, Key=name)["Body"].read() for name in names}


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Start a server with one bucket; a test is skipped where there is no moto."""
    pytest.importorskip("moto", reason="moto, flask, flask-cors and s3fs are not installed: pip install '.[dev]'")
    pytest.importorskip("s3fs", reason="s3fs is not installed: pip install '.[s3]'")
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *_: Any) -> None: ...

    server = S3Server()
    inner = DomainDispatcherApplication(create_backend_app)

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        server.requests.append((method, path))
        fault = server.fault(method, path)
        if isinstance(fault, float):
            time.sleep(fault)
        if isinstance(fault, int):
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            body = f"<Error><Code>{_CODES[fault]}</Code><Message>{_CODES[fault]}</Message></Error>".encode()
            start_response(
                f"{fault} fault", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
            )
            return [body]
        if fault == "cut":
            whole = b"".join(inner(environ, start_response))
            return [whole[: len(whole) // 2]]
        return inner(environ, start_response)

    listening = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    server.url = f"http://127.0.0.1:{listening.server_port}"
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        import requests

        requests.put(f"{server.url}/{BUCKET}", timeout=10).raise_for_status()
        server.requests.clear()
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
