"""The gRPC side: batches, searches and counts, in the messages of the client's generated classes."""

from __future__ import annotations

import time
import uuid
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray
from weaviate.proto.v1 import (
    aggregate_pb2,
    batch_delete_pb2,
    batch_pb2,
    properties_pb2,
    search_get_pb2,
    weaviate_pb2_grpc,
)

from weaviate_server.collections import Collection, Held, fused
from weaviate_server.faults import Faults
from weaviate_server.rest import with_defaults

READ_ONLY = "store is read-only due to: disk usage too high. Set to read-only at 91.20%"


class Service(weaviate_pb2_grpc.WeaviateServicer):  # type: ignore[misc]
    """Answers every call, in threads."""

    def __init__(self, faults: Faults, collections: dict[str, Collection]) -> None:
        self.faults, self.collections = faults, collections

    def BatchObjects(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self.faults.lock:
            self._admit(context, "batch")
            errors, stored = [], list[Held]()
            for location, each in enumerate(request.objects):
                if why := self._refusal(each):
                    errors.append(batch_pb2.BatchObjectsReply.BatchError(index=location, error=why))
                elif (held := self._put(each)) is not None:
                    stored.append(held)
            # Objects are stored at once and indexed after: what is interrupted is there, and no search finds it.
            if self.faults.dies_after is not None:
                if self.faults.dies_after <= 0:
                    context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
                self.faults.dies_after -= 1
        time.sleep(self.faults.hang + self.faults.indexing)
        if not context.is_active():
            return batch_pb2.BatchObjectsReply(took=0.0)
        with self.faults.lock:
            for held in stored:
                held.indexed = held.properties.get("_original_id") not in self.faults.unindexed
            for name in {each.collection for each in request.objects} & self.collections.keys():
                self.collections[name].changes += 1
        return batch_pb2.BatchObjectsReply(took=0.0, errors=errors)

    def BatchDelete(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self.faults.lock:
            self._admit(context, "batch delete")
            collection = self.collections[request.collection]
            names = [uuid.UUID(name).bytes for name in request.filters.value_text_array.values]
            count = sum(collection.delete(name) for name in names)
        return batch_delete_pb2.BatchDeleteReply(took=0.0, matches=count, successful=count, failed=0)

    def Aggregate(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._admit(context, "count")
        count = len(self.collections[request.collection].objects) - self.faults.loses
        return aggregate_pb2.AggregateReply(single_result=aggregate_pb2.AggregateReply.Single(objects_count=count))

    def Search(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self.faults.lock:
            kind = next(
                (name for name in ("bm25_search", "near_vector", "hybrid_search") if request.HasField(name)), "list"
            )
            self._admit(context, kind)
            if kind != "list" and self.faults.searches is not None:
                if self.faults.searches <= 0:
                    context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
                self.faults.searches -= 1
        time.sleep(self.faults.hang)
        if request.collection not in self.collections:
            context.abort(grpc.StatusCode.UNKNOWN, f"could not find class {request.collection} in schema")
        collection = self.collections[request.collection]
        found, what = _found(collection, request, kind, self.faults.misses)
        if self.faults.last_first and what:
            nearer = 1 if what == "distance" else -1
            found = found[::-1]
            found.sort(key=lambda each: nearer * (each[1] or 0.0))
        results = [_result(request, collection, name, value, what) for name, value in found[: request.limit]]
        return search_get_pb2.SearchReply(took=0.0, results=results)

    def _admit(self, context: Any, what: str) -> None:
        self.faults.calls.append(what)
        self.faults.headers = dict(context.invocation_metadata())
        if self.faults.key is not None and self.faults.headers.get("authorization") != f"Bearer {self.faults.key}":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "unauthorized: anonymous access not enabled")

    def _refusal(self, each: Any) -> str | None:
        row = dict(each.properties.non_ref_properties).get("_original_id", "")
        if self.faults.read_only:
            return READ_ONLY
        if self.faults.refused.get(row, 0) > 0:
            self.faults.refused[row] -= 1
            return f"put object: not enough memory for {row}"
        return None

    def _put(self, each: Any) -> Held | None:
        vector = next((_numbers(vector.vector_bytes) for vector in each.vectors if vector.name == "default"), None)
        if each.collection not in self.collections:
            # The server's auto-schema.
            self.collections[each.collection] = Collection(
                with_defaults({"class": each.collection, "vectorizer": "none"})
            )
        collection, properties = self.collections[each.collection], dict(each.properties.non_ref_properties)
        return collection.put(uuid.UUID(each.uuid).bytes, properties, vector)


def _found(
    collection: Collection, request: Any, kind: str, misses: int
) -> tuple[list[tuple[bytes, float | None]], str]:
    among = _among(collection, request.filters) if request.HasField("filters") else None
    if kind == "list":
        after = uuid.UUID(request.after).bytes if request.after else b""
        names = [name for name in collection.ordered() if name > after]
        return [(name, None) for name in names if among is None or name in among], ""
    most = request.limit
    if kind == "bm25_search":
        search = request.bm25_search
        return list(collection.keywords(search.query, search.properties[0], most)), "score"
    if kind == "near_vector":
        return list(collection.near(_vector_of(request.near_vector), most, misses, among)), "distance"
    search = request.hybrid_search
    alpha = search.alpha_param if search.use_alpha_param else search.alpha
    words = collection.keywords(search.query, search.properties[0], most)
    vector = _vector_of(search) if search.vectors or search.vector_bytes or search.HasField("near_vector") else None
    near = [] if vector is None or not alpha else collection.near(vector, most, misses)
    ranked = search.fusion_type == search.FUSION_TYPE_RANKED
    return list(fused(words if alpha < 1 else [], near, alpha, ranked)), "score"


def _among(collection: Collection, filters: Any) -> set[bytes]:
    values, name = set(filters.value_text_array.values), filters.target.property
    if name == "_id":
        return {uuid.UUID(value).bytes for value in values} & collection.objects.keys()
    return {key for key, held in collection.objects.items() if held.properties[name] in values}


def _vector_of(search: Any) -> NDArray[np.float32]:
    if hasattr(search, "near_vector") and search.HasField("near_vector"):
        return _vector_of(search.near_vector)
    if hasattr(search, "vector_for_targets") and search.vector_for_targets:
        target = search.vector_for_targets[0]
        return _numbers(target.vectors[0].vector_bytes if target.vectors else target.vector_bytes)
    return _numbers(search.vectors[0].vector_bytes if search.vectors else search.vector_bytes)


def _numbers(content: bytes) -> NDArray[np.float32]:
    return np.frombuffer(content, dtype="<f4")


def _result(request: Any, collection: Collection, name: bytes, value: float | None, what: str) -> Any:
    metadata: dict[str, Any] = {"id_as_bytes": name, "id": str(uuid.UUID(bytes=name))}
    if what and getattr(request.metadata, what):
        metadata |= {what: value, f"{what}_present": True}
    if what == "distance" and request.metadata.certainty:
        metadata |= {"certainty": 1 - (value or 0) / 2, "certainty_present": True}
    held = collection.objects[name]
    if request.metadata.vector and held.vector is not None:
        metadata["vector_bytes"] = held.vector.tobytes()
    properties = properties_pb2.Properties(
        fields={
            wanted: properties_pb2.Value(text_value=str(held.properties[wanted]))
            for wanted in request.properties.non_ref_properties
        }
    )
    return search_get_pb2.SearchResult(
        metadata=search_get_pb2.MetadataResult(**metadata),
        properties=search_get_pb2.PropertiesResult(non_ref_props=properties, target_collection=request.collection),
    )
