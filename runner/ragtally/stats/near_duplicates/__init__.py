"""Near-duplicates among texts: who has one, in which groups, with their exact Jaccard similarity."""

from ragtally.stats.near_duplicates.duplicates import Examples, NearDuplicates, near_duplicates
from ragtally.stats.near_duplicates.words import WordSequences, word_sequences

__all__ = ["Examples", "NearDuplicates", "WordSequences", "near_duplicates", "word_sequences"]
