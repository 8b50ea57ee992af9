"""The parameters by which a spec says how texts become terms; the same for every lexical retriever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ragtally import ParameterFault

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
        "`bigrams`: every two neighbouring characters of a word, for languages without spaces; needs "
        "`stemmer: null` and `stopwords: null`.",
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
}


def check_token_parameters(parameters: Mapping[str, Any]) -> Sequence[ParameterFault]:
    """Say which of the parameters exclude each other."""
    if parameters["tokenizer"] != "bigrams":
        return []
    reasons = {"stemmer": "these have no stem", "stopwords": "these are no stop words"}
    return [
        ParameterFault(name, f"bigrams cuts words into pairs of characters, and {reason}", f"write {name}: null")
        for name, reason in reasons.items()
        if parameters[name] is not None
    ]
