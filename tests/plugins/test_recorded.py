import json

import pytest

import ragtally_recorded
from ragtally.api import DataError, Reading, Vote, file_hash

COMPONENT = ragtally_recorded.register_readers()[0]


@pytest.fixture
def read(tmp_path):
    path = tmp_path / "answers.jsonl"

    def read(content, questions=("q1",), vote=0, answers=("yes", "no")):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        count = len(questions)
        reading = Reading(list(questions), ["Why?"] * count, [["A passage."]] * count, answers)
        return COMPONENT.build(path=str(path), condition="retrieved").read(reading, Vote("measure", vote, 1))

    read.path = path
    return read


def lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records)


def test_text_is_left_to_the_parser_and_a_choice_is_taken_as_it_is(read):
    content = lines(
        {"question": "q2", "vote": 0, "choice": "no"},
        {"question": "q1", "vote": 0, "text": "Answer: yes"},
        {"question": "q1", "vote": 1, "text": "hm"},
    )
    answers = read(content, ("q1", "q2", "q3"))
    assert list(answers.text) == ["Answer: yes", None, None]
    assert list(answers.choice) == [None, "no", None]
    assert list(answers.error) == [None, None, "no recorded answer"]
    assert list(read(content, ("q1", "q2"), vote=1).text) == ["hm", None]
    with pytest.raises(DataError, match="no answer of the vote 2: the votes of the file are 0, 1"):
        read(content, ("q1",), vote=2)


@pytest.mark.parametrize(
    ("ids", "message", "hint"),
    [
        (("Q1",), "the dataset has no question 'Q1'", "did you mean 'q1'?"),
        (("q2", "q1 "), "the dataset has no question 'q1 '", "did you mean 'q1'?"),
        (("x7",), "none of the 2 questions asked has an answer; the first here is for 'x7'", "like 'q1'"),
    ],
)
def test_answers_that_match_no_question_are_an_error_with_their_line(read, ids, message, hint):
    content = lines(*({"question": name, "vote": 0, "text": "yes"} for name in ids))
    with pytest.raises(DataError) as caught:
        read(content, ("q1", "q2"))
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert (caught.value.location.file, caught.value.location.line) == (str(read.path), len(ids))


def test_half_a_character_becomes_a_whole_one(read):
    assert list(read('{"question": "q1", "vote": 0, "text": "yes \\ud83d"}').text) == ["yes \ufffd"]


def test_what_was_measured_comes_along_where_it_is_known(read):
    content = lines(
        {"question": "q1", "vote": 0, "text": "a", "input_tokens": 7, "seconds": 0.5, "dollars": 0},
        {"question": "q2", "vote": 0, "text": "b", "input_tokens": None, "seconds": 2},
    )
    answers = read(content, ("q2", "q1"))
    assert list(answers.input_tokens) == [None, 7]
    assert list(answers.seconds) == [2, 0.5]
    assert list(answers.dollars) == [None, 0]
    assert answers.output_tokens is None


@pytest.mark.parametrize("content", [b'\xef\xbb\xbf{"question": "q1", "vote": 0, "text": "yes"}\r\n\r\n'])
def test_a_byte_order_mark_and_empty_lines_are_no_answers(read, content):
    assert list(read(content).text) == ["yes"]


def test_text_keeps_its_odd_line_ends(read):
    assert list(read(lines({"question": "q1", "vote": 0, "text": "a\u2028b\x85c\r\n"})).text) == ["a\u2028b\x85c\r\n"]


GOOD = '{"question": "q1", "vote": 0, "text": "yes"}\n'

DAMAGE = [
    (GOOD + '{"question": "q2", "vote"', ":2:26: ", "not JSON", "cut off"),
    (GOOD + '{"question": "q2", vote: 0}\n', ":2:20: ", "not JSON", "a line is"),
    (GOOD + '["q2", 0, "yes"]\n', ":2:1: ", "no JSON object", "a line is"),
    (GOOD + '"q2"\n', ":2:1: ", "no JSON object", "a line is"),
    (GOOD + '{"vote": 0, "text": "yes"}\n', ":2:1: ", "'question' is missing", "a line is"),
    (GOOD + '{"question": "q2", "text": "yes"}\n', ":2:1: ", "'vote' is missing", "a line is"),
    (GOOD + '{"question": "q2", "vote": 0}\n', ":2:1: ", "neither of 'text' and 'choice'", "'choice'"),
    (GOOD + '{"question": "q2", "vote": 0, "text": "a", "choice": "b"}\n', ":2:1: ", "both of", "'choice'"),
    (GOOD + GOOD, ":2:14: ", "already on line 1", "number"),
    ('{"question": 5, "vote": 0, "text": "a"}\n', ":1:14: ", "'question' must be", "in quotes"),
    ('{"question": "", "vote": 0, "text": "a"}\n', ":1:14: ", "'question' must be", "in quotes"),
    ('{"question": "q", "vote": -1, "text": "a"}\n', ":1:27: ", "'vote' must be", "first vote is 0"),
    ('{"question": "q", "vote": true, "text": "a"}\n', ":1:27: ", "'vote' must be", "first vote is 0"),
    ('{"question": "q", "vote": 0.0, "text": "a"}\n', ":1:27: ", "'vote' must be", "first vote is 0"),
    ('{"question": "q", "vote": "0", "text": "a"}\n', ":1:27: ", "'vote' must be", "first vote is 0"),
    ('{"question": "q", "vote": 0, "text": null}\n', ":1:38: ", "'text' must be", "leave the line out"),
    ('{"question": "q", "vote": 0, "choice": 1}\n', ":1:40: ", "'choice' must be", "leave the line out"),
    ('{"question": "q", "vote": 0, "text": "a", "seconds": -1}\n', ":1:54: ", "'seconds' must be", "leave it out"),
    (
        '{"question": "q", "vote": 99999999999999999999, "text": "a"}\n',
        ":1:27: ",
        "'vote' must be",
        "first vote is 0",
    ),
    ('{"question": "q", "vote": 0, "text": "a", "seconds": 1e308}\n', ":1:54: ", "'seconds' must be", "leave it out"),
    (
        '{"question": "q", "vote": 0, "text": "a", "input_tokens": 9999999999999999999}\n',
        ":1:59: ",
        "_tokens",
        "leave",
    ),
    ('{"question": "q", "vote": 0, "text": "a", "seconds": NaN}\n', ":1:1: ", "NaN", "a line is"),
    ('{"question": "q", "vote": 0, "text": "a", "dollars": 1e999}\n', ":1:54: ", "'dollars' must be", "leave it out"),
    ('{"question": "q", "vote": 0, "text": "a", "dollars": "1"}\n', ":1:54: ", "'dollars' must be", "leave it out"),
    ('{"question": "q", "vote": 0, "text": "a", "input_tokens": 1.5}\n', ":1:59: ", "'input_tokens'", "leave it out"),
    ('{"question": "q", "vote": 0, "text": "a", "output_tokens": true}\n', ":1:60: ", "'output_tokens'", "leave"),
    ('{"question": "q", "vote": 0, "tetx": "a"}\n', ":1:30: ", "unknown key 'tetx'", "did you mean 'text'?"),
    ('{"question": "q", "vote": 0, "vote": 1, "text": "a"}\n', ":1:1: ", "'vote' is given twice", "a line is"),
    (b'{"question": "q", "vote": 0, "text": "\xff"}\n', ":1:39: ", "not UTF-8", "UTF-8"),
    ("", ": ", "empty", "a line is"),
    ("\n\n", ": ", "empty", "a line is"),
    ("[" * 100_000, ":1:1: ", "cannot be read", "a line is"),
]


@pytest.mark.parametrize(("content", "location", "message", "hint"), DAMAGE)
def test_damage_is_named_with_its_place_and_remedy(read, content, location, message, hint):
    with pytest.raises(DataError) as caught:
        read(content)
    first, _, second = str(caught.value).partition("\n")
    assert first.startswith(f"{read.path}{location}")
    assert message in first
    assert hint in second


def test_a_choice_outside_the_declared_answers_is_an_error_at_its_place(read):
    content = GOOD + "\n" + '{"question": "q2", "vote": 0, "choice": "Maybe"}\n'
    assert list(read(content, ("q1",)).text) == ["yes"]
    with pytest.raises(DataError, match=r":3:41: the choice 'Maybe' is not among") as caught:
        read(content, ("q1", "q2"), answers=("yes", "no", "maybe"))
    assert "did you mean 'maybe'?" in str(caught.value)


@pytest.mark.parametrize("where", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_is_an_error_that_says_where_it_looked(tmp_path, where):
    path = str(tmp_path / where)
    with pytest.raises(DataError, match="relative to the folder") as caught:
        COMPONENT.fingerprint({"path": path, "condition": "retrieved"})
    assert str(caught.value).startswith(path)
    with pytest.raises(DataError, match="cannot be read"):
        COMPONENT.build(path=path, condition="retrieved").read(Reading([], [], [], ("yes",)), Vote("label", 0, 1))


def test_the_fingerprint_is_that_of_the_content(tmp_path):
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text(GOOD)
    second.write_text(GOOD)
    prints = [COMPONENT.fingerprint({"path": str(path)}) for path in (first, second)]
    assert prints == [file_hash(first)] * 2
    second.write_text(GOOD.replace("yes", "no"))
    assert COMPONENT.fingerprint({"path": str(second)}) != prints[0]


def test_the_condition_is_a_trait_and_the_path_is_no_identity():
    traits = COMPONENT.traits({"path": "x", "condition": "conclusion", "options": {"A": "yes"}, "answer_key": None})
    assert (traits.draws, traits.condition, traits.trains) == ("recorded", "conclusion", False)
    assert COMPONENT.params["path"]["x-ragtally-identity"] is False
