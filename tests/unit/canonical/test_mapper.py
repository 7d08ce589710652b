"""Engines rest between readings: what they gave is what fresh ones give, in any thread, and nothing that was read stays in them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from varai.canonical import mapper
from varai.canonical.mapper import map_lines
from varai.canonical.mapping import UNMAPPABLE, Mapping
from varai.kernel import Misconfigured

COLUMNS = {"id": "VARCHAR", "paid": "VARCHAR", "currency": "VARCHAR"}
SELECT = "SELECT nth, id AS source_id, id AS root_id, NULL::VARCHAR AS source_updated_at, currency, {} AS amount_minor FROM lines"
PLAIN = Mapping.of(COLUMNS, {"transaction": SELECT.format("paid")}, "transaction")
USUAL = ["12.34", "12", "0.125", "0.135", "7.1234567"]
LONG = ["1e3", "12345678901234567.89", ".5", "9" * 40]


@pytest.fixture(autouse=True)
def _no_engine_rests() -> None:
    while mapper._idle:
        mapper._idle.pop()[1].close()


def lines(paid: list[str], start: int = 0) -> bytes:
    """One payment of each amount, a line each."""
    rows = ({"id": f"p{start + place}", "paid": text, "currency": "USD"} for place, text in enumerate(paid))
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _allowed(engine: mapper.Engine) -> float:
    """Mebibytes that DuckDB may take."""
    found = engine._con.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
    number, unit = found.split()
    return float(number) * {"KiB": 2**-10, "MiB": 1, "GiB": 2**10}[unit]


def amounts(chunks: list[bytes], mapping: Mapping = PLAIN) -> list[int | None]:
    """Minor units of all rows, in order."""
    found = [batch for name, batch in map_lines(iter(chunks), mapping) if name != UNMAPPABLE]
    return [amount for batch in found for amount in batch.column("amount_minor").to_pylist()]


@pytest.mark.parametrize("chunk", [1, 500, 2**20])
def test_an_amount_that_takes_long_to_read_is_read_among_others_and_their_positions_go_on(
    monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    """However lines are gathered: each by itself, some together, or all."""
    monkeypatch.setattr(mapper, "_CHUNK", chunk)
    chunks = [lines(USUAL), lines([*USUAL, *LONG], 5), lines(USUAL, 14)]
    usual = [1234, 1200, 12, 14, 712]
    assert amounts(chunks) == [*usual, *usual, 100000, 1234567890123456789, 50, None, *usual]
    positions = [one for _, batch in map_lines(iter(chunks), PLAIN) for one in batch.column("position").to_pylist()]
    assert positions == list(range(19))


def test_lines_are_let_go_before_the_next_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """One part waits, since it no longer fitted; what was mapped before it is referred to by nobody but this test."""
    monkeypatch.setattr(mapper, "_CHUNK", 1)
    parts = [lines([text], place) for place, text in enumerate(USUAL)]
    unread = sys.getrefcount(parts[0])
    held = []

    def given() -> Iterator[bytes]:
        for place in range(len(parts)):
            if place >= 2:
                held.append(sys.getrefcount(parts[place - 2]))
            yield parts[place]

    assert len(list(map_lines(given(), PLAIN))) == len(parts)
    assert held == [unread] * (len(parts) - 2)


def test_a_large_line_is_allowed_memory_for_its_own_chunk_alone() -> None:
    engine = mapper.Engine(PLAIN, frozenset(), "64MB", exact=False)
    limits = []
    for part in (lines(["1.00"]), lines(["1.00"]) + b" " * 2**23 + b"\n", lines(["1.00"])):
        engine.map([part], 0)
        limits.append(_allowed(engine))
    engine.close()
    assert limits[0] == limits[2] < limits[1]


def test_an_engine_is_made_once_and_keeps_nothing_of_what_it_read() -> None:
    secret = "77777.77"
    assert amounts([lines([secret])]) == [7777777]
    [(_, engine)] = mapper._idle
    assert os.fstat(engine._fd).st_size == 0
    assert engine._con.execute("SELECT count(*) FROM lines").fetchall() == [(0,)]
    assert amounts([lines(["1.00"])]) == [100]
    assert [one for _, one in mapper._idle] == [engine]


def test_mappings_that_say_the_same_version_are_not_taken_for_each_other() -> None:
    other = Mapping(PLAIN.version, COLUMNS, {"transaction": SELECT.format("'1.00'")}, "transaction")
    assert amounts([lines(["2.00"])]) == [200]
    assert amounts([lines(["2.00"])], other) == [100]


def test_an_engine_that_met_an_error_is_not_used_again() -> None:
    def chunks() -> Iterator[bytes]:
        yield lines(["1.00"])
        raise Misconfigured("The reader stopped.")

    with pytest.raises(Misconfigured):
        list(map_lines(chunks(), PLAIN))
    assert not mapper._idle


def test_readings_at_one_time_do_not_share_an_engine() -> None:
    together = Barrier(3)

    def read(start: int) -> list[int | None]:
        def chunks() -> Iterator[bytes]:
            for place in range(4):
                together.wait(60)
                yield lines([f"{start + place}.00"] * 50)

        return [one for _, batch in map_lines(chunks(), PLAIN) for one in batch.column("amount_minor").to_pylist()]

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(read, (100, 200, 300)))
    assert found == [[(start + place) * 100 for place in range(4) for _ in range(50)] for start in (100, 200, 300)]
    assert len(mapper._idle) == 3
