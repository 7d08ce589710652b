"""Laws of reading texts: money is exact and half-even, instants are ISO 8601 with a zone, and nothing ever raises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varai.canonical import CURRENCIES
from varai.canonical.mapping import shared_macros
from varai.kernel import Malformed, minor_units

_INT64 = 2**63
CODES = ("USD", "EUR", "JPY", "KRW", "KWD", "BHD", "CLF")
DECIMALS = st.one_of(
    st.from_regex(r"\A[+-]?[0-9]{1,14}(\.[0-9]{1,8})?\Z"),
    st.from_regex(r"\A-?[0-9]{1,6}\.[0-9]{0,4}5(0{0,20}|0{3,9}1)\Z"),
    st.from_regex(r"\A[+-]?([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,9})([eE][+-]?[0-9]{1,2})?\Z"),
)


NO_DECIMALS = st.one_of(
    st.builds("{}{}{}".format, DECIMALS, st.sampled_from(" ,_\u0660x%"), DECIMALS),
    st.text(max_size=12).filter(lambda text: text != "" and not set(text) <= set("0123456789.+-eE")),
)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(shared_macros(exact=True))
        yield connection


@pytest.fixture(scope="module")
def quick() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(shared_macros(exact=False))
        yield connection


def ask(con: duckdb.DuckDBPyConnection, expression: str, values: list[Any]) -> list[Any]:
    """The expression over rows of columns a, b, ..., in order."""
    columns = ", ".join(f"unnest(?::VARCHAR[]) AS {name}" for name in "abc"[: len(values[0])])
    found = con.execute(
        f"SELECT {expression} FROM (SELECT {columns})", [list(column) for column in zip(*values, strict=True)]
    )
    return [row[0] for row in found.fetchall()]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(DECIMALS, st.sampled_from(CODES)), min_size=1, max_size=80))
def test_minor_units_in_sql_equal_those_of_the_kernel(
    con: duckdb.DuckDBPyConnection, amounts: list[tuple[str, str]]
) -> None:
    got = ask(con, "to_minor(a, b)", amounts)
    for (text, code), minor in zip(amounts, got, strict=True):
        want = None
        with suppress(Malformed):  # larger than minor units can be
            want = minor_units(Decimal(text), CURRENCIES[code])
        assert minor == want, (text, code)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.one_of(DECIMALS, NO_DECIMALS), st.sampled_from(CODES)), min_size=1, max_size=8))
def test_the_quick_way_gives_the_same_or_raises_and_leaves_what_is_no_decimal_alone(
    con: duckdb.DuckDBPyConnection, quick: duckdb.DuckDBPyConnection, amounts: list[tuple[str, str]]
) -> None:
    for amount, exactly in zip(amounts, ask(con, "to_minor(a, b)", amounts), strict=True):
        try:
            assert ask(quick, "to_minor(a, b)", [amount]) == [exactly], amount
        except duckdb.InvalidInputException:
            assert set(amount[0]) <= set("0123456789.+-eE"), amount
            assert not re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{1,18})?", amount[0]), amount


@pytest.mark.parametrize(
    ("text", "code", "minor"),
    [
        ("1000000000000000", "KWD", 10**18),
        ("99999999999.9995", "KWD", 10**14),
        ("99999999999999", "USD", 10**16 - 100),
        ("100000000000000", "USD", 10**16),
        ("9999999999999999", "USD", 10**18 - 100),
        ("12.500000000000000000", "USD", 1250),
        ("9.2233720368547758075e16", "USD", None),
        ("-9.223372036854775808e16", "USD", -_INT64),
        ("999999999999999999", "JPY", 10**18 - 1),
        ("9999999999999.995", "USD", 10**15),
        ("0.125", "USD", 12),
        ("0.135", "USD", 14),
        ("-0.125", "USD", -12),
        ("0.125000000000000000000000000001", "USD", 13),
        ("2.9092945059910194444245554", "JPY", 3),
        ("5", "JPY", 5),
        ("2.5", "JPY", 2),
        ("3.5", "JPY", 4),
        ("1.2345", "KWD", 1234),
        ("1.2355", "KWD", 1236),
        ("0.001", "GBP", 0),
        ("92233720368547758.07", "USD", _INT64 - 1),
        ("92233720368547758.08", "USD", None),
        ("1.00", "XXX", None),
        ("1.00", "XTS", None),
        ("1.00", "usd", None),
        ("1.00", "A,B", None),
        ("1.00", None, None),
        (None, "USD", None),
        ("", "USD", None),
        ("1,00", "USD", None),
        ("12 ", "USD", None),
        ("1_000", "USD", None),
        ("NaN", "USD", None),
        ("Infinity", "USD", None),
        ("1e999", "USD", None),
    ],
)
def test_minor_units_of_edges(con: duckdb.DuckDBPyConnection, text: str | None, code: str | None, minor: int) -> None:
    assert ask(con, "to_minor(a, b)", [(text, code)]) == [minor]


_LONG = st.one_of(st.integers(-(10**6), 10**6), st.integers(-(2**63), 2**63 - 1), st.integers(-(10**30), 10**30))


@given(st.lists(st.tuples(_LONG, st.one_of(st.sampled_from([2, 4, 10_000]), st.integers(1, 10**9))), min_size=1))
def test_quotients_round_half_even(con: duckdb.DuckDBPyConnection, values: list[tuple[int, int]]) -> None:
    wanted = [round(Fraction(n, scale)) for n, scale in values]
    texts = [(str(n), str(scale)) for n, scale in values]
    assert ask(con, "half_even_long(a::HUGEINT, b::BIGINT)", texts) == wanted
    short = [place for place, (n, _) in enumerate(values) if abs(n) < 2**62]
    if short:
        found = ask(con, "half_even(a::BIGINT, b::BIGINT)", [texts[place] for place in short])
        assert found == [wanted[place] for place in short]


@given(st.lists(st.tuples(st.decimals(-(10**12) + 1, 10**12 - 1, places=6)), min_size=1))
def test_millionths_are_those_of_the_decimal(con: duckdb.DuckDBPyConnection, values: list[tuple[Decimal]]) -> None:
    found = ask(con, "millionths(parse_decimal(a))", [(f"{amount:f}",) for (amount,) in values])
    assert found == [int(amount * 10**6) for (amount,) in values]


def test_every_currency_of_the_standard_has_its_exponent_and_nothing_else_has_one(
    con: duckdb.DuckDBPyConnection,
) -> None:
    codes = [*CURRENCIES, "XXX", "XTS", "ZZZ", "US", "USDE", ",,,", "D,A"]
    assert ask(con, "exponent_of(a)", [(code,) for code in codes]) == [CURRENCIES.get(code) for code in codes]


EARLIEST, LATEST = datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2200-01-01")
ZONES = st.builds(lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-14 * 60, 14 * 60))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.datetimes(EARLIEST, LATEST), ZONES), min_size=1, max_size=30))
def test_an_instant_is_what_its_text_says_in_any_zone(
    con: duckdb.DuckDBPyConnection, moments: list[tuple[datetime, timezone]]
) -> None:
    aware = [moment.replace(tzinfo=zone) for moment, zone in moments]
    got = ask(con, "epoch_us(parse_instant(a))", [(moment.isoformat(),) for moment in aware])
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert got == [(moment - epoch) // timedelta(microseconds=1) for moment in aware]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-01T10:00:00Z", datetime(2026, 11, 1, 10, tzinfo=UTC)),
        ("2026-11-01T10:00Z", datetime(2026, 11, 1, 10, tzinfo=UTC)),
        ("2026-11-01T10:00:00+0530", datetime(2026, 11, 1, 4, 30, tzinfo=UTC)),
        ("2026-11-01", datetime.combine(date(2026, 11, 1), time(), UTC)),
        ("2026-11-01T10:00:00", None),
        ("2026-11-01 10:00:00Z", None),
        ("2026-13-45T99:61:00Z", None),
        ("2026-02-30", None),
        ("11/01/2026", None),
        ("0000-00-00T00:00:00Z", None),
        ("yesterday", None),
        ("epoch", None),
        ("infinity", None),
        ("", None),
        (None, None),
    ],
)
def test_an_instant_needs_a_zone_or_is_a_date(
    con: duckdb.DuckDBPyConnection, text: str | None, instant: datetime | None
) -> None:
    got = ask(con, "epoch(parse_instant(a))", [(text,)])[0]
    assert got == (instant.timestamp() if instant else None)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=4)), min_size=1, max_size=30))
def test_no_text_makes_a_macro_raise(con: duckdb.DuckDBPyConnection, texts: list[tuple[str, str]]) -> None:
    for expression in (
        "to_minor(a, b)",
        "parse_instant(a)",
        "parse_day(a)",
        "parse_decimal(a)",
        "parse_integer(a)",
        "parse_boolean(a)",
        "text_of(a)",
        "is_currency(b)",
    ):
        assert len(ask(con, expression, texts)) == len(texts)
