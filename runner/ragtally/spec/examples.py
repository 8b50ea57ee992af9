"""The key `examples`: who writes examples for training, from what, who grades them, and what is made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ragtally import examples
from ragtally.api import LANGUAGES, Choice, ModelTraits, RagtallyError, did_you_mean
from ragtally.examples.wording import CRITERIA, NEEDS_PASSAGE, PROMPTS, WAYS, Kind
from ragtally.spec.component_schema import Schema, component_position, mapping
from ragtally.spec.defaults import MAJORITY, PASSAGES
from ragtally.spec.document import PathOf
from ragtally.spec.resolve import Resolver
from ragtally.spec.study import Chats, Evolution, ExampleRecipe, Handover, Validation
from ragtally.spec.validation import Faults
from ragtally.support.training_forms import FORMS
from ragtally.support.unspaced import LANGUAGES_WITHOUT_SPACES

_PATH = ("examples",)
_NEAR = 0.8
_ROUNDING = 1e-6
_PER_CHUNK = 3
_MOST_PER_CHUNK = 100
# A passage of more words yields few examples for its length, and models read past half of it.
_MOST_WORDS, _FEWEST_WORDS = 1_500, 50
# What a prompt has beside the passage, and what a word takes at most in languages that models know well.
_PROMPT_TOKENS, _TOKENS_PER_WORD = 600, 2
_SHARES = {"train": 0.8, "dev": 0.1, "test": 0.1}
_FORMS = ("chat",)
_NAMES: Schema = {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "minItems": 1}
_OWN: Schema = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "propertyNames": {"pattern": "^[a-z][a-z0-9_]{0,39}$"},
    "additionalProperties": {"type": "string", "minLength": 1},
}


def examples_schema() -> Schema:
    """Write the schema of the key."""
    return mapping(
        "Examples for training a small model, written by models from the documents' passages, graded, repaired and "
        "varied; a study may have nothing else.",
        {
            **_writing_keys(),
            "validate": _validation(),
            "repair": {
                "type": "integer",
                "minimum": 0,
                "maximum": 10,
                "default": 0,
                "description": "In how many rounds examples that were rejected go back to who wrote them, with the "
                "reasons.",
            },
            "evolve": mapping(
                "How accepted examples are varied by who wrote them; the new ones are graded like all others.",
                {
                    "rounds": {
                        "type": "integer",
                        "minimum": 1,
                        "maximum": 10,
                        "default": 1,
                        "description": "Rounds; each varies what the one before it made.",
                    },
                    "ways": _names_or_own(
                        WAYS, "What is asked of the model: these, or one of your own as {name: words}."
                    ),
                },
                required_keys=["ways"],
            ),
            "near_duplicates": {
                "type": "number",
                "minimum": 0.5,
                "maximum": 1,
                "default": _NEAR,
                "description": "Two prompts count as one from this Jaccard similarity of their words on.",
            },
            "test_questions": {
                "type": "array",
                "items": component_position("dataset"),
                "default": [],
                "description": "Datasets whose questions no example may repeat, so that none leaks into training; "
                "the study's own questions never may.",
            },
            **_handover_keys(),
        },
    )


def _handover_keys() -> dict[str, Schema]:
    share: Schema = {"type": "number", "minimum": 0, "maximum": 1}
    return {
        "curate": _file(
            "The log of what people decide (`ragtally curate`); data/raw/STUDY/curation.csv where it is left out. "
            "There need not be one yet."
        ),
        "require_expert": {
            "type": "boolean",
            "default": False,
            "description": "Whether only examples that a person accepted are exported.",
        },
        "split": mapping(
            "The share of each set. No two share a document or a near-duplicate, so shares may not be met exactly.",
            {
                name: {**share, "default": default, "description": f"The share of {name}."}
                for name, default in _SHARES.items()
            },
        ),
        "export": {
            "type": "array",
            "items": {"enum": list(FORMS)},
            "uniqueItems": True,
            "minItems": 1,
            "default": list(_FORMS),
            "description": "The forms of lines: "
            + "; ".join(f"`{name}` for {form.readers}" for name, form in FORMS.items())
            + ".",
        },
        "target": mapping(
            "The model that is to learn, for the lengths in the data card.",
            {
                "tokenizer": _file("Its `tokenizer.json`; lengths are estimates without one."),
                "window": {
                    "type": ["integer", "null"],
                    "minimum": 1,
                    "default": None,
                    "description": "How many tokens it reads.",
                },
            },
        ),
        "licence": {
            "type": ["string", "null"],
            "default": None,
            "description": "Under which licence the documents may be used, for the data card.",
        },
    }


def _writing_keys() -> dict[str, Schema]:
    return {
        "kinds": {
            "type": "array",
            "items": {"enum": [str(kind) for kind in Kind]},
            "uniqueItems": True,
            "minItems": 1,
            "description": "What is written: questions with answers, instructions with (perhaps) an input and an "
            "output, chats of several turns, short texts with a label.",
        },
        "generators": {**_NAMES, "description": "Names of models; each writes examples from every passage."},
        "per_chunk": {
            "type": "integer",
            "minimum": 1,
            "maximum": _MOST_PER_CHUNK,
            "default": _PER_CHUNK,
            "description": "How many examples of each kind a generator is asked for at once, from a passage or after "
            "an example.",
        },
        "chunker": {
            **component_position("chunker"),
            "description": "How documents are cut into passages. Left out: whole where they have at most 1,500 "
            "words, and fit into the window of every model that sees them; else into pieces that do.",
        },
        "chats": mapping(
            "Chats and tickets become examples without a model: the messages of a document are turns, from its first "
            "question to its last answer.",
            {
                "assistant": {**_NAMES, "description": "The senders whose messages are answers; all others ask."},
                "speaker": _file("Of tables (tickets), the column that says who writes; left out for chats."),
                "text": _file("Likewise the column that says what."),
            },
            required_keys=["assistant"],
        ),
        "labels": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "uniqueItems": True,
            "minItems": 2,
            "description": "The closed set of the kind label.",
        },
        "language": {
            "enum": [*LANGUAGES, None],
            "default": None,
            "description": "The language to write in; each passage's own where it is left out.",
        },
        "style": _file("Worked examples, shown to the generators: JSON Lines, CSV or Excel."),
        "expand": _file(
            "An existing set of examples, in whose manner generators write more, instead of from passages; without "
            "generators it is compared, curated, split and exported as it is."
        ),
        "prompts": mapping(
            "Files with prompts of your own, in the grammar of the reader chat's template.",
            {name: _file(f"In place of the prompt that says {name}.") for name in PROMPTS},
        ),
    }


def _validation() -> Schema:
    return mapping(
        "Models grade each example by each criterion, with its passage in front; accepted is what passes all.",
        {
            "from": {**_NAMES, "description": "Names of models. Who wrote an example never grades it alone."},
            "votes": {"type": "integer", "minimum": 1, "default": 1, "description": "Votes of each validator."},
            "rule": {
                **component_position("rule"),
                "default": MAJORITY,
                "description": "The vote rule that makes yes or no of a criterion's votes.",
            },
            "criteria": {
                **_names_or_own(CRITERIA, "These, or one of your own as {name: question that yes speaks for}."),
                "default": list(CRITERIA),
            },
        },
        required_keys=["from"],
    )


def _names_or_own(built_in: Mapping[str, str], description: str) -> Schema:
    item = {"anyOf": [{"enum": list(built_in)}, _OWN]}
    return {"type": "array", "items": item, "minItems": 1, "description": description}


def _file(description: str) -> Schema:
    return {"type": ["string", "null"], "minLength": 1, "default": None, "description": description}


def resolve_examples(
    part: Mapping[str, Any],
    models: Mapping[str, Choice],
    model_names: Sequence[str],
    resolver: Resolver,
    faults: Faults,
) -> ExampleRecipe | None:
    """Resolve the key, noting everything that is wrong; None where something is.

    In `part`, None stands for what is wrong already; `model_names` are those of all models.
    """
    labels = tuple(filter(None, part.get("labels") or ()))
    files: dict[str, tuple[Any, ...]] = {}
    for key in ("style", "expand"):
        if (path := part.get(key)) is not None:
            with _noting(faults, (*_PATH, key)):
                files[key] = tuple(examples.read_example_file(path, labels))
    templates = {}
    for name in PROMPTS:
        path = (part.get("prompts") or {}).get(name)
        with _noting(faults, (*_PATH, "prompts", name)):
            templates[name] = (
                examples.built_in_template(name) if path is None else examples.check_template(name, path)
            )
    chunker = None
    if "expand" not in part and "generators" in part:
        passages = part.get("chunker", {PASSAGES: _passages(part, models, resolver)})
        chunker = resolver.one("chunker", passages, (*_PATH, "chunker"))
    validation = _resolve_validation(part.get("validate"), resolver, faults)
    evolve = part.get("evolve") or {}
    ways = _resolve_named(evolve.get("ways") or (), WAYS, (*_PATH, "evolve", "ways"), faults)
    test_questions = resolver.many("dataset", part.get("test_questions") or [], (*_PATH, "test_questions"))
    _check(part, models, model_names, resolver, faults)
    if faults.touch(_PATH):
        return None
    return ExampleRecipe(
        kinds=tuple(Kind(kind) for kind in part.get("kinds", ())),
        generators=tuple(part.get("generators", ())),
        per_chunk=int(part.get("per_chunk", _PER_CHUNK)),
        chunker=chunker,
        labels=labels,
        language=part.get("language"),
        templates=templates,
        near_duplicates=float(part.get("near_duplicates", _NEAR)),
        style=files.get("style", ()),
        seeds=files.get("expand", ()),
        validation=validation,
        repair=int(part.get("repair", 0)),
        chats=_chats(part.get("chats")),
        evolution=Evolution(int(evolve.get("rounds", 1)), ways) if evolve else None,
        test_questions=test_questions,
        handover=_handover(part),
    )


def _handover(part: Mapping[str, Any]) -> Handover:
    target = part.get("target", {})
    return Handover(
        log=part.get("curate"),
        require_expert=bool(part.get("require_expert", False)),
        split=_SHARES | {name: float(share) for name, share in part.get("split", {}).items()},
        forms=tuple(part.get("export", _FORMS)),
        tokenizer=target.get("tokenizer"),
        window=target.get("window"),
        licence=part.get("licence"),
    )


def _passages(part: Mapping[str, Any], models: Mapping[str, Choice], resolver: Resolver) -> dict[str, Any]:
    window = {"size": _window(part, models, resolver), "overlap": 0}
    language = part.get("language")
    # Who says only what to write in has documents in it, too; a language of the dataset reaches every chunker.
    is_said = resolver.language is None and language in LANGUAGES_WITHOUT_SPACES
    return {**window, "language": language} if is_said else window


def _window(part: Mapping[str, Any], models: Mapping[str, Choice], resolver: Resolver) -> int:
    """How many words of a passage fit into the window of every model that sees it, at most `_MOST_WORDS`."""
    names = [*(part.get("generators") or ()), *((part.get("validate") or {}).get("from") or ())]
    sizes = [_MOST_WORDS]
    for name in names:
        traits: ModelTraits | None = resolver.traits(models[name], ("models", name)) if name in models else None
        if traits is not None and traits.context_tokens is not None:
            room = traits.context_tokens - _PROMPT_TOKENS - min(traits.output_tokens or 0, traits.context_tokens // 2)
            sizes.append(room // _TOKENS_PER_WORD)
    return max(_FEWEST_WORDS, min(sizes))


def _chats(part: Mapping[str, Any] | None) -> Chats | None:
    return None if part is None else Chats(tuple(part["assistant"]), part.get("speaker"), part.get("text"))


@contextmanager
def _noting(faults: Faults, path: PathOf) -> Iterator[None]:
    try:
        yield
    except RagtallyError as error:
        faults.add_error(path, error)


def _resolve_validation(part: Mapping[str, Any] | None, resolver: Resolver, faults: Faults) -> Validation | None:
    if part is None:
        return None
    path = (*_PATH, "validate")
    rule = resolver.one("rule", part.get("rule", MAJORITY), (*path, "rule"))
    criteria = _resolve_named(part.get("criteria", list(CRITERIA)) or (), CRITERIA, (*path, "criteria"), faults)
    if rule is None or faults.touch(path):
        return None
    return Validation(tuple(part["from"]), int(part.get("votes", 1)), rule, criteria)


def _resolve_named(
    items: Sequence[Any], built_in: Mapping[str, str], path: PathOf, faults: Faults
) -> Mapping[str, str]:
    """Names of what is built in, and own ones with their words."""
    words_of: dict[str, str] = {}
    for index, item in enumerate(items):
        pairs = {item: built_in[item]} if isinstance(item, str) else item or {}
        for name, words in pairs.items():
            if name in words_of:
                faults.add((*path, index), f"{name} comes twice", "remove one, or give it another name")
            words_of[name] = words
    return words_of


def _check(
    part: Mapping[str, Any],
    models: Mapping[str, Choice],
    model_names: Sequence[str],
    resolver: Resolver,
    faults: Faults,
) -> None:
    """Note what the schema cannot tell."""
    validate = part.get("validate")
    for path, names in (
        ((*_PATH, "generators"), part.get("generators")),
        ((*_PATH, "validate", "from"), validate.get("from") if validate else ()),
    ):
        for index, name in enumerate(names or ()):
            if name not in (None, *model_names):
                hint = did_you_mean(name, model_names) if model_names else f"name it under models: {{{name}: ...}}"
                faults.add((*path, index), f"there is no model {name!r} under models", hint)
    if ("kinds" in part) != ("generators" in part) or not part.keys() & {"kinds", "chats", "expand"}:
        hint = "kinds: [question_answer] and generators: [...], chats: {assistant: [...]}, or expand: FILE alone"
        faults.add(_PATH, "it is not said what is to be written by whom", hint, at="key")
    kinds, labels = part.get("kinds", ()), "labels" in part
    has_label = str(Kind.LABEL) in (kinds or ())
    if has_label and not labels:
        faults.add((*_PATH, "kinds"), "the kind label needs a closed set", "labels: [complaint, praise]", at="key")
    # A list in which something is wrong may have meant it.
    if labels and not (has_label or "expand" in part) and not faults.touch((*_PATH, "kinds")):
        faults.add((*_PATH, "labels"), "labels are of the kind label", "add it to kinds, or remove labels", at="key")
    if part.get("repair") and not validate:
        hint = "validate: {from: [...]}, or repair: 0"
        faults.add((*_PATH, "repair"), "nothing is rejected where nobody validates", hint, at="key")
    if part.get("expand"):
        _check_expansion(part, faults)
    shares = _SHARES | (part.get("split") or {})
    if None not in shares.values() and abs(sum(shares.values()) - 1) > _ROUNDING:
        words = ", ".join(f"{name} {share:g}" for name, share in shares.items())
        faults.add(
            (*_PATH, "split"), f"the shares are not 1 together: {words}", "split: {train: 0.8, dev: 0.1, test: 0.1}"
        )
    if validate:
        _check_validators(part, models, resolver, faults)
    tokenizer = (part.get("target") or {}).get("tokenizer")
    if tokenizer is not None and not Path(tokenizer).is_file():
        hint = "name the model's tokenizer.json, or leave it out for estimates"
        faults.add((*_PATH, "target", "tokenizer"), f"there is no file {tokenizer}", hint)


def _check_expansion(part: Mapping[str, Any], faults: Faults) -> None:
    if "chunker" in part:
        message = "an existing set is expanded without passages, so there is nothing to cut"
        faults.add((*_PATH, "chunker"), message, "remove chunker, or expand", at="key")
    criteria = (part.get("validate") or {}).get("criteria", list(CRITERIA))
    if part.get("validate") and NEEDS_PASSAGE in (criteria or ()):
        message = f"{NEEDS_PASSAGE} asks about a passage, and an existing set is expanded without one"
        others = [name for name in CRITERIA if name != NEEDS_PASSAGE]
        faults.add((*_PATH, "validate"), message, f"criteria: [{', '.join(others)}]")


def _check_validators(
    part: Mapping[str, Any], models: Mapping[str, Choice], resolver: Resolver, faults: Faults
) -> None:
    """Who wrote an example never grades it alone, under whatever name."""

    def model_of(name: str) -> tuple[str, str] | None:
        traits = resolver.traits(models[name], ("models", name)) if name in models else None
        return None if traits is None else (traits.provider, traits.model)

    names = part["validate"].get("from") or ()
    validators = {model_of(name) for name in names}
    path = (*_PATH, "validate", "from")
    for name in part.get("generators") or ():
        if name in models and validators == {model_of(name)}:
            message = f"{name} would be the only one to grade what it wrote itself"
            faults.add(path, message, "add a validator that is another model")
    if (part["validate"].get("votes", 1) or 1) > 1:
        for index, name in enumerate(names):
            traits = resolver.traits(models[name], ("models", name)) if name in models else None
            if traits is not None and traits.deterministic:
                votes = part["validate"]["votes"]
                message = f"{votes} votes of {name}, which always answers the same, are one vote"
                faults.add((*path, index), message, "votes: 1, or a temperature above 0")
