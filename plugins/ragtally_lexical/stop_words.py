"""Stop words by language: the lists of bm25s."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from ragtally import PluginError
from ragtally_lexical.parameters import STOPWORDS


def stop_words(language: str | None) -> frozenset[str]:
    """Get a language's stop words."""
    if language is None:
        return frozenset()
    # Importing bm25s takes more than a second (it loads numba and more); its lists are a module of tuples beside it.
    package = importlib.util.find_spec("bm25s")
    path = Path(package.origin).with_name("stopwords.py") if package and package.origin else None
    spec = importlib.util.spec_from_file_location("bm25s_stopwords", path) if path and path.is_file() else None
    if spec is None or spec.loader is None:
        raise PluginError("bm25s with its stop words is not installed", hint="pip install 'bm25s>=0.3.16'")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    words = getattr(module, STOPWORDS[language], None)
    if words is None:
        raise PluginError(f"the installed bm25s has no stop words for {language}", hint="pip install 'bm25s>=0.3.16'")
    return frozenset(words)
