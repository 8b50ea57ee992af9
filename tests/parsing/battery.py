"""A labelled battery for the parser: forms of a reply x what follows x sets of labels, with what each may be read as.

    python tests/parsing/battery.py

prints, for each kind, how much of what is read is right (precision) and how much of what has an answer is read
(recall). The labels of the battery come from how a text is put together, never from the parser.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import permutations, product
from typing import Any

from ragtally.parsing import parse

UNPARSED = None


@dataclass(frozen=True)
class Case:
    """A reply, and what it may be read as."""

    kind: str
    text: str
    answers: tuple[str, ...]
    allowed: frozenset[str | None]  # Several where unparsed is as right as the last of two statements
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def states_an_answer(self) -> bool:
        """Whether nothing but one answer is right."""
        return len(self.allowed) == 1 and UNPARSED not in self.allowed

    def read(self) -> str | None:
        """What the parser reads."""
        return parse(self.text, self.answers, **self.settings).choice


YES_NO = ("yes", "no", "maybe")
SIM_NAO = ("sim", "não", "talvez")
LETTERS = ("A", "B", "C", "D")
NUMBERS = ("0", "1", "2")
SIGNED = ("-1", "0", "1")
SIGNS = ("+", "-", "±")
LANGUAGES = ("C", "C++", "C#")
EVIDENCE = ("strong evidence", "weak evidence", "no evidence")
TRUTH = ("true", "false")
CLAIMS = ("SUPPORTS", "REFUTES", "NOT ENOUGH INFO")
LABEL_SETS = (YES_NO, SIM_NAO, LETTERS, NUMBERS, SIGNED, SIGNS, LANGUAGES, EVIDENCE, TRUTH, CLAIMS)
WORDS = (YES_NO, SIM_NAO, EVIDENCE, TRUTH, CLAIMS)
"""Label sets of words: prose can begin with one of them."""

BARE = (
    "{}", "{}.", " {}\n", "**{}**", "**{}.**", "`{}`", '"{}"', '"{}."', "'{}'", "“{}”", "({})", "[{}]", "## {}",
    "```\n{}\n```", "```text\n{}\n```", "{}</s>", "{}<|im_end|>", "\u200b{}", "$\\boxed{{{}}}$", "\\boxed{{{}}}",
    "\\boxed{{\\text{{{}}}}}", "\\[\\boxed{{{}}}\\]", "$\\text{{{}}}$", "__{}__", "*{}*", "✅ {}",
    "<answer>{}</answer>",
    "<answer>\n{}\n</answer>", "<answer>{}", "<final_answer>{}</final_answer>",
)  # fmt: skip
ANNOUNCED = (
    "Answer: {}", "answer: {}", "ANSWER: {}", "Answer:{}.", "**Answer:** {}", "**Answer**: {}", "**Answer: {}**",
    "### Answer\n{}", "Answer:\n{}", "Final answer: {}", "**Final Answer:** {}", "### Final answer: {}",
    "Final Answer: **{}**.", "The answer is {}.", "The answer is: {}", "The answer is **{}**.",
    'The answer is "{}".',
    'The answer is "{}."', "The correct answer is {}.", "My answer is {}.", "Therefore, the answer is {}.",
    "So the final answer is {}.", 'The answer to this question is "{}."', "The answer to the question is {}.",
    "Thus, the correct answer is **{}**.", "Label: {}", "Verdict: {}", "Decision: **{}**", "| Answer | {} |",
    "1. Answer: {}", "Answer - {}", "Answer: $\\boxed{{{}}}$", "The final answer is $\\boxed{{{}}}$.",
    "**Answer**\n\n{}",
    "Based on the abstract, the answer is {}.", "Since the trial was large, the answer is {}.",
    "Given the large trial, my answer is {}.", "In conclusion, the answer is {}.", "I think the answer is {}.",
    "Answer: `{}`", "Answer: ({})", "Answer: <b>{}</b>", "The correct option is {}.", "> Answer: {}", "- Answer: {}",
)  # fmt: skip
JSON = (
    '{{"answer": {}}}', '{{"Answer": {}}}', '{{"label": {}}}', '{{"final_answer": {}}}', '{{"finalAnswer": {}}}',
    '```json\n{{"answer": {}}}\n```', 'Here it is:\n```json\n{{\n  "answer": {},\n  "why": "large"\n}}\n```\nDone.',
    '{{"explanation": "The trial was {{large}}.", "answer": {}}}', '[{{"answer": {}}}]', 'I say {{"answer": {}}}.',
    '{{"answer": {}, "explanation": "the “large” trial"}}',
)  # fmt: skip
FORMS = (*BARE, *ANNOUNCED)
EXPLAINED = (
    '{} The reason is that the trial was large.', "{} The trial was large.", "{}\n\nThe trial was large.",
    "{}\n\nExplanation: the trial was large and the arms were alike.",
)  # fmt: skip
"""What may follow a whole sentence."""
WHOLE = tuple(
    form for form in (*BARE, *ANNOUNCED) if form.endswith(("{}.", '{}."', "{}**.", "{}**", '{}".', "{}</answer>"))
)
INSIDE = (
    'The answer to this question is "{}" because the trial was large.', "Answer: {} because the trial was large.",
    "Answer: {}, because the trial was large.", "Answer: {} (p < .05)", "Answer: {} - the trial was large",
    "Answer: {}; the trial was large.", "Answer: {} — the trial was large.",
    "The answer is {}, as the trial was large.",
    "The answer is {} since the trial was large.", "The answer is that {}.", "The answer is, {}.",
    'The answer is "{}", given the size of the trial.', "The answer is {}, according to the trial.",
)  # fmt: skip
PARTICLES = (
    "{}, the trial was large.", "{}. The trial was large.", "{}; the trial was large.", "{} - the trial was large.",
    "{} — the trial was large.", "{} because the trial was large.", "{}, because the trial was large.",
    "{}, since the trial was large.", "{} since the trial was large.", "**{}**, the trial was large.",
    "**{}.** The trial was large.", "**{}** because the trial was large.", "{}: the trial was large.",
    "{}! The trial was large.", "{}\nThe trial was large.", "1. {}", "A) {}", "(a) {}", "- {}",
    "{}, based on the trial.",
    "{} based on the trial.", "Based on the trial, {}.", "Therefore, {}.", "In short, {}. The trial was large.",
    "I would say {}.", "{}, e.g. the trial was large.", "{} due to the size of the trial.",
)  # fmt: skip
BEFORE = (
    "The trial was large, and the arms were alike.\n\n{}", "First, the trial was large. Second, it was long.\n{}",
    "Let me think step by step.\n1. The trial was large.\n2. It was long.\n\n{}", "Sure! Here is my answer:\n\n{}",
)  # fmt: skip

TURNS = (
    "Wait, the answer is {}.", "Wait, no: the correct answer is {}.", "Actually, the answer is {}.",
    "Actually, it is {}.", "Actually {}.", "Actually, {}", "Hmm, {}.", "Hmm, on second thoughts it is {}.",
    "However, on reflection the final answer is {}.", "On reflection, {}.", "On second thought, {}.",
    "No wait, {}.",
    "Correction: {}", "Correction: the answer should be {}.", "Sorry, I meant {}.", "I mean {}.", "Or rather, {}.",
    "Scratch that, {}.", "Let me correct that: {}.",
    "But since the trial was stopped early, my final answer would be {}.",
    "But the abstract reports the opposite, so {}.",
    "Actually, the abstract reports otherwise, so the label is {}.",
    "I changed my mind: {}.", "I was wrong: it is {}.", "That is wrong. It should be {}.", "Oops, {}.",
    "My mistake, the answer is {}.", "Let me reconsider. The answer is {}.", "Edit: {}", "Revised answer: {}",
    "In fact, the correct choice is {}.", "Strike that: {}.", "Rather, {}.", "Make that {}.", "Answer: {}",
    "Final answer: {}", "Looking again, the answer must be {}.", "So the answer is {}.", "**{}**", "\n{}",
    '{{"answer": "{}"}}', "\\boxed{{{}}}", "<answer>{}</answer>", "After thinking more, I would say {}.",
    "Or is it? Answer: {}", "Upon review, I choose {} instead.", "The opposite holds, hence {}.",
    "It might also be {}.", "Well, {} then.",
    "I take that back: {}.", "Apologies, the right label is {}.", "I'd rather go with {}.",
)  # fmt: skip
STATEMENTS = (
    "{}.", "Answer: {}.", "Answer: {}", "The answer is {}.", "Final answer: {}.", "**{}**", "**Answer:** {}.",
    '{{"answer": "{}"}}', "<answer>{}</answer>", "\\boxed{{{}}}", "$\\boxed{{{}}}$", "My answer is {}.",
    'The answer to this question is "{}."', "Answer: {} because the trial was large.",
)  # fmt: skip
WITHDRAWALS = (
    "That is wrong.", "Wait, that's wrong.", "This is incorrect.", "Actually, that is not right.", "Scratch that.",
    "I take that back.", "Ignore that.", "Disregard my answer above.", "I was wrong.", "Hmm, let me reconsider.",
    "I made a mistake.", "Actually, I am not sure.", "But I'm not sure.", "No, that is not correct.",
    "Strike that.",
    "However, this answer is incorrect.", "On second thought, I am not certain.", "Correction: I don't know.",
    "Wait, I need to check again.", "That cannot be right.", "The answer above is wrong.", "I retract this answer.",
)  # fmt: skip
CALLED_WRONG = (
    "~~{}~~", "Answer: ~~{}~~", "**~~{}~~**", "<del>{}</del>", "<s>{}</s>", "<strike>{}</strike>", "[ ] {}",
    "- [ ] {}",
    "☐ {}", "❌ {}", "{} ❌", "✗ {}", "{} ✗", "✘ {}", "Answer: {} (incorrect)", "Answer: {} (wrong)", "Answer: {} ❌",
    "{} (incorrect)", "{} is incorrect.", "{} is wrong.", "{} is not the answer.", "The answer {} is wrong.",
    'I cannot output {{"answer": "{}"}}', 'Do not write {{"answer": "{}"}}.',
    'It would be wrong to say {{"answer": "{}"}}',
    'Never answer <answer>{}</answer>', "I will not answer {}.", "Answer: {} is incorrect",
    "Answer: {} would be wrong.",
    "Incorrect answer: {}", "Wrong answer: {}", "The wrong answer is {}.", "The incorrect answer is {}.",
    "Answer: not {}",
    "The answer is not {}.", "The answer isn't {}.", "The answer is definitely not {}.", "Not {}.", "not {}", "!{}",
    "The answer cannot be {}.", "My answer is anything but {}.", "Answer: non-{}",
    "Answer: {} was my first guess, but not now.",
    "Answer: {} (not correct)", "Answer: {} [incorrect]", "{} - incorrect", "{} — wrong", "{}, which is wrong.",
    "The answer is neither {} nor anything else.", "It is false that the answer is {}.", "The answer is never {}.",
)  # fmt: skip
SEVERAL = (
    "{0}/{1}", "{0} or {1}", "{0} and {1}", "{0}, {1}", "{0}. {1}.", "{0}... {1}", "{0}\n{1}", "- {0}\n- {1}",
    "{0} {1}",
    "Answer: {0} or {1}", "Answer: {0}/{1}", "Answer: {0}... {1}", "Answer: {0} and {1}", "Answer: {0}, {1}",
    "Answer: {0}\nAnswer: {1}", "The answer is {0} or {1}.", "The answer is either {0} or {1}.",
    "Answer: {0} ({1})",
    "The answer is {0}, {1}.", '{{"answer": "{0}", "label": "{1}"}}', '{{"answer": "{0}"}} {{"answer": "{1}"}}',
    '{{"answer": "{0}", "answer": "{1}"}}', '{{"answer": ["{0}", "{1}"]}}', '{{"answer": "{0} or {1}"}}',
    "<answer>{0}</answer><answer>{1}</answer>", "<answer>{0} or {1}</answer>", "\\boxed{{{0}}} or \\boxed{{{1}}}",
    "\\boxed{{{0}, {1}}}", "**{0}** or **{1}**", "**{0}**\n\n**{1}**", "{0} | {1}", "Answer: {0} | {1}",
    "1. {0}\n2. {1}",
    "A) {0}\nB) {1}", "Final answer: {0}\nFinal answer: {1}", "From {0} to {1}.",
    "Answer: between {0} and {1}", "Reply with {0} or {1}.", "Choose one: {0}, {1}",
)  # fmt: skip
OPEN = (
    "{}?", "Answer: {}?", "Is the answer {}?", "Could it be {}?", "The answer could be {}.",
    "The answer may be {}.",
    "It is unclear whether the answer is {}.", "If the trial was large, the answer is {}?", "Is it {}? I wonder.",
    "Critics claim the answer is {}.", "The answer is {} if the dose is high.",
    "The answer is {} unless the dose is low.",
    "The answer is possibly {}.", "Answer: perhaps {} in children",
    "Some would say the answer is {}, others would not.",
    "Suppose the answer is {}.", "Answer: unclear", "Answer:", "The answer is", "Answer: [one of the above]",
    "The trial asked whether {} holds.", "They reported {} patients with harm.", "I do not know if it is {}.",
)  # fmt: skip
REFUSALS = (
    "{0}. I cannot answer this.", "{0}, I cannot answer this.", "{0}. I can't answer that.",
    "{0}. I am unable to answer this question.", "{0}; I don't know.",
    "{0}. I'm sorry, but I can't help with that.",
    "{0}, sorry, I cannot say.", "{0} - I will not answer this question.",
    "{0}, as an AI I cannot give medical advice.",
    "{0}. As an AI language model, I cannot answer.", "{0}, I can't determine that.", "{0} I cannot answer this.",
    "Answer: {0}. I cannot answer this.", "**{0}.** I am not able to answer.", "{0}\n\nI cannot answer this.",
    "{0}, I won't answer that.", "{0}. I do not have enough information.",
)  # fmt: skip
REFUSALS_OF_THE_DECIDED = (
    "{0}, this cannot be determined.", "{0}, this cannot be answered.",
    "{0}, there is not enough information to answer.", "{0}. This cannot be determined.",
    "{0}, it cannot be determined from the abstract.",
    "{0}. The question cannot be answered from the context.",
)  # fmt: skip
"""Where the label is maybe, these explain it."""
CONTINUATIONS = (
    "\n\nQuestion: Does beta help?\nAnswer: {1}", "\n\nQuestion: Does beta help?", "\nQ: Does beta help?\nA: {1}",
    "\n\nQuestion: Does beta help?\nAnswer: {0}", "\n\nUser: Does beta help?",
    "\n\nHuman: and beta?\n\nAssistant: {1}",
    "\n\n### Question\nDoes beta help?", "\n\nContext: Beta was tried.\n\nQuestion: Does beta help?",
    "<|im_end|>\n<|im_start|>user\nDoes beta help?", "\n\nNext question: does beta help?",
    "\n\n[INST] Does beta help? [/INST]",
    "\n\nQuestion 2: Does beta help?\n\nAnswer 2: {1}", "\n\n**Question:** Does beta help?",
    "\n\n### Instruction:\nGo on.",
)  # fmt: skip
SUBJECT_WORDS = (
    "Answer: NO (nitric oxide)", "NO (nitric oxide)", "**NO** (nitric oxide)", "The answer is NO (nitric oxide).",
    "Answer: NO synthase", "Answer: NO-synthase inhibitors", "Answer: NO, nitric oxide", "NO, i.e. nitric oxide.",
    "Answer: NO = nitric oxide", "NO stands for nitric oxide.", "NO: nitric oxide", "Answer: NO2", "Answer: NOx",
    "No. 5",
    "Answer: No. 5", "No. 5 was excluded.", "No 5", "No difference was seen.",
    "No difference was seen, but it was small.",
    "No patients died.", "No. of patients: 12", "Answer: no-effect dose", "Answer: no difference between arms",
    "Yes-associated protein was measured.", "Answer: YES-associated protein", "Maybe the dose was too low.", "know",
    "not",
    "yesterday", "Answer: nothing", "Answer: none", "Nope-4 was given.", "Answer: No.5", "No one knows.",
    "No one died.",
    "Answer: no one knows", "NO donors relax vessels.", "NO. Nitric oxide relaxes vessels.",
)  # fmt: skip

CLOSED_REASONING = (
    "<think>{0}</think>{1}", "<think>\nAnswer: {0}\n</think>\n\n{1}", "{0}</think>{1}",
    "Answer: {0}\n</think>\n{1}",
    "<thinking>{0}</thinking>{1}", "<Thought>{0}</Thought>\n{1}", "<reasoning>{0}</reasoning>{1}",
    "<reflection>{0}</reflection>{1}", "<scratchpad>{0}</scratchpad>{1}", "<analysis>{0}</analysis>{1}",
    "[THINK]{0}[/THINK]{1}", "[think]Answer: {0}[/think]\n{1}", "◁think▷{0}◁/think▷{1}",
    "<seed:think>{0}</seed:think>{1}",
    "<|begin_of_thought|>Answer: {0}<|end_of_thought|>\n<|begin_of_solution|>{1}<|end_of_solution|>",
    "<|channel|>analysis<|message|>Answer: {0}.<|end|><|start|>assistant<|channel|>final<|message|>{1}",
    "<|start|>assistant<|channel|>analysis<|message|>Answer: {0}"
    ".<|end|><|start|>assistant<|channel|>final<|message|>{1}<|return|>"
    ,
    "<|channel|>commentary<|message|>Answer: {0}.<|end|><|channel|>final<|message|>{1}",
    "<|channel|>analysis<|message|>Answer: {0}"
    "<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>{1}"
    ,
    "<unused94>thought\nAnswer: {0}\n<unused95>{1}", "<|channel>thought\nAnswer: {0}\n<channel|>{1}",
    "<|START_THINKING|>Answer: {0}<|END_THINKING|><|START_RESPONSE|>{1}<|END_RESPONSE|>",
    "<think>a <think>{0}</think> b</think>{1}", "<THINKING>\n{0}\n</THINKING>\n{1}",
    "<thinking_process>{0}</thinking_process>{1}",
    "<inner_monologue>{0}</inner_monologue>{1}", "<longcat_think>{0}</longcat_think>{1}",
    "<thinking mode='x'>{0}</thinking>{1}",
    "```\n<think>\nAnswer: {0}\n</think>\n```\n{1}", "<|thinking|>Answer: {0}<|/thinking|>{1}",
    "<antThinking>{0}</antThinking>{1}",
    "<ThinkAloud>{0}</ThinkAloud>{1}", "<chain_of_thought>{0}</chain_of_thought>{1}",
    "<rationale>{0}</rationale>{1}",
    "Here is my thought process:\nAnswer: {0}\n\nHere is my response:\n{1}", "<cot>{0}</cot>{1}",
    "〈think〉{0}〈/think〉{1}",
    "<|inner_prefix|>Answer: {0}<|inner_suffix|>{1}", "&lt;think&gt;Answer: {0}&lt;/think&gt;{1}",
    "analysisWe must decide. Answer: {0}.assistantfinal{1}", "Thinking Process:\n\n1. Answer: {0}\n</think>\n{1}",
    "<｜begin▁of▁thinking｜>{0}<｜end▁of▁thinking｜>{1}",
)  # fmt: skip
OPEN_REASONING = (
    "<think>Answer: {}", "<think>\n{}", "<think>{}</think><think>{}", "<thinking>The answer is {}.",
    "<reasoning>\nAnswer: {}\n",
    "[THINK]Answer: {}", "◁think▷The answer is {}.", "<seed:think>\nThe answer is {}.",
    "<|begin_of_thought|>Answer: {}",
    "<|channel|>analysis<|message|>We must decide. The answer is {}", "<|channel>thought\nAnswer: {}",
    "<analysis>{}",
    "<|channel|>analysis<|message|>Answer: {}<|end|>",
    "<|channel|>analysis<|message|>Answer: {}<|end|><|start|>assistant",
    "<unused94>thought\nAnswer: {}", "<|START_THINKING|>Answer: {}", "```\n<think>\nAnswer: {}\n```",
    "<scratchpad>{}",
    "Here is my thought process:\nAnswer: {}", "analysisWe must decide. Answer: {}.", "<think>\n\n{}\n\n<think>",
    "<cot>{}",
    "Thinking Process:\n\n1. The trial was large.\n2. Answer: {}", "<|thinking|>Answer: {}",
    "<|channel|>commentary<|message|>{}",
    "<rationale>Answer: {}", "&lt;think&gt;Answer: {}", "<|inner_prefix|>Answer: {}",
)  # fmt: skip

OPTIONS = {"A": "yes", "B": "no", "C": "maybe"}
WITH_OPTIONS = (
    ("{letter}", True), ("({letter})", True), ("{letter}.", True), ("**{letter})**", True), ("{letter}) {word}",
    True),
    ("{letter}. {word}", True), ("({letter}) {word}", True), ("{letter}: {word}", True), ("Option {letter}", True),
    ("Answer: {letter}", True), ("Answer: {letter}. {word}", True), ("Answer: option {letter}", True),
    ("The correct answer is ({letter}) {word}.", True), ("The answer is {letter}.", True), ("**Answer: {letter}**",
    True),
    ("The answer is {letter}) {word}.", True), ("\\boxed{{{letter}}}", True), ('{{"answer_choice": "{letter}"}}',
    True),
    ('{{"answer_choice": "{letter}. {word}"}}', True), ('{{"answer": "{word}"}}', True), ("{word}", True),
    ('{{"step_by_step_thinking": "the "large" trial", "answer_choice": "{letter}"}}', True),
    ('{{"answer_choice": "{letter}", "thinking": "the 5" tube and the "large" trial"}}', True),
    ('```json\n{{"step_by_step_thinking": "so", "answer_choice": "{letter}"}}\n```', True),
    ("<answer>{letter}</answer>", True),
    ("{letter}) {other}", False), ("Answer: {letter}. {other}", False), ('{{"answer_choice": "{letter}. {other}"}}',
    False),
    ("{letter}: {other}", False), ("The answer is ({letter}) {other}.", False), ("{letter}, {next}", False),
    ("{letter} or {next}", False), ("Answer: D", False), ("Answer: {letter}\nAnswer: {next}", False),
    ("Answer: {letter}. Wait, {next}.", False), ("{letter} trial was done.", False), ("Answer: {letter} and {next}",
    False),
)  # fmt: skip
SIGNS_OF_NUMBERS = ("-1", "−2", "(-1)", "**-2**", "-1.", "Answer: -1", "Answer: - 1", "~1", ">1", "<2", "+1", "±1",
    "1.5",
    "1/2", "1-2", "12", "1%", "0.1", "Answer: >1", "Answer: 1.5", "[-1]", "`-2`", '{"answer": -1}',
    '{"answer": 1.5}',
    "\\boxed{-1}", "<answer>-2</answer>", "1°", "≥1", "2nd", "1e5", "Answer: 1 of 2", "1:2", "10", "1,000",
    "1, 2")  # fmt: skip


def casings(label: str) -> tuple[str, ...]:
    """A label as models write it."""
    return tuple(dict.fromkeys((label, label.capitalize(), label.upper()))) if len(label) > 1 else (label,)


def cases(every: int = 1) -> list[Case]:
    """The cases; of the retractions, which are most, each `every`th."""
    retracted = list(_retracted())[::every]
    rest = (*_plain(), *_explained(), *_unparsed(), *_reasoning(), *_options(), *_signs())
    return list({(case.text, case.answers, *case.settings): case for case in (*rest, *retracted)}.values())


def _one(kind: str, text: str, answers: tuple[str, ...], label: str | None, **settings: Any) -> Case:
    return Case(kind, text, answers, frozenset({label}), settings)


def _plain() -> Iterator[Case]:
    for answers in LABEL_SETS:
        for label in answers:
            for form, spelling in product(FORMS, casings(label)):
                if answers in (SIGNED, NUMBERS, SIGNS) and form.startswith(("Answer - ", "- ", "> ")):
                    continue  # "Answer - 1" could be minus one.
                yield _one("plain", form.format(spelling), answers, label)
            for form in JSON:
                yield _one("plain: JSON", form.format(json.dumps(label, ensure_ascii=False)), answers, label)
            for before, form in product(BEFORE, ("{}", "**{}**", "Answer: {}", "The answer is {}.", "\\boxed{{{}}}")):
                yield _one("plain: after prose", before.format(form.format(label)), answers, label)


def _explained() -> Iterator[Case]:
    for answers in LABEL_SETS:
        for label in answers:
            for form, after in product(ANNOUNCED, EXPLAINED):
                if form in WHOLE:
                    yield _one("explained: announced", after.format(form.format(label)), answers, label)
            for form, spelling in product(INSIDE, casings(label)):
                if answers is SIGNS and ("-" in form or "—" in form):
                    continue  # The dash is a label.
                yield _one("explained: announced", form.format(spelling), answers, label)
    for answers in (YES_NO, SIM_NAO):
        for label in answers:
            for form, spelling in product(PARTICLES, casings(label)):
                yield _one("explained: particle first", form.format(spelling), answers, label)
    for label, text in (
        ("yes", "Yes the trial was large."),
        ("no", "No the trial was small."),
        ("yes", "Yes this works."),
    ):
        yield _one("explained: particle first", text, YES_NO, label)


def _retracted() -> Iterator[Case]:
    for answers in LABEL_SETS:
        for first, second in permutations(answers[:3], 2):
            allowed = frozenset({second, UNPARSED})
            for statement, turn, join in product(STATEMENTS, TURNS, (" ", "\n\n")):
                text = f"{statement.format(first)}{join}{turn.format(second)}"
                yield Case("taken back: another answer", text, answers, allowed)
        for label in answers[:3]:
            for statement, withdrawal, join in product(STATEMENTS, WITHDRAWALS, (" ", "\n\n")):
                yield _one("taken back", f"{statement.format(label)}{join}{withdrawal}", answers, UNPARSED)


def _unparsed() -> Iterator[Case]:
    for answers in LABEL_SETS:
        for label in answers:
            for form in CALLED_WRONG:
                if answers is not CLAIMS or "not" not in form.casefold():
                    yield _one("called wrong", form.format(label), answers, UNPARSED)
            for form in OPEN:
                yield _one("left open", form.format(label), answers, UNPARSED)
        for first, second in permutations(answers[:3], 2):
            for form in SEVERAL:
                if not (answers in (LETTERS, NUMBERS, SIGNED, SIGNS) and form.startswith(("1.", "A)", "- "))):
                    yield _one("several answers", form.format(first, second), answers, UNPARSED)
            for statement, after in product(STATEMENTS[:9], CONTINUATIONS):
                text = statement.format(first) + after.format(first, second)
                yield _one("goes on with a question", text, answers, UNPARSED)
    for answers in (*WORDS, LETTERS):
        for label, form in product(answers, REFUSALS):
            yield _one("refusal", form.format(label.capitalize()), answers, UNPARSED)
    for answers in (YES_NO, SIM_NAO, TRUTH):
        for label, form in product(
            [label for label in answers if label not in ("maybe", "talvez")], REFUSALS_OF_THE_DECIDED
        ):
            yield _one("refusal", form.format(label.capitalize()), answers, UNPARSED)
    for text in SUBJECT_WORDS:
        yield _one("word of the subject", text, YES_NO, UNPARSED)


def _reasoning() -> Iterator[Case]:
    for answers in LABEL_SETS:
        for first, second in permutations(answers[:3], 2):
            for form, after in product(CLOSED_REASONING, ("{}", "Answer: {}")):
                yield _one("after reasoning", form.format(first, after.format(second)), answers, second)
        for label in answers:
            for form in OPEN_REASONING:
                yield _one("reasoning without end", form.format(*[label] * 2), answers, UNPARSED)
                yield _one("reasoning without end", form.format(*[label] * 2), answers, UNPARSED, cut_off=True)


def _options() -> Iterator[Case]:
    settings = {"options": OPTIONS, "answer_key": ("answer_choice",)}
    letters, words = list(OPTIONS), list(OPTIONS.values())
    for row, letter in enumerate(letters):
        other = (row + 1) % 3
        names = {"letter": letter, "word": words[row], "other": words[other], "next": letters[other]}
        for form, is_read in WITH_OPTIONS:
            label = words[row] if is_read else UNPARSED
            if label is None and "Wait" in form:
                yield Case("options", form.format(**names), YES_NO, frozenset({None, words[other]}), settings)
            else:
                yield _one("options", form.format(**names), YES_NO, label, **settings)


def _signs() -> Iterator[Case]:
    for text in SIGNS_OF_NUMBERS:
        yield _one("signs of numbers", text, NUMBERS, UNPARSED)
    for text, answers, label in (
        ("C++.", LANGUAGES, "C++"), ("# C#", LANGUAGES, "C#"), ("C.", LANGUAGES, "C"), ("C--", LANGUAGES, UNPARSED),
        ("-1.", SIGNED, "-1"), ("(-1)", SIGNED, "-1"), ("**1**", SIGNED, "1"), ("−1", SIGNED, "-1"), ("+1",
        SIGNED, UNPARSED),
        ("**+**", SIGNS, "+"), ("(-)", SIGNS, "-"), ("`-`", SIGNS, "-"), ("+-", SIGNS, UNPARSED), ("--",
        SIGNS, UNPARSED),
        ("* yes", YES_NO, "yes"), ("*", ("*", "**"), "*"), ("**", ("*", "**"), "**"), ('"', ('"', "'"), '"'),
    ):  # fmt: skip
        yield _one("signs of labels", text, answers, label)


@dataclass
class Tally:
    """How a kind was read."""

    cases: int = 0
    read: int = 0
    right: int = 0  # Of those read
    with_answer: int = 0
    with_answer_read: int = 0
    wrong: list[Case] = field(default_factory=list)
    missed: list[Case] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """The share of what is read that is right."""
        return self.right / self.read if self.read else 1.0

    @property
    def recall(self) -> float:
        """The share of what states one answer that is read as it."""
        return self.with_answer_read / self.with_answer if self.with_answer else 1.0


def tally(battery: Sequence[Case]) -> dict[str, Tally]:
    """Count by kind, and in all under the name `all`."""
    tallies: dict[str, Tally] = {}
    for case in battery:
        choice = case.read()
        for name in (case.kind, "all"):
            counts = tallies.setdefault(name, Tally())
            counts.cases += 1
            counts.read += choice is not None
            counts.right += choice is not None and choice in case.allowed
            counts.with_answer += case.states_an_answer
            counts.with_answer_read += case.states_an_answer and choice in case.allowed
            if choice is not None and choice not in case.allowed:
                counts.wrong.append(case)
            elif choice is None and case.states_an_answer:
                counts.missed.append(case)
    return tallies


def table(tallies: dict[str, Tally]) -> str:
    """A line per kind, the sum last."""
    lines = [f"{'kind':28} {'cases':>7} {'read':>7} {'precision':>10} {'of answers':>11} {'recall':>8}"]
    for name in [*(name for name in tallies if name != "all"), "all"]:
        counts = tallies[name]
        precision = f"{counts.precision:.2%}" if counts.read else "-"
        recall = f"{counts.recall:.2%}" if counts.with_answer else "-"
        lines.append(
            f"{name:28} {counts.cases:7,} {counts.read:7,} {precision:>10} {counts.with_answer:11,} {recall:>8}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    RESULT = tally(cases())
    print(table(RESULT))
    SHOWN = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    for name in ("wrong", "missed"):
        shown: Counter[Any] = Counter()
        for each in getattr(RESULT["all"], name):
            shown[each.kind, each.answers] += 1
            if shown[each.kind, each.answers] <= SHOWN:
                print(f"{name}: {each.kind}: {each.text!r}: {each.read()!r}, not {set(each.allowed)}")
