"""The REST side: version, readiness, and the schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

from weaviate_server.collections import Collection
from weaviate_server.faults import Faults

_HNSW: Mapping[str, Any] = {
    "cleanupIntervalSeconds": 300, "distance": "cosine", "dynamicEfFactor": 8, "dynamicEfMax": 500,
    "dynamicEfMin": 100, "ef": -1, "efConstruction": 128, "filterStrategy": "sweeping", "flatSearchCutoff": 40000,
    "maxConnections": 32, "skip": False, "vectorCacheMaxObjects": 1000000000000,
    "pq": {"enabled": False}, "bq": {"enabled": False}, "sq": {"enabled": False},
}  # fmt: skip
_FLAT: Mapping[str, Any] = {"distance": "cosine", "vectorCacheMaxObjects": 1000000000000}
_CLASS: Mapping[str, Any] = {
    "multiTenancyConfig": {"enabled": False, "autoTenantCreation": False, "autoTenantActivation": False},
    "replicationConfig": {"factor": 1, "asyncEnabled": False, "deletionStrategy": "NoAutomatedResolution"},
    "shardingConfig": {
        "virtualPerPhysical": 128, "desiredCount": 1, "actualCount": 1, "desiredVirtualCount": 128,
        "actualVirtualCount": 128, "key": "_id", "strategy": "hash", "function": "murmur3",
    },
}  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    faults: Faults
    collections: dict[str, Collection]
    protocol_version = "HTTP/1.1"
    # Head and body in one piece: two would wait for each other's acknowledgement.
    wbufsize = -1

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].removeprefix("/v1")
        if path == "/.well-known/openid-configuration":
            return self._answer(404)
        if not self._allowed():
            return None
        if path == "/.well-known/ready":
            return self._answer(200 if self.faults.ready else 503)
        if path == "/meta":
            return self._answer(200, {"hostname": "http://[::]:8080", "modules": {}, "version": self.faults.version})
        if path == "/schema":
            return self._answer(200, {"classes": [each.schema for each in self.collections.values()]})
        if path.startswith("/nodes/"):
            return self._nodes(path.removeprefix("/nodes/"))
        found = self.collections.get(path.removeprefix("/schema/"))
        return self._answer(200, found.schema) if found else self._answer(404)

    def do_POST(self) -> None:
        given = self._body()
        if not self._allowed():
            return None
        self.faults.calls.append("create")
        if given["class"] in self.collections:
            return self._answer(422, {"error": [{"message": f"class name {given['class']} already exists"}]})
        self.collections[given["class"]] = Collection(with_defaults(given))
        return self._answer(200, given)

    def do_PUT(self) -> None:
        given, name = self._body(), self.path.removeprefix("/v1/schema/")
        if not self._allowed():
            return None
        self.faults.calls.append("update")
        if name not in self.collections:
            return self._answer(404)
        self.collections[name].schema = given
        return self._answer(200, given)

    def do_DELETE(self) -> None:
        if not self._allowed():
            return None
        self.faults.calls.append("delete")
        self.collections.pop(self.path.removeprefix("/v1/schema/"), None)
        return self._answer(200)

    def _allowed(self) -> bool:
        if self.faults.key is None or self.headers.get("Authorization") == f"Bearer {self.faults.key}":
            return True
        said = self.headers.get("Authorization", "")
        self._answer(401, {"error": [{"message": f"anonymous access not enabled, got {said}"}]})
        return False

    def _nodes(self, name: str) -> None:
        with self.faults.lock:
            waiting, self.faults.queue = self.faults.queue, max(0, self.faults.queue - 1)
        count = len(self.collections[name].objects)
        shard = {
            "class": name, "name": "one", "objectCount": count, "vectorIndexingStatus": "READY",
            "vectorQueueLength": waiting, "compressed": False, "loaded": True,
        }  # fmt: skip
        node = {
            "name": "node1", "status": "HEALTHY", "version": self.faults.version, "gitHash": "0", "shards": [shard],
            "stats": {"objectCount": count, "shardCount": 1},
        }  # fmt: skip
        return self._answer(200, {"nodes": [node]})

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, status: int, content: Any = None) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


def with_defaults(given: dict[str, Any]) -> dict[str, Any]:
    inverted = given.get("invertedIndexConfig") or {}
    stop = {"preset": "en", "additions": None, "removals": None} | (inverted.get("stopwords") or {})
    full = {**_CLASS, **given}
    full["invertedIndexConfig"] = {"cleanupIntervalSeconds": 60, "bm25": {"b": 0.75, "k1": 1.2}, **inverted}
    full["invertedIndexConfig"]["stopwords"] = stop
    for vector in full.get("vectorConfig", {}).values():
        usual = _FLAT if vector["vectorIndexType"] == "flat" else _HNSW
        vector["vectorIndexConfig"] = {**usual, **(vector.get("vectorIndexConfig") or {})}
    for each in full.get("properties", ()):
        each.setdefault("tokenization", "word")
        for index in ("indexFilterable", "indexSearchable", "indexRangeFilters"):
            each.setdefault(index, index != "indexRangeFilters")
    return full
