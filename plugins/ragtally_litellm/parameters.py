"""The parameters of the model and the embedder `litellm`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ragtally import TUNED_PARAMETER
from ragtally.support.reply_outcomes import LONGEST_REPLY
from ragtally.support.schemas import outside_identity


def _optional(kind: str, description: str, **bounds: Any) -> dict[str, Any]:
    return {"type": [kind, "null"], "default": None, "description": description, **bounds}


# What `batch` may say; each description ends with the default.
_BATCH: Mapping[str, Mapping[str, Any]] = {
    "discount": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "description": "The share of the price that a batch saves; 0.5 if omitted.",
    },
    "window": {
        "type": "string",
        "pattern": "^[1-9][0-9]*[hd]$",
        "description": "Within which time the provider answers or gives up: 24h, or up to 7d at Groq; 24h.",
    },
    "calls": {"type": "integer", "minimum": 1, "description": "The most calls in one batch; 50000."},
    "megabytes": {
        "type": "number",
        "exclusiveMinimum": 0,
        "description": "The largest file of one batch, in millions of bytes; 200.",
    },
    "open": {
        "type": "integer",
        "minimum": 1,
        "description": "The most batches at a time, where the provider limits what is queued; no limit.",
    },
    "poll_seconds": {
        "type": "number",
        "exclusiveMinimum": 0,
        "description": "Seconds between two looks at the open batches; 60.",
    },
    "settle_seconds": {
        "type": "number",
        "minimum": 0,
        "description": "How long a batch whose acceptance was not heard of is looked for in the provider's list "
        "before its calls are submitted again; 60.",
    },
    "keep_files": {
        "type": "boolean",
        "description": "Whether a batch's files stay at the provider once its answers are saved here; true.",
    },
}

# What `fine_tuning` may say.
_FINE_TUNING: Mapping[str, Mapping[str, Any]] = {
    "training": {
        "type": "number",
        "minimum": 0,
        "description": "US dollars per million tokens that are trained on, in each epoch; nobody's table has it.",
    },
    **{
        name: {
            "type": "number",
            "minimum": 0,
            "description": f"US dollars per million {what} of the new model; LiteLLM's table if omitted.",
        }
        for name, what in (
            ("input", "input tokens"),
            ("output", "output tokens"),
            ("cached_input", "input tokens in the provider's cache"),
        )
    },
    "poll_seconds": {
        "type": "number",
        "exclusiveMinimum": 0,
        "description": "Seconds between two looks at the running job; 30.",
    },
    "settle_seconds": {
        "type": "number",
        "minimum": 0,
        "description": "How long a job whose acceptance was not heard of is looked for in the provider's list before "
        "it is submitted again; 60.",
    },
}

_URL = {"type": "string", "pattern": "^https?://"}
_DOLLARS = {"type": "number", "minimum": 0}
_CONCURRENCY = {"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1}], "default": "auto"}

MODEL_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "model": {
        "type": "string",
        "minLength": 1,
        "description": "LiteLLM's name of the model: ollama_chat/llama3.1:8b, groq/openai/gpt-oss-20b, "
        "openai/gpt-5-mini, openrouter/..., hosted_vllm/..., or openai/... with api_base for any compatible server.",
    },
    "temperature": _optional(
        "number", "How varied the answers are; 0 makes every vote the same.", minimum=0, maximum=2
    ),
    "top_p": _optional("number", "Draw from the likeliest words that make up this share.", minimum=0, maximum=1),
    "max_tokens": _optional(
        "integer", "The most tokens of an answer, reasoning included; too few leave nothing to read.", minimum=1
    ),
    "frequency_penalty": _optional(
        "number", "How much repeating a word is punished, the more the more often.", minimum=-2, maximum=2
    ),
    "presence_penalty": _optional("number", "How much using a word again is punished.", minimum=-2, maximum=2),
    "stop": {
        "type": ["string", "array", "null"],
        "items": {"type": "string", "minLength": 1},
        "default": None,
        "description": "Text, or texts, before which the answer ends.",
    },
    "reasoning_effort": {
        "enum": ["none", "minimal", "low", "medium", "high", "xhigh", "max", None],
        "default": None,
        "description": "How long a reasoning model thinks; none goes to Ollama as think: false.",
    },
    "structured": {
        "type": ["boolean", "object"],
        "default": False,
        "description": "true for an answer in JSON, or the JSON Schema of the answer, where the provider has it.",
    },
    "schema_as": outside_identity(
        {
            "enum": ["json_schema", "json_object", None],
            "default": None,
            "description": "The type of response_format by which a server of your own takes the JSON schema that a "
            "reader holds answers to: json_schema (llama.cpp, vLLM, LM Studio) or json_object (llama-cpp-python). "
            "`ragtally doctor` tries both; of providers and Ollama it is known.",
        }
    ),
    "num_ctx": _optional(
        "integer",
        "Ollama's context length in tokens, prompt and answer together; if omitted, what the study's longest prompt "
        "and `max_tokens` need, and at least 4096.",
        minimum=1,
    ),
    "extra": {
        "type": "object",
        "default": {},
        "description": "Whatever else goes into every request, passed on unchecked: {top_k: 40}.",
    },
    "api_base": outside_identity(
        {
            "anyOf": [_URL, {"type": "array", "items": _URL, "minItems": 1, "uniqueItems": True}, {"type": "null"}],
            "default": None,
            "description": "The URL of another server than the provider's own, or of several that share the load.",
        }
    ),
    "concurrency": outside_identity(
        {
            **_CONCURRENCY,
            "description": "The most calls in flight at once, over all hosts; auto for as many as the server answers "
            "faster for, which is found by trying.",
        }
    ),
    "requests_per_minute": outside_identity(_optional("integer", "At most this many calls per minute.", minimum=1)),
    "tokens_per_minute": outside_identity(
        _optional("integer", "At most this many tokens per minute, in and out.", minimum=1)
    ),
    "requests_per_day": outside_identity(
        _optional("integer", "The provider's daily quota, for the plan.", minimum=1)
    ),
    "timeout": outside_identity(
        {
            "type": "number",
            "exclusiveMinimum": 0,
            "default": 120.0,
            "description": "Seconds within which a call is to be answered; a wait for its turn is no failure.",
        }
    ),
    "reply_megabytes": outside_identity(
        {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": LONGEST_REPLY // 1_000_000,
            "default": 16,
            "description": "The largest reply that is read, in millions of bytes; a longer one is given up: a call "
            "that failed for a passing reason.",
        }
    ),
    "retries": outside_identity(
        {
            "type": "integer",
            "minimum": 0,
            "default": 6,
            "description": "How often a call that failed for a passing reason is tried again.",
        }
    ),
    "price": outside_identity(
        {
            "type": ["object", "null"],
            "properties": {"input": _DOLLARS, "output": _DOLLARS, "cached_input": _DOLLARS},
            "required": ["input", "output"],
            "additionalProperties": False,
            "default": None,
            "description": "US dollars for input and output tokens, and for input in the provider's cache, each per "
            "million; LiteLLM's table if omitted.",
        }
    ),
    "usd_per_hour": outside_identity(_optional("number", "US dollars per hour of your own machine.", minimum=0)),
    "pull": outside_identity(
        {"type": "boolean", "default": False, "description": "Whether a missing Ollama model is pulled before a run."}
    ),
    "delivery": outside_identity(
        {
            "enum": ["live", "batch", "batch_then_live"],
            "default": "live",
            "description": "live: call by call; batch: by the provider's batch API (OpenAI, Groq), cheaper and "
            "within a day; batch_then_live: what a batch leaves unanswered is then sent call by call.",
        }
    ),
    "batch": outside_identity(
        {
            "type": "object",
            "properties": _BATCH,
            "additionalProperties": False,
            "default": {},
            "description": "How calls are put into batches: {discount: 0.5, window: 24h, calls: 50000}.",
        }
    ),
    "fine_tuning": outside_identity(
        {
            "type": "object",
            "properties": _FINE_TUNING,
            "additionalProperties": False,
            "default": {},
            "description": "What it costs to have the model fine-tuned and then to ask the new one, for the reader "
            "fine_tuning: {training: 3, input: 0.3, output: 1.2}.",
        }
    ),
    "tuned": TUNED_PARAMETER,
    "transport": outside_identity(
        {
            "enum": ["auto", "native", "litellm"],
            "default": "auto",
            "description": "native: ragtally's own requests; litellm: through LiteLLM; auto: native where possible.",
        }
    ),
}

_OBJECT = {"type": "object", "default": {}}
# Where a model is and how it is asked.
_ACCESS = {name: MODEL_PARAMETERS[name] for name in ("api_base", "timeout", "retries", "usd_per_hour")}

EMBEDDER_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "model": {
        "type": "string",
        "minLength": 1,
        "description": "LiteLLM's name of the model: ollama/nomic-embed-text, openai/text-embedding-3-small, "
        "voyage/voyage-3.5, hosted_vllm/... or openai/... with api_base for any compatible server.",
    },
    "dimensions": {
        "type": ["integer", "null"],
        "minimum": 1,
        "default": None,
        "description": "How many numbers a vector has, of models that can make shorter ones; else the model's own.",
    },
    "query_prefix": {
        "type": "string",
        "default": "",
        "description": "What is put before each question, as in 'search_query: ' for nomic-embed-text.",
    },
    "document_prefix": {
        "type": "string",
        "default": "",
        "description": "What is put before each chunk, as in 'search_document: ' for nomic-embed-text.",
    },
    "truncate": {
        "type": "boolean",
        "default": False,
        "description": "Whether Ollama or vLLM cuts off a text that is longer than the model takes; else it is an "
        "error that names the text.",
    },
    "extra": {
        **_OBJECT,
        "description": "Whatever else goes into every request, passed on unchecked: {options: {num_ctx: 8192}}.",
    },
    "query_extra": {
        **_OBJECT,
        "description": "Likewise, with questions alone: {input_type: search_query} for Cohere.",
    },
    "document_extra": {
        **_OBJECT,
        "description": "Likewise, with chunks alone: {input_type: search_document} for Cohere.",
    },
    "concurrency": outside_identity(
        {
            **_CONCURRENCY,
            "description": "The most requests in flight at once, over all hosts; auto for 8 at a provider, and "
            "2 at one's own server, which one keeps busy while the next one waits.",
        }
    ),
    "batch": {
        "type": "integer",
        "minimum": 1,
        "maximum": 2048,
        "default": 32,
        "description": "How many texts go into one request.",
        "x-ragtally-identity": False,
    },
    **_ACCESS,
    "price": {
        "type": ["number", "null"],
        "minimum": 0,
        "default": None,
        "description": "US dollars per million tokens; LiteLLM's table if omitted.",
        "x-ragtally-identity": False,
    },
    "pull": MODEL_PARAMETERS["pull"],
    "transport": MODEL_PARAMETERS["transport"],
}
