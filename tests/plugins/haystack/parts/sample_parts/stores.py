"""A document store whose searches go wrong in every way that a store on a server can."""

from typing import ClassVar

from haystack import Document, component, default_from_dict, default_to_dict


class ListStore:
    """Keeps documents in a list; stores of one name share it, as a server's collection would."""

    collections: ClassVar[dict] = {}

    def __init__(self, collection: str = "one", order: str = "scores", max_top_k: int = 1000, lag: int = 0):
        self.collection, self.order, self.max_top_k, self.lag = collection, order, max_top_k, lag
        self.collections.setdefault(collection, {})
        self.batches = []

    def to_dict(self):
        return default_to_dict(self, collection=self.collection, order=self.order, max_top_k=self.max_top_k)

    @classmethod
    def from_dict(cls, data):
        return default_from_dict(cls, data)

    def count_documents(self):
        count = len(self.collections[self.collection])
        if count and self.lag:
            self.lag -= 1
            return count - 1
        return count

    def write_documents(self, documents, policy):
        self.batches.append(len(documents))
        self.collections[self.collection].update({document.id: document for document in documents})
        return len(documents)


@component
class ListRetriever:
    """Scores documents by how many of the question's words they hold; ties come last row first."""

    asked: ClassVar[list] = []

    def __init__(self, document_store: ListStore, minimum: int = 0):
        self.store, self.minimum = document_store, minimum

    @component.output_types(documents=list[Document])
    def run(self, query: str, top_k: int = 10):
        self.asked.append(top_k)
        if top_k > self.store.max_top_k:
            raise ValueError(f"top_k is at most {self.store.max_top_k}")
        words = set(query.split())
        documents = self.store.collections[self.store.collection].values()
        scored = [(float(len(words & set(document.content.split()))), document) for document in documents]
        scored = [pair for pair in scored if pair[0] >= self.minimum]
        ranked = sorted(scored, key=lambda pair: (-pair[0], -int(pair[1].id)))[:top_k]
        found = [Document(id=document.id, content="", score=score) for score, document in ranked]
        order = self.store.order
        if order == "distances":
            found = [Document(id=each.id, content="", score=9 - each.score) for each in found]
        if order == "no scores":
            found = [Document(id=each.id, content="") for each in found]
        if order == "NaN":
            found = [Document(id=each.id, content="", score=float("nan")) for each in found]
        if order == "mixed":
            found = [Document(id=each.id, content="", score=float(row % 2)) for row, each in enumerate(found)]
        if order == "strangers":
            found = [Document(id="stranger", content="", score=1.0)]
        if order == "twice":
            found = [found[0], found[0]]
        return {"documents": found}


@component
class NeedsMore:
    """A retriever that must be given what ragtally does not have."""

    def __init__(self, document_store: ListStore):
        self.store = document_store

    @component.output_types(documents=list[Document])
    def run(self, query: str, user: str, top_k: int = 10):
        return {"documents": []}


@component
class Storeless:
    """A retriever that has its documents from elsewhere."""

    def __init__(self, index: str = "web"):
        self.index = index

    @component.output_types(documents=list[Document])
    def run(self, query: str, top_k: int = 10):
        return {"documents": []}
