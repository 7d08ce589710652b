"""Two rows have one hash exactly when they are equal."""

from __future__ import annotations

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from varai.marts.fingerprint import row_hash

_TEXT = st.none() | st.text(st.sampled_from("ab1:-,é "), max_size=4)
_ROWS = st.tuples(_TEXT, _TEXT, _TEXT)


@settings(max_examples=200, deadline=None)
@given(_ROWS, _ROWS)
def test_equal_rows_and_no_others_have_equal_hashes(one: tuple[str | None, ...], other: tuple[str | None, ...]) -> None:
    statement = f"SELECT {row_hash('abc')} FROM (SELECT ?::VARCHAR AS a, ?::VARCHAR AS b, ?::VARCHAR AS c)"
    with duckdb.connect() as connection:
        hashes = [connection.execute(statement, list(row)).fetchall() for row in (one, other)]
    assert (hashes[0] == hashes[1]) == (one == other)


def test_decimals_are_hashed_exactly() -> None:
    statement = f"SELECT {row_hash(['n'])} FROM (SELECT ?::DECIMAL(18,6) AS n)"
    with duckdb.connect() as connection:
        one, other = (
            connection.execute(statement, [text]).fetchall() for text in ("999999999999.000001", "999999999999.000002")
        )
    assert one != other
