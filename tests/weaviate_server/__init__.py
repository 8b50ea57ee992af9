"""A stand-in for a Weaviate server on loopback: the client's own protobuf and REST messages, exact search, faults.

It proves what ragtally does with a server's answers, not that a server answers so: with `WEAVIATE_URL` set the tests
run against a real one.
"""

from weaviate_server.faults import Faults
from weaviate_server.server import StubServer, started

__all__ = ["Faults", "StubServer", "started"]
