"""Columns and arrays come back as they were, in the same bytes for the same content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.store import read_array, read_table, write_array, write_csv, write_result_table, write_table

SCHEMA = {"id": pl.String(), "number": pl.Int64(), "share": pl.Float64(), "many": pl.List(pl.String)}
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
ROW = st.tuples(
    st.none() | TEXT,
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.lists(st.none() | TEXT, max_size=3),
)


def columns(rows: list[tuple[object, ...]]) -> dict[str, list[object]]:
    return {name: [row[location] for row in rows] for location, name in enumerate(SCHEMA)}


@given(rows=st.lists(ROW, max_size=6))
def test_a_table_comes_back_and_has_the_same_bytes_again(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[object, ...]]
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    for name in ("a", "b"):
        write_table(folder / name, columns(rows), SCHEMA)
    assert read_table(folder / "a").to_dict(as_series=False) == columns(rows)
    assert (folder / "a").read_bytes() == (folder / "b").read_bytes()


def test_an_empty_table_keeps_its_columns_and_types(tmp_path: Path) -> None:
    write_table(tmp_path / "a", columns([]), SCHEMA)
    found = read_table(tmp_path / "a")
    assert len(found) == 0
    assert dict(found.schema) == SCHEMA


def test_some_columns_can_be_read_alone(tmp_path: Path) -> None:
    write_table(tmp_path / "a", {"x": [1, 2], "y": ["a", "b"]})
    assert read_table(tmp_path / "a", ["y"]).to_dict(as_series=False) == {"y": ["a", "b"]}


def test_a_wrong_type_is_an_error_and_never_a_null(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_table(tmp_path / "a", {"x": [1, "two"]}, {"x": pl.Int64()})


def test_many_rows_have_the_same_bytes_whole_and_in_pieces(tmp_path: Path) -> None:
    frame = pl.DataFrame({"row": range(50_000), "text": [f"text {row % 77}" for row in range(50_000)]})
    pieces = pl.concat([frame[:10], frame[10:30_000], frame[30_000:]], rechunk=True)
    write_result_table(tmp_path / "a", frame)
    write_result_table(tmp_path / "b", pieces)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0), (3,), (2, 3)])
@pytest.mark.parametrize("kind", [np.int32, np.float32, np.bool_])
def test_an_array_comes_back_with_shape_and_type(tmp_path: Path, shape: tuple[int, ...], kind: type) -> None:
    array = np.ones(shape, dtype=kind).T
    write_array(tmp_path / "a.npy", array)
    found = read_array(tmp_path / "a.npy")
    assert found.dtype == kind and found.shape == array.shape
    np.testing.assert_array_equal(found, array)


def test_an_array_from_the_store_cannot_be_written_to(tmp_path: Path) -> None:
    write_array(tmp_path / "a.npy", np.arange(3))
    with pytest.raises(ValueError, match="read-only"):
        read_array(tmp_path / "a.npy")[0] = 7


def test_objects_are_not_pickled(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        write_array(tmp_path / "a.npy", np.array([{"an": "object"}], dtype=object))


def test_csv_shows_what_is_missing_as_nothing_and_keeps_mixed_columns(tmp_path: Path) -> None:
    table = {
        "name": ["a,b", None],
        "size": [None, 64],
        "share": [0.1 + 0.2, 1.0],
        "mixed": [1, "all"],
        "no": [None] * 2,
    }
    write_csv(tmp_path / "x.csv", table)
    assert (tmp_path / "x.csv").read_text() == (
        'name,size,share,mixed,no\n"a,b",,0.30000000000000004,1,\n,64,1.0,all,\n'
    )


def test_csv_of_no_rows_has_its_head(tmp_path: Path) -> None:
    write_csv(tmp_path / "x.csv", {"name": [], "size": []})
    assert (tmp_path / "x.csv").read_text() == "name,size\n"


@pytest.mark.parametrize("rows", [3, 100_000])
def test_a_file_that_was_replaced_is_read_anew(tmp_path: Path, rows: int) -> None:
    table, array = tmp_path / "a", tmp_path / "a.npy"
    for number in (1, 2):
        values = np.random.default_rng(number).random(rows)
        write_table(table, {"x": values})
        write_array(array, values)
        assert (read_table(table)["x"].to_numpy() == values).all()
        assert (read_array(array) == values).all()
    table.unlink()
    array.unlink()
    with pytest.raises(FileNotFoundError):
        read_table(table)
    with pytest.raises(FileNotFoundError):
        read_array(array)


def test_a_frame_changed_by_its_reader_is_changed_for_nobody_else(tmp_path: Path) -> None:
    write_table(tmp_path / "a", {"x": [1, 2], "y": ["a", "b"]})
    found = read_table(tmp_path / "a")
    found[0, "x"] = 7
    found.insert_column(0, pl.Series("z", [0, 0]))
    assert read_table(tmp_path / "a").to_dict(as_series=False) == {"x": [1, 2], "y": ["a", "b"]}
