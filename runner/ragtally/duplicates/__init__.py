"""Near-duplicates among texts: who has one, in which groups, with their exact Jaccard similarity.

Imported with the first use: SciPy and Numba take a third of a second, and most commands look for no duplicates.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragtally.duplicates.near import Examples, NearDuplicates, near_duplicates
    from ragtally.duplicates.shingles import WordSequences, word_sequences

_MODULES = {
    **dict.fromkeys(("Examples", "NearDuplicates", "near_duplicates"), "near"),
    **dict.fromkeys(("WordSequences", "word_sequences"), "shingles"),
}
__all__ = ["Examples", "NearDuplicates", "WordSequences", "near_duplicates", "word_sequences"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
