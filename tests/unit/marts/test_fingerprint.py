"""Two rows have one hash exactly when they are equal."""

from __future__ import annotations

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from varai.marts.fingerprint import row_hash

Row = tuple[str | None, ...]


@st.composite
def _alike(draw: st.DrawFn) -> tuple[Row, Row]:
    """Two rows that read the same when their columns are joined: one text cut twice, with nulls among the empty cells."""
    text = draw(st.text(st.sampled_from("12:-é"), max_size=6))

    def row() -> Row:
        first, second = sorted(draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
        cells = (text[:first], text[first:second], text[second:])
        return tuple(None if cell == "" and draw(st.booleans()) else cell for cell in cells)

    return row(), row()


@settings(max_examples=100, deadline=None)
@given(_alike())
def test_equal_rows_and_no_others_have_equal_hashes(rows: tuple[Row, Row]) -> None:
    statement = f"SELECT {row_hash('abc')} FROM (SELECT ?::VARCHAR AS a, ?::VARCHAR AS b, ?::VARCHAR AS c)"
    with duckdb.connect() as connection:
        hashes = [connection.execute(statement, list(row)).fetchall() for row in rows]
    assert (hashes[0] == hashes[1]) == (rows[0] == rows[1])


def test_decimals_are_hashed_exactly() -> None:
    statement = f"SELECT {row_hash(['n'])} FROM (SELECT ?::DECIMAL(18,6) AS n)"
    with duckdb.connect() as connection:
        one, other = (
            connection.execute(statement, [text]).fetchall() for text in ("999999999999.000001", "999999999999.000002")
        )
    assert one != other
