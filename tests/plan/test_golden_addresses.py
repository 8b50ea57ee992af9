"""Addresses are pinned: a change to any of them throws away everybody's finished work.

Where one moves without a raised `VERSION` (of the step, or of a component in `toy_study.py` or in the box), work that
was done before is paid for again though nothing changed: find out why. Where one must move, because the same input
now gives another output, raise the version and pin the new addresses.
"""

from __future__ import annotations

from pathlib import Path

from ragtally.plan import STAGES, in_order
from ragtally.registry import load_registry
from ragtally.steps import STEPS
from sample_judges import judging_registry
from sample_squad import write_squad
from toy_study import TINY
from workbench import Bench

FIRST = {
    "prepare": "r1:d91957bfb2d14ab5b061e17f0250f987d5e65757",
    "sample": "r1:c02ba551890292b35479ce58bda2a7baf63e0108",
    "chunk": "r1:3c418eef2fb9b77ff30755191771a55824b6aae0",
    "embed": "r1:e0ebb6e4647cffe49dd07e68bc012b1df7b017c1",
    "embed_questions": "r1:0c81f35a591a97aa29ab0d1914349a474802c3bb",
    "index": "r1:cb21d10b50d48db2082cc6083189a381cdc3b970",
    "retrieve": "r1:0cf84cbc1fbc000346b8c527ac536e996f0deebd",
    "refine": "r1:bac95a98754d80bf09c993a0c8bc23cd77eea121",
    "judge": "r1:535c8b0330284db2e04879e648ab25cec86f735b",
    "context": "r1:613d81248418bd34eb85a4abae037ebb003f3d22",
    "judge_context": "r1:38b6b3d8eab6793bc8cc9380438cfc4e2168b8c5",
    "train": "r1:37f65a230544f0ea9a219c61d9e9a0845c59ccf7",
    "read": "r1:eb21b2b185ddbd07c1c972bf20e9feff0f9019ab",
    "parse": "r1:1766bfd290ba1419e21476ab7f0c8c933db68aae",
    "vote": "r1:caf3e7533b8722545f28321b615532683c10bd84",
    "base": "r1:b0d6700c7da9cbb1f4df09bc1a1c47bae322ffec",
    "score": "r1:fca1b9aa59f3c144a9131849b90f8cef97991ae6",
}
"""The address of the first task of each step in the study `TINY`, in the order of the work."""

RAISED = {"prepare": 2, "sample": 2, "index": 2, "retrieve": 2, "judge": 2, "parse": 2, "score": 2}
"""The steps whose version was raised since the first release."""


OPEN = """\
study: towns
seed: 7
dataset: {squad: {path: PATH}}
readers: {floor: best_sentence}
label: {voters: [floor]}
base: {from: [floor], rule: majority}
grading: {numeric: {tolerance: 0.01}, exact: {}}
grid: {reader: floor}
controls: [gold_context]
metrics: [accuracy]
"""
OPEN_FIRST = {
    "prepare": "r1:2d76d57c5c08c5e00e226da1d2aa03f91bf32c25",
    "sample": "r1:6f0c2b936c76ece0be1bfd3b715a5423f682119f",
    "read": "r1:f01dfc13f93834c0f4a28fa2a923411626214f9f",
    "parse": "r1:4983a6187f5fbe3986743753ba5bb9f5a26012e0",
    "vote": "r1:616df60c214200abb7c20edf115f2afe92f5113f",
    "grade": "r1:494e46f295493b13454700470f85de4bca8831f6",
    "base": "r1:9bdc5a50e1eeedf2407c7ceb69a4f9cb648e37b6",
    "score": "r1:8e81fec552ce11a77c6e7ed5e86251047ceaa0de",
}
"""Likewise of the steps that know of open answers, in the study `OPEN`."""


def test_the_addresses_of_a_known_study_stay(bench: Bench) -> None:
    raised = {
        step: version for step, version in ((step.stored_as, step.version) for step in STEPS.values()) if version != 1
    }
    assert raised == RAISED, "pin the addresses anew where a version was raised"
    plan = bench.plan(TINY)
    result: dict[str, str] = {}
    for task in in_order([goal for stage in STAGES for goal in plan.goals(stage)]):
        result.setdefault(task.step.stored_as, task.address)
    assert result == FIRST


def test_the_addresses_of_a_known_open_study_stay(tmp_path: Path) -> None:
    path = write_squad(tmp_path / "squad.json")
    plan = Bench(tmp_path, load_registry()).plan(OPEN.replace("PATH", str(path)))
    result: dict[str, str] = {}
    for task in in_order([goal for stage in STAGES for goal in plan.goals(stage)]):
        result.setdefault(task.step.stored_as, task.address)
    assert {step: result[step] for step in OPEN_FIRST} == OPEN_FIRST


JUDGED_FIRST = {
    "judge_prompt": "r1:a7c0ed6a50b38cdb621ed09cfec965076755c577",
    "ask": "r1:df8975d067185ebd9119c71fab9c0a8a457b13a7",
    "judge_answers": "r1:adceda2ed1840c1831849f754f96708c91531e10",
    "grade": "r1:7fa1b0d53979aa3e66b86008a0b2ac09d4753371",
    "score": "r1:f1dadeee1540972c5e7f5a945f07dfeb08830617",
}


def test_the_addresses_of_judges_stay_and_those_of_who_they_judge_know_nothing_of_them(tmp_path: Path) -> None:
    path = write_squad(tmp_path / "squad.json")
    text = OPEN.replace("PATH", str(path)).replace(
        "exact: {}", "exact: {}, judges: {from: [one], votes: 2, grounded: true}"
    )
    plan = Bench(tmp_path, judging_registry()).plan(
        text.replace("readers:", "models: {one: {scripted_judge: {}}}\nreaders:")
    )
    result: dict[str, str] = {}
    for task in in_order([goal for stage in STAGES for goal in plan.goals(stage)]):
        result.setdefault(task.step.stored_as, task.address)
    assert {step: result[step] for step in JUDGED_FIRST} == JUDGED_FIRST
    # Who is judged, and where people's grades are, changes no answer.
    assert all(result[step] == address for step, address in OPEN_FIRST.items() if step in ("read", "parse", "vote"))


POOLED_FIRST = {
    "pool_prompt": "r1:515f1f8dbfeb66d98e561e144a3301bc17bb4cf7",
    "ask": "r1:20ed6fcdbe7674f9eb751541ca253be97df7d353",
    "judge_answers": "r1:e9fa3390b33f1bbb830b65303abfd3953c98819d",
    "vote": "r1:33b80f3e40819ffb18e3d9bdaaa798da2336acd2",
}


def test_the_addresses_of_pools_stay_and_who_has_one_vote_has_none(tmp_path: Path) -> None:
    path = write_squad(tmp_path / "squad.json")
    text = OPEN.replace("PATH", str(path))
    # Two voters with one vote each: only the base pools any.
    for old, new in (
        (
            "readers: {floor: best_sentence}",
            "readers: {floor: best_sentence, other: {best_sentence: {embedder: hashing}}}",
        ),
        ("readers:", "models: {one: {scripted_judge: {}}}\nreaders:"),
        ("voters: [floor]", "voters: [floor, other]"),
        ("from: [floor]", "from: [floor, other]"),
        ("exact: {}", "exact: {}, judges: {from: [one], votes: 2, pools_votes: true}"),
    ):
        text = text.replace(old, new)
    plan = Bench(tmp_path, judging_registry()).plan(text)
    tasks = in_order([goal for stage in STAGES for goal in plan.goals(stage)])
    (prompts,) = [task for task in tasks if task.step.name == "pool_prompt"]
    (pooled,) = [task for task in tasks if task.step.name == "vote" and "pool" in task.inputs]
    (judgments,) = pooled.inputs["pool"]
    assert [task.settings["purpose"] for task in judgments.inputs["ask"]] == ["pool", "pool"]
    result = {task.step.stored_as: task.address for task in (prompts, judgments.inputs["ask"][0], judgments, pooled)}
    assert result == POOLED_FIRST
    # One vote needs no judge, and is what it is without them.
    assert OPEN_FIRST["vote"] in {task.address for task in tasks if task.step.name == "vote"}
