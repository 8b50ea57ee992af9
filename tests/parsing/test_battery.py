"""The battery, with a share of its retractions; `python tests/parsing/battery.py` runs all of it."""

import pytest

from parsing.battery import Tally, cases, table, tally


@pytest.mark.no_cover
def test_what_is_read_is_right_and_what_is_plain_is_read(capsys):
    kinds: dict[str, Tally] = tally(cases(every=23))
    with capsys.disabled():
        print(f"\n{table(kinds)}")
    assert kinds["all"].cases > 20_000
    assert kinds["all"].precision >= 0.999, kinds["all"].wrong[:20]
    for name, counts in kinds.items():
        # All that states one answer in these forms is plain to a person.
        assert counts.recall == 1, (name, counts.missed[:20])
        assert counts.precision >= 0.99, (name, counts.wrong[:20])
