"""Addresses are pinned: a change to any of them throws away everybody's finished work.

Where one moves without a raised `VERSION` (of the step, or of a component in `made_up.py` or in the box), work that
was done before is paid for again though nothing changed: find out why. Where one must move, because the same input
now gives another output, raise the version and pin the new addresses.
"""

from __future__ import annotations

from made_up import TINY
from ragtally.plan import STAGES, in_order
from ragtally.steps import VERSIONS
from workbench import Bench

FIRST = {
    "prepare": "r1:e9e19aef4880925055ed28e0b14e07ac397c2dde",
    "sample": "r1:82416719358ade7fbeb8d48c19800dd1d73dafd6",
    "chunk": "r1:75a94e3afada36753c9c6efb0264291be7b09905",
    "embed": "r1:b7b25d0112950d76ed88fbc3f4207998482ade47",
    "embed_questions": "r1:94c323d250482fa839261d9eab0ca52961e4a93d",
    "index": "r1:6297535a6431d96aa7f53d71edf738fa58e2e125",
    "retrieve": "r1:7316f15e53a463c5abb82ca3faa17a7886dbe5bd",
    "refine": "r1:69ac0232e7d68479d52570f3b6187c6cd1d02db0",
    "judge": "r1:40c1028d2bd27d99abf4766c4e25bf33adaecad1",
    "context": "r1:974ef97ccbab8ab3fc7ff9427b075f5eeaf0b330",
    "judge_context": "r1:5f3d0333be03f886c0f3af4912afd00f968aef94",
    "train": "r1:517349740c714eadfcf675eec29c45cdbb0e441d",
    "read": "r1:d1d5ec474139e98b285a2d2588e5882c02e38744",
    "parse": "r1:7ef820943cb1f832e4596018c7b2b3323269d63d",
    "vote": "r1:1d9ce491555087eedf35435dff68d19103faf38c",
    "base": "r1:03cc53fffa2f09c65b811a9541411500bb6acdde",
    "score": "r1:a875202a12c692a005794757f721adef3e42593f",
}
"""The address of the first task of each step in the study `TINY`, in the order of the work."""

RAISED = {"index": 2, "retrieve": 2}
"""The steps whose version was raised since the first release."""


def test_the_addresses_of_a_known_study_stay(bench: Bench) -> None:
    raised = {step: version for step, version in VERSIONS.items() if version != 1}
    assert raised == RAISED, "pin the addresses anew where a version was raised"
    plan = bench.plan(TINY)
    found: dict[str, str] = {}
    for task in in_order([goal for stage in STAGES for goal in plan.goals(stage)]):
        found.setdefault(task.step, task.address)
    assert found == FIRST
