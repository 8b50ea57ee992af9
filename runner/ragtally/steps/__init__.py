"""The steps: what each reads, what it writes, and its version."""

from collections.abc import Mapping

from ragtally.steps.ask import ASK
from ragtally.steps.base import BASE
from ragtally.steps.chunk import CHUNK
from ragtally.steps.context import CONTEXT
from ragtally.steps.curate import CURATE
from ragtally.steps.deduplicate import DEDUPLICATE
from ragtally.steps.embed import EMBED, EMBED_QUESTIONS
from ragtally.steps.export import EXPORT
from ragtally.steps.generate import EVOLVE, GENERATE, GENERATE_PROMPT, REPAIR
from ragtally.steps.grade import GRADE
from ragtally.steps.index import INDEX
from ragtally.steps.judge import JUDGE, JUDGE_PROMPT
from ragtally.steps.learn import LEARN
from ragtally.steps.parse import PARSE
from ragtally.steps.prepare import PREPARE
from ragtally.steps.prompt import PROMPT
from ragtally.steps.read import READ
from ragtally.steps.reference import REFERENCE
from ragtally.steps.relevance import CONTEXT_RELEVANCE, RELEVANCE
from ragtally.steps.rerank import RERANK, RERANK_PROMPT
from ragtally.steps.retrieve import RETRIEVE
from ragtally.steps.revise import EVOLVE_PROMPT, REPAIR_PROMPT
from ragtally.steps.sample import SAMPLE
from ragtally.steps.score import SCORE
from ragtally.steps.seed import CONVERSE, SEED
from ragtally.steps.split import SPLIT
from ragtally.steps.step import FIRST, Shard, Sharding, Step, Task, TaskFactory, Work
from ragtally.steps.train import TRAIN
from ragtally.steps.training_set import TRAINING_SET
from ragtally.steps.tune import TUNE
from ragtally.steps.validate import VALIDATE, VALIDATE_PROMPT
from ragtally.steps.vote import POOL_PROMPT, VOTE

# Every step by its name, in the order of the work.
STEPS: Mapping[str, Step] = {
    step.name: step
    for step in (
        PREPARE, REFERENCE, SAMPLE, CHUNK, EMBED, EMBED_QUESTIONS, INDEX, RETRIEVE, RERANK_PROMPT, RERANK, RELEVANCE,
        CONTEXT, CONTEXT_RELEVANCE, TRAIN, PROMPT, SEED, CONVERSE, GENERATE_PROMPT, VALIDATE_PROMPT, REPAIR_PROMPT,
        EVOLVE_PROMPT, TUNE, ASK, READ, PARSE, POOL_PROMPT, VOTE, JUDGE_PROMPT, JUDGE, GRADE, BASE, SCORE, GENERATE,
        REPAIR, EVOLVE, VALIDATE, DEDUPLICATE, CURATE, SPLIT, EXPORT, TRAINING_SET,
    )
}  # fmt: skip

__all__ = [
    "ASK",
    "BASE",
    "CHUNK",
    "CONTEXT",
    "CONTEXT_RELEVANCE",
    "CONVERSE",
    "CURATE",
    "DEDUPLICATE",
    "EMBED",
    "EMBED_QUESTIONS",
    "EVOLVE",
    "EVOLVE_PROMPT",
    "EXPORT",
    "FIRST",
    "GENERATE",
    "GENERATE_PROMPT",
    "GRADE",
    "INDEX",
    "JUDGE",
    "JUDGE_PROMPT",
    "LEARN",
    "PARSE",
    "POOL_PROMPT",
    "PREPARE",
    "PROMPT",
    "READ",
    "REFERENCE",
    "RELEVANCE",
    "REPAIR",
    "REPAIR_PROMPT",
    "RERANK",
    "RERANK_PROMPT",
    "RETRIEVE",
    "SAMPLE",
    "SCORE",
    "SEED",
    "SPLIT",
    "STEPS",
    "TRAIN",
    "TRAINING_SET",
    "TUNE",
    "VALIDATE",
    "VALIDATE_PROMPT",
    "VOTE",
    "Shard",
    "Sharding",
    "Step",
    "Task",
    "TaskFactory",
    "Work",
]  # fmt: skip
