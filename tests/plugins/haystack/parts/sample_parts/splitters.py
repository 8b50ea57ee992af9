"""Splitters that say no offsets, overlap, change or drop text, or fail."""

from haystack import Document, component


@component
class Words:
    """Pieces of several words, without offsets; white space at the ends is left out."""

    def __init__(self, size: int = 3, overlap: int = 0):
        self.size, self.overlap = size, overlap

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]):
        return {
            "documents": [Document(content=piece) for document in documents for piece in self.split(document.content)]
        }

    def split(self, text):
        words, at = [], 0
        for word in text.split():
            at = text.index(word, at)
            words.append((at, at + len(word)))
            at += len(word)
        for first in range(0, len(words), self.size - self.overlap):
            some = words[first : first + self.size]
            yield text[some[0][0] : some[-1][1]]
            if first + self.size >= len(words):
                return


@component
class Wrong(Words):
    """Makes one thing wrong with every document."""

    def __init__(self, how: str, size: int = 3):
        Words.__init__(self, size)
        self.how = how

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]):
        pieces = Words.run(self, documents)["documents"]
        if self.how == "changes":
            pieces = [Document(content=piece.content.upper()) for piece in pieces]
        if self.how == "drops":
            pieces = pieces[:-1]
        if self.how == "drops the middle":
            pieces = [pieces[0], *pieces[2:]]
        if self.how == "fails":
            raise RuntimeError("no more ink")
        if self.how == "misstates":
            pieces = [Document(content=piece.content, meta={"split_idx_start": 1}) for piece in pieces]
        if self.how == "pads":
            pieces = [Document(content=" "), *pieces, Document(content=""), Document(content=None)]
        if self.how == "turns round":
            pieces = pieces[::-1]
        return {"documents": pieces}


@component
class NeedsWarming(Words):
    """Works only once it is warm."""

    warm = False

    def warm_up(self):
        self.warm = True

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]):
        assert self.warm
        return Words.run(self, documents)
