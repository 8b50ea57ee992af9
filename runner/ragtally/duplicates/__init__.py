"""Near-duplicates among texts: who has one, in which groups, with their exact Jaccard similarity."""

from ragtally.duplicates.near import Examples, NearDuplicates, near_duplicates
from ragtally.duplicates.shingles import WordSequences, word_sequences

__all__ = ["Examples", "NearDuplicates", "WordSequences", "near_duplicates", "word_sequences"]
