import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.parsing import ParseResult, Reason, parse, twins

ANSWERS = ("yes", "no", "maybe")
OPTIONS = {"A": "yes", "B": "no", "C": "maybe"}

READ = [
    # bare labels, in any dress
    ("yes", "yes"),
    ("Yes.", "yes"),
    ("NO", "no"),
    ("**no**", "no"),
    (" maybe\n", "maybe"),
    ('"Yes"', "yes"),
    ("'yes'", "yes"),
    ("“Yes”", "yes"),
    ("«no»", "no"),
    ("「no」", "no"),
    ("`maybe`", "maybe"),
    ("__Yes__!", "yes"),
    ("# No", "no"),
    ("#### maybe", "maybe"),
    ("> yes", "yes"),
    ("- no", "no"),
    ("• yes", "yes"),
    ("(no)", "no"),
    ("[yes]", "yes"),
    ("yes…", "yes"),
    ("✅ Yes", "yes"),
    ("```\nyes\n```", "yes"),
    ("```text\nno\n```", "no"),
    ("ｙｅｓ", "yes"),
    ("𝐧𝐨", "no"),
    ("уеѕ", "yes"),
    ("ΝΟ", "no"),
    ("\u200byes\u200b", "yes"),
    ("\ufeffmaybe", "maybe"),
    ("no<|im_end|>", "no"),
    ("yes</s>", "yes"),
    # a bare label with prose after or before it, on its own
    ("Yes.\n\nThe trial showed an effect.", "yes"),
    ("Yes. The trial showed an effect.", "yes"),
    ("**Yes.** There was no difference otherwise.", "yes"),
    ("The trial showed an effect, but a small one.\n\n**Maybe**", "maybe"),
    # JSON
    ('{"answer": "yes"}', "yes"),
    ('{"Answer": "NO."}', "no"),
    ('{"label": "maybe", "confidence": 0.3}', "maybe"),
    ('{"choice":"no"}', "no"),
    ('{"final_decision": "yes", "reason": "no harm was seen"}', "yes"),
    ('{"final-answer": "no"}', "no"),
    ('{"finalAnswer": "no"}', "no"),
    ('{"decision": "yes", "answer": "Yes"}', "yes"),
    ('{"reason": "a set {a, b}", "answer": "no"}', "no"),
    ('{"reason": "the “best” drug", "answer": "no"}', "no"),
    ('{"evidence": {"answer": "no"}, "answer": "yes"}', "yes"),
    ('```json\n{"answer": "maybe"}\n```', "maybe"),
    ('Here is my answer:\n```json\n{\n  "answer": "no",\n  "why": "harm"\n}\n```\nI hope this helps.', "no"),
    ('My reply is {"answer": "yes"}.', "yes"),
    ("{'answer': 'yes'}", "yes"),
    ("{“answer”: “no”}", "no"),
    ('[{"answer": "no"}]', "no"),
    ('["no"]', "no"),
    # announced
    ("Answer: yes", "yes"),
    ("answer:no", "no"),
    ("**Answer:** Maybe", "maybe"),
    ("**Answer**: maybe.", "maybe"),
    ("**Answer: no**", "no"),
    ("### Final answer: No", "no"),
    ("Final Answer - yes", "yes"),
    ("Ａｎｓｗｅｒ：ｎｏ", "no"),
    ("Answer:\n\nyes", "yes"),
    ("## Answer\nNo", "no"),
    ("| Answer | yes |", "yes"),
    ("Verdict: no", "no"),
    ("The answer is no.", "no"),
    ("The trial was small. Therefore, the final answer is **maybe**.", "maybe"),
    ("The answer to the question is: yes", "yes"),
    ("1. The trial was small.\n2. Answer: no", "no"),
    ("Answer: yes. There was no difference otherwise.", "yes"),
    ("Answer: yes, because the trial was large", "yes"),
    ("Answer: no (p = 0.4)", "no"),
    ("Answer: no — the trial was small", "no"),
    ("There was no difference between the arms.\nSo one would say so.\nAnswer: no", "no"),
    ("Yes and no would both be possible.\n\nAnswer: maybe", "maybe"),
    ("Initial answer below.\nAnswer: yes\nOn reflection I was wrong.\nFinal answer: no", "no"),
    ("Answer: yes\n\nAnswer: yes", "yes"),
    ("Answer: yes, no or maybe\nAnswer: no", "no"),
    ("Does it work? Yes and no.\nAnswer: no", "no"),
    ("<answer>yes</answer>", "yes"),
    ("The arms differ.\n<answer>\nno\n</answer>", "no"),
    ("So we get $\\boxed{maybe}$", "maybe"),
    ("\\boxed{\\text{yes}}", "yes"),
    # after reasoning
    ("<think>no, wait: maybe</think>yes", "yes"),
    ("<think>\nAnswer: no\n</think>\n\nAnswer: yes", "yes"),
    ("I think no.</think>\nyes", "yes"),
    ("<THINKING>a <think>no</think> b</THINKING> maybe", "maybe"),
    ("[THINK]no[/THINK]yes", "yes"),
    ('<think>{"answer": "no"}</think>{"answer": "yes"}', "yes"),
]

UNREAD = [
    ("", Reason.EMPTY),
    (" \n\t", Reason.EMPTY),
    ("<think>yes</think>", Reason.EMPTY),
    ("<think>Answer: yes", Reason.UNFINISHED),
    ("<think>yes</think><think>no", Reason.UNFINISHED),
    ("yes and no", Reason.UNREADABLE),
    ("yes/no", Reason.UNREADABLE),
    ("yes or no", Reason.UNREADABLE),
    ("yes\nno", Reason.CONTRADICTION),
    ("- yes\n- no\n- maybe", Reason.CONTRADICTION),
    ("Answer: yes\nAnswer: no", Reason.CONTRADICTION),
    ("Answer: yes. But then again. Answer: no.", Reason.CONTRADICTION),
    ("yes\n\nQuestion: and the other one?\nAnswer: no", Reason.CONTRADICTION),
    ("Final answer: yes\nFinal answer: no", Reason.CONTRADICTION),
    ('{"answer": "yes", "label": "no"}', Reason.CONTRADICTION),
    ('{"answer": "yes", "answer": "no"}', Reason.CONTRADICTION),
    ('{"answer": "yes"} {"answer": "no"}', Reason.CONTRADICTION),
    ('{"answer": "yes"}\nFinal answer: no\nyes', Reason.CONTRADICTION),
    ('{"answer": "yes", "label": "unsure"}', Reason.UNREADABLE),
    ("Answer: yes\nFinal answer: unclear", Reason.UNREADABLE),
    ("Answer: yes or no", Reason.CONTRADICTION),
    ("Answer: yes and no", Reason.CONTRADICTION),
    ("Answer: no-effect", Reason.UNREADABLE),
    ("Answer: not clear", Reason.UNREADABLE),
    ("Answer: know", Reason.UNREADABLE),
    ("Answer:", Reason.UNREADABLE),
    ("The answer is not yes", Reason.NEGATED),
    ("It is unclear whether the answer is yes.", Reason.UNREADABLE),
    ("no difference was seen, so yes", Reason.UNREADABLE),
    ("No difference was seen.", Reason.UNREADABLE),
    ("No. 5 was excluded.", Reason.OTHER_WORD),
    # an answer that is taken back
    ("Yes. On reflection, no.", Reason.TAKEN_BACK),
    ("Yes. So maybe.", Reason.CONTRADICTION),
    ("Yes\nActually, the answer must be no.", Reason.CONTRADICTION),
    ("yes?", Reason.UNREADABLE),
    ("not", Reason.UNREADABLE),
    ("know", Reason.UNREADABLE),
    ("yesterday", Reason.UNREADABLE),
    ("n o", Reason.UNREADABLE),
    ("y", Reason.UNREADABLE),
    ("I'm sorry, but I cannot answer this.", Reason.REFUSAL),
    ("...", Reason.UNREADABLE),
    ("B", Reason.UNREADABLE),
    ("Answer: B", Reason.UNREADABLE),
    ('{"answer": ["yes"]}', Reason.UNREADABLE),
    ('{"answer": true}', Reason.UNREADABLE),
    ('{"answer": null}', Reason.UNREADABLE),
    ('{"result": "yes"}', Reason.UNREADABLE),
    ('{"answer": "yes", "reason": "the tri', Reason.UNREADABLE),
    ('{\n  "answer": "no', Reason.UNREADABLE),
    ("<answer>unsure</answer>", Reason.UNREADABLE),
]

EXPLAINED = [
    ("Yes, the trial showed an effect.", "yes"),
    ("yes, it did", "yes"),
    ("**Yes**, the drug works.", "yes"),
    ("**Yes, the drug works.**", "yes"),
    ("Yes - because the trial was large", "yes"),
    ("No – the arms did not differ.", "no"),
    ("No — the arms did not differ.", "no"),
    ("No; the arms did not differ.", "no"),
    ("Maybe, as the trial was small.", "maybe"),
    ("No, statins do not reduce mortality (p = 0.4).", "no"),
    ("No, no difference was seen.", "no"),
    ("Yes, the drug lowered the pressure. There was no harm.", "yes"),
    ("Yes, the drug works. Maybe the dose matters.", "yes"),
    ("Yes, e.g. in children it did.", "yes"),
    ("Yes, although no effect was seen", "yes"),
    ("Yes because the trial was large", "yes"),
    ("Yes the trial was large.", "yes"),
    ("Yes, the drug works.\n\n- Harm: none\n- Dose: 5 mg", "yes"),
    ("<think>no</think>Yes, the drug works.", "yes"),
]
"""Answers that explain themselves."""

NOT_EXPLAINED = [
    # another answer beside it, or after it
    "No, wait, yes",
    "Yes, but maybe not in children.",
    "Yes, no",
    "yes, no, maybe",
    "Yes, and no.",
    "Yes, e.g. no effect.",
    "Yes, it works. Actually, no.",
    "Yes, it works. No, it does not.",
    "Yes, it works.\nMaybe: in children.",
    "Yes, it works.\n\n- Harm: no\n- Dose: 5 mg",
    # no explanation
    "no difference was seen",
    "No difference was seen, but the trial was small.",
    "Yes: 12 of 20",
    "No, 5 was excluded",
    "Yes, 12",
    "Yes,the drug works",
    "Yes-man",
    # not a statement
    "Yes, it works?",
    "Maybe, could it be the dose?",
    # about the speaker
    "No, I cannot answer this.",
    "Yes, I can help you with that.",
    "No, sorry, that is beyond me.",
    "Yes, of course! Here it is:",
    "1. Yes, it works.",
    "So yes, it works.",
]
"""Texts that start much like one, and are not read."""

WITH_OPTIONS = [
    ("Answer: B", "no"),
    ("B", "no"),
    ("(b)", "no"),
    ("B.", "no"),
    ("**C)**", "maybe"),
    ("B) no", "no"),
    ("B. No.", "no"),
    ("(A) yes", "yes"),
    ("B: no", "no"),
    ("Option C", "maybe"),
    ("Answer: option A", "yes"),
    ("Answer: B. no", "no"),
    ("The correct answer is (C) maybe.", "maybe"),
    ("Ｂ", "no"),
    ('{"answer": "A"}', "yes"),
    ("A) yes\nB) no\nC) maybe\n\nThe answer is C.", None),
    ("B) yes", None),
    ("Answer: B. yes", None),
    ("A, B", None),
    ("A or B", None),
    ("Answer: D", None),
    ("A. The trial was small.\nB. It was short.", None),
    ("A trial was done.", None),
    ("Answer: yes\nAnswer: B", None),
]

OTHER_LABELS = [
    ("not sure", ("sure", "not sure"), "not sure"),
    ("Answer: **Not  sure**.", ("sure", "not sure"), "not sure"),
    ("ANSWER: НЕТ", ("да", "нет"), "нет"),
    ("はい。", ("はい", "いいえ"), "はい"),
    ("答え\nAnswer：いいえ。", ("はい", "いいえ"), "いいえ"),
    ("C++.", ("C", "C++"), "C++"),
    ("don’t know", ("know", "don't know"), "don't know"),
    ("cafe\u0301", ("café", "thé"), "café"),
    ('{"answer": true}', ("true", "false"), "true"),
    ('{"answer": 2}', ("1", "2"), "2"),
    ("1. The trial was small. 2. It was short.", ("1", "2"), None),
    ("Answer: no difference", ("no", "no difference"), "no difference"),
    ("yes", ("Yes", "yes"), None),
    ("YES", ("Yes", "yes"), None),
    ("yes", (), None),
    ("Ja, die Studie zeigt es.", ("ja", "nein"), "ja"),
    ("НЕТ, эффекта не было.", ("да", "нет"), "нет"),
    ("Да, а точнее НЕТ.", ("да", "нет"), None),
    ("Answer: да, а точнее НЕТ", ("да", "нет"), None),
    # labels that may be part of a sentence are read with a reason only
    ("Low, because the rate was 2 %.", ("low", "high"), "low"),
    ("Low - based on the rates", ("low", "high"), "low"),
    ("Low, moderate and fast doses were tested.", ("low", "high"), None),
    ("Low - the rate", ("low", "high"), None),
    ("Low, because the high dose failed.", ("low", "high"), None),
    ("A, because the trial was large", ("A", "B"), None),
    ("1, because the trial was large", ("1", "2"), None),
    ("A: the trial was small\nB: it was short", ("A", "B"), None),
    ("YES, because it did", ("Yes", "yes"), None),
]

IN_WORDS = [
    ("Ja", "ja"),
    ("Answer: nein.", "nein"),
    ('{"answer": "vielleicht"}', "vielleicht"),
    ("Nein, die Gruppen waren gleich.", "nein"),
    ("yes", None),
    ("Answer: no", None),
    ("jein", None),
    ("ja\nnein", None),
]


@pytest.mark.parametrize(("text", "answer"), READ)
def test_reads(text, answer):
    assert parse(text, ANSWERS).choice == answer


@pytest.mark.parametrize(("text", "reason"), UNREAD)
def test_does_not_guess(text, reason):
    parsed = parse(text, ANSWERS)
    assert (parsed.choice, parsed.reason) == (None, reason)


@pytest.mark.parametrize(("text", "answer"), EXPLAINED)
def test_reads_an_answer_that_explains_itself(text, answer):
    parsed = parse(text, ANSWERS)
    assert (parsed.choice, parsed.reason) == (answer, Reason.EXPLAINED)


@pytest.mark.parametrize("text", NOT_EXPLAINED)
def test_does_not_take_the_start_of_a_text_for_its_answer(text):
    assert parse(text, ANSWERS).choice is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Yes, one might think. But the arms were alike.\nAnswer: no", "no"),
        ('Yes, one might think.\n{"answer": "no"}', "no"),
        ("Yes, it works. So the answer must be no.", "no"),
        ("Yes, one might think. But the arms were alike.\n\nNo", "no"),
    ],
)
def test_what_is_announced_or_concluded_outranks_how_a_text_starts(text, answer):
    assert parse(text, ANSWERS).choice == answer


@pytest.mark.parametrize(("text", "answer"), IN_WORDS)
def test_reads_the_words_of_another_language_and_no_others(text, answer):
    assert parse(text, ("ja", "nein", "vielleicht")).choice == answer


@pytest.mark.parametrize(("text", "answer"), WITH_OPTIONS)
def test_reads_options(text, answer):
    assert parse(text, ANSWERS, OPTIONS).choice == answer


@pytest.mark.parametrize(("text", "answers", "answer"), OTHER_LABELS)
def test_reads_other_labels(text, answers, answer):
    assert parse(text, answers).choice == answer


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Yes", Reason.LABEL),
        ('{"answer": "yes"}', Reason.JSON),
        ("<answer>yes</answer>", Reason.MARKED),
        ("Answer: yes", Reason.ANNOUNCED),
    ],
)
def test_says_by_what_it_read(text, reason):
    assert parse(text, ANSWERS).reason == reason


DRESSES = ["{}", "**{}**", " {}\n", "{}.", '"{}"', "`{}`", "({})", "# {}", "Answer: {}", "**Final answer:** {}"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Answer: yes. Wait, that is wrong.", Reason.TAKEN_BACK),
        ("~~yes~~", Reason.NEGATED),
        ("Answer: NO (nitric oxide)", Reason.OTHER_WORD),
        ("No. I cannot answer this.", Reason.REFUSAL),
        ("No, this cannot be determined.", Reason.REFUSAL),
        ("no\n\nQuestion: Does beta help?", Reason.CONTINUATION),
        ("<|channel|>analysis<|message|>The answer is yes", Reason.UNFINISHED),
    ],
)
def test_says_why_it_did_not_read(text, reason):
    assert parse(text, ANSWERS) == ParseResult(None, reason)


def test_maybe_is_what_an_open_question_comes_to():
    text = "Maybe. It cannot be determined from the abstract."
    assert parse(text, ANSWERS).choice == "maybe"


def test_musings_that_were_cut_off_hold_no_answer():
    text = "Okay, so the trial was large. The answer is yes."
    assert parse(text, ANSWERS, cut_off=True) == ParseResult(None, Reason.UNFINISHED)
    assert parse(text, ANSWERS).choice == "yes"


@pytest.mark.parametrize(
    "labels", [("yes ", "yes"), ("não", "na\u0303o"), ("Yes", "yes"), ("ｎｏ", "no"), ("nо", "no"), ("no.", "no")]
)
def test_labels_that_cannot_be_told_apart_are_twins(labels):
    assert twins(("maybe", *labels)) == labels


@pytest.mark.parametrize("labels", [("C", "C++", "C#"), ("-1", "1"), ("+", "-"), ("sure", "not sure"), ("*", "**")])
def test_labels_that_differ_in_signs_are_no_twins(labels):
    assert twins(labels) is None


@given(st.sampled_from(ANSWERS), st.sampled_from(DRESSES), st.data())
def test_a_label_in_any_casing_and_dress_is_read(label, dress, data):
    cased = "".join(data.draw(st.sampled_from([letter.upper(), letter.lower()])) for letter in label)
    assert parse(dress.format(cased), ANSWERS).choice == label


SPOKEN = ["yes", "No", "maybe", "B", "Answer:", "final answer is", "not", "so", "é", "？", "Yes, ", "Actually, "]
SIGNS = ["{", "}", '"answer":', '"', ",", ".", "\n", " ", "**", "\\"]
TAGS = ["<think>", "</think>", "<answer>", "</answer>", "\\boxed{", "```json"]
PIECES = st.sampled_from([*SPOKEN, *SIGNS, *TAGS])
HOSTILE_SIGNS = [
    "~~", "$", "|", "(", "_", "\u0323\u0301", "{", "{}", '{"a":', '"', "\\", "{'", "*", " ", "\n", ". ", "!", "<|",
    "=", "`", "a\u0301\u0323", "\ufdfa",
]  # fmt: skip
HOSTILE_WORDS = [
    '{"}', "Answer: ", "Answer: yes. ", "the answer is ", "yes ", "yes\n", "B) ", "Yes, it. ", "Yes, ",
    "Actually no. ", "no ", "no harm ", "because, ", "based on x, ", "answer to ", "i am really ", '"answer": "',
    "[ ] ",
    "wait ", "option ", "уеѕ ", "<think ", "<|channel|>", '{"answer": "yes"}',
]  # fmt: skip


@given(st.one_of(st.text(), st.lists(PIECES, max_size=20).map("".join)), st.booleans())
def test_only_declared_answers_come_out(text, with_options):
    parsed = parse(text, ANSWERS, OPTIONS if with_options else None)
    assert parsed.choice in (*ANSWERS, None)
    read = (Reason.LABEL, Reason.JSON, Reason.MARKED, Reason.ANNOUNCED, Reason.EXPLAINED)
    assert (parsed.choice is not None) == (parsed.reason in read)


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.text(min_size=1), st.text(min_size=1))
def test_any_answers_may_be_declared(text, first, second):
    assert parse(text, (first, second)).choice in (first, second, None)


@given(st.lists(PIECES.filter(lambda piece: piece not in ANSWERS and piece not in ("No", "B", "Yes, ")), max_size=30))
def test_a_text_without_any_label_is_never_read(pieces):
    assert parse("".join(pieces), ("affirmative", "negative")).choice is None


@given(st.sampled_from(ANSWERS), st.sampled_from(ANSWERS))
def test_two_announced_answers_are_read_only_where_they_agree(first, second):
    assert parse(f"Answer: {first}\nAnswer: {second}", ANSWERS).choice == (first if first == second else None)


@pytest.mark.no_cover
@pytest.mark.parametrize("piece", [*HOSTILE_SIGNS, *HOSTILE_WORDS, *TAGS])
def test_long_hostile_texts_take_linear_time(piece):
    size = 1_000_000 if piece in ("<think>", "{") else 50_000
    text = piece * (size // len(piece))
    start = time.process_time()
    parse(text, ANSWERS, OPTIONS)
    # Linear time is well below a second, quadratic time minutes; the rest is for slow machines and tracing.
    assert time.process_time() - start < 10
