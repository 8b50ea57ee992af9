"""How a text becomes tokens, and tokens terms, by the parameters that a spec gives."""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragtally import ParameterFault, PluginError
from ragtally.support.unspaced import LANGUAGES_WITHOUT_SPACES, SIGNS_AND_MARKS

# fmt: off
# The stemmers of PyStemmer (Snowball).
STEMMERS = [
    "arabic", "armenian", "basque", "catalan", "czech", "danish", "dutch", "dutch_porter", "english", "esperanto",
    "estonian", "finnish", "french", "german", "greek", "hindi", "hungarian", "indonesian", "irish", "italian",
    "lithuanian", "nepali", "norwegian", "persian", "polish", "porter", "portuguese", "romanian", "russian",
    "serbian", "sesotho", "spanish", "swedish", "tamil", "turkish", "yiddish",
]
# fmt: on

# The lists of stop words of bm25s, and what each is called there.
STOPWORDS = {
    "english": "STOPWORDS_EN",
    "english_plus": "STOPWORDS_EN_PLUS",
    "danish": "STOPWORDS_DANISH",
    "dutch": "STOPWORDS_DUTCH",
    "french": "STOPWORDS_FRENCH",
    "german": "STOPWORDS_GERMAN",
    "italian": "STOPWORDS_ITALIAN",
    "korean": "STOPWORDS_KOREAN",
    "norwegian": "STOPWORDS_NORWEGIAN",
    "portuguese": "STOPWORDS_PORTUGUESE",
    "russian": "STOPWORDS_RUSSIAN",
    "spanish": "STOPWORDS_SPANISH",
    "swedish": "STOPWORDS_SWEDISH",
    "turkish": "STOPWORDS_TURKISH",
    "chinese": "STOPWORDS_CHINESE",
}

# JSON Schema of each parameter by name.
TOKEN_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "tokenizer": {
        "enum": ["words", "hyphenated", "bigrams"],
        "default": "words",
        "description": "What a token is, in lower case. `words`: two or more letters, digits or underscores in a "
        "row, as in bm25s and scikit-learn (`IL-6` gives `il`). `hyphenated`: single characters too, and hyphens "
        "inside hold together (`IL-6` gives `il-6`, `p < 0.05` gives `p`, `0`, `05`); for biomedical text. "
        "`bigrams`: every two neighbouring characters of a word; needs `stemmer: null` and `stopwords: null`.",
    },
    "stemmer": {
        "enum": [*STEMMERS, None],
        "default": "english",
        "description": "Which language's word endings are taken off; null for none.",
    },
    "stopwords": {
        "enum": [*STOPWORDS, None],
        "default": "english",
        "description": "Which language's stop words are left out; null for none.",
    },
    "language": {
        "enum": [*LANGUAGES_WITHOUT_SPACES, None],
        "default": None,
        "description": "A language without spaces between words: of its script every two neighbouring signs are a "
        "token, as Lucene's analyzers for Chinese and Japanese have it; other letters stay words. null for none.",
        "x-ragtally-identity": "if given",
        "x-ragtally-language": True,
    },
}


_FOR_LANGUAGE: Mapping[str, str] = {
    "de": "german",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
    "pt": "portuguese",
}


def parameters_for(language: str) -> Mapping[str, Any]:
    """What a spec states for texts in a language (`pt`); nothing for English, and where there is no stemmer of it."""
    name = _FOR_LANGUAGE.get(language)
    return {} if name is None else {"stemmer": name, "stopwords": name}


def check_token_parameters(parameters: Mapping[str, Any]) -> Sequence[ParameterFault]:
    """Find parameters that exclude each other."""
    if parameters["tokenizer"] != "bigrams":
        return []
    reasons = {"stemmer": "these have no stem", "stopwords": "these are no stop words"}
    return [
        ParameterFault(name, f"bigrams cuts words into pairs of characters, and {reason}", f"write {name}: null")
        for name, reason in reasons.items()
        if parameters[name] is not None
    ]


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


_HYPHENS = ("\u2010", "\u2011")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a tokenizer takes for a token: a run of letters, digits and underscores (`w` of a regex)."""

    shortest: int  # How many characters a run has at least
    hyphens: bool = False  # Whether one hyphen between two word characters holds a run together
    # Into pieces of how many characters a run is cut, overlapping; 0 to leave it whole. A shorter run is one piece.
    gram: int = 0


# Into pieces of how many signs a script without spaces is cut.
SIGN_GRAM = 2

# Every tokenizer's rule, by its name in a spec.
RULES = {"words": Rule(shortest=2), "hyphenated": Rule(shortest=1, hyphens=True), "bigrams": Rule(shortest=1, gram=2)}


class Tokenizer:
    """Cuts texts into tokens, and tokens down to terms."""

    # With the rule `words` both are as in bm25s: `re.findall(r"(?u)\b\w\w+\b", text.lower())`, then stop words are
    # left out, then the others stemmed.

    def __init__(
        self, tokenizer: str, stemmer: str | None, stopwords: str | None, language: str | None = None
    ) -> None:
        # Here, since specs are checked against the parameters above without a tokenizer.
        import Stemmer

        self.rule = RULES[tokenizer]
        self.has_signs = language is not None
        # Every token is stemmed once, so that a cache would only cost time.
        self._stemmer = Stemmer.Stemmer(stemmer, 0) if stemmer else None
        self._stop_words = stop_words(stopwords)
        letter = rf"[^\W{SIGNS_AND_MARKS}]" if self.has_signs else r"\w"
        words = rf"{letter}+(?:-{letter}+)*" if self.rule.hyphens else rf"{letter}{{{self.rule.shortest},}}"
        self._runs = re.compile(rf"{words}|[{SIGNS_AND_MARKS}]+" if self.has_signs else words)
        self._sign = re.compile(f"[{SIGNS_AND_MARKS}]")

    def fold(self, text: str) -> str:
        """Write a text composed (NFC), in lower case, and its hyphens the same way where they count."""
        # A letter and its accent in two characters, as some systems write them, are the letter in one.
        # Chinese and Japanese have full-width letters and half-width kana too, which NFKC makes the usual ones.
        text = unicodedata.normalize("NFKC" if self.has_signs else "NFC", text).lower()
        if self.rule.hyphens:
            for hyphen in _HYPHENS:
                text = text.replace(hyphen, "-")
        return text

    def tokens(self, text: str) -> list[str]:
        """Cut a text."""
        runs: list[str] = self._runs.findall(self.fold(text))
        if not self.has_signs and not self.rule.gram:
            return runs
        tokens: list[str] = []
        for run in runs:
            gram = SIGN_GRAM if self.has_signs and self._sign.match(run) else self.rule.gram or len(run)
            tokens += [run[start : start + gram] for start in range(max(1, len(run) - gram + 1))]
        return tokens

    def terms(self, tokens: Sequence[str]) -> list[str | None]:
        """The term of each token; None for a stop word."""
        stems = self._stemmer.stemWords(list(tokens)) if self._stemmer else tokens
        return [None if token in self._stop_words else term for token, term in zip(tokens, stems, strict=True)]


class Vocabulary:
    """Numbers terms in order of their first occurrence, and remembers the term of every token."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._rows: dict[str, int] = {}

    def rows(self, tokens: Sequence[str]) -> list[int]:
        """Number the terms of tokens."""
        rows = self._rows
        return [-1 if term is None else rows.setdefault(term, len(rows)) for term in self._tokenizer.terms(tokens)]

    def __len__(self) -> int:
        return len(self._rows)

    def terms(self) -> tuple[str, ...]:
        """List the terms by row."""
        return tuple(self._rows)
