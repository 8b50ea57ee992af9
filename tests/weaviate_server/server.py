"""The stand-in, started and stopped."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from typing import Any

import grpc
from weaviate.proto.v1 import health_weaviate_pb2, weaviate_pb2_grpc

from weaviate_server.collections import Collection
from weaviate_server.faults import Faults
from weaviate_server.rest import Handler
from weaviate_server.rpc import Service


@dataclass
class StubServer:
    """A running stand-in.

    Attributes:
        url: Its address for REST.
        grpc_port: Its port for gRPC.
        faults: What it does wrong; may be changed.
        collections: What it holds, by name.
    """

    url: str
    grpc_port: int
    faults: Faults
    collections: dict[str, Collection]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that name it."""
        return {"WEAVIATE_URL": self.url, "WEAVIATE_GRPC_PORT": str(self.grpc_port)}


@contextlib.contextmanager
def started(faults: Faults | None = None) -> Iterator[StubServer]:
    """Start one on loopback, and stop it in the end."""
    faults, collections = faults or Faults(), dict[str, Collection]()
    handler = type("BoundHandler", (Handler,), {"faults": faults, "collections": collections})
    rest = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    rest.daemon_threads = True
    rpc = grpc.server(ThreadPoolExecutor(max_workers=8))
    weaviate_pb2_grpc.add_WeaviateServicer_to_server(Service(faults, collections), rpc)
    rpc.add_generic_rpc_handlers((_health(faults),))
    port = rpc.add_insecure_port("127.0.0.1:0")
    rpc.start()
    thread = threading.Thread(target=rest.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield StubServer(f"http://127.0.0.1:{rest.server_address[1]}", port, faults, collections)
    finally:
        rest.shutdown()
        rest.server_close()
        thread.join()
        rpc.stop(None).wait()


def _health(faults: Faults) -> Any:
    answer = health_weaviate_pb2.WeaviateHealthCheckResponse

    def check(request: Any, context: Any) -> Any:
        return answer(status=answer.SERVING if faults.serving else answer.NOT_SERVING)

    method = grpc.unary_unary_rpc_method_handler(
        check,
        request_deserializer=health_weaviate_pb2.WeaviateHealthCheckRequest.FromString,
        response_serializer=answer.SerializeToString,
    )
    return grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": method})
