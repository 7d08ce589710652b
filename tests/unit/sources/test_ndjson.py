"""Amounts that a vendor writes as JSON numbers reach the mapping without the loss of a digit."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import duckdb
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from varai.sources.ndjson import empty_objects, line_of, lines_of, quoted_numbers

WHOLE = st.one_of(st.integers(0, 99), st.integers(0, 10**20)).map(str)
NUMBERS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-"]),
    WHOLE,
    st.one_of(st.just(""), st.from_regex(r"\.[0-9]{1,18}", fullmatch=True)),
    st.one_of(st.just(""), st.integers(-12, 12).map("e{}".format)),
)
quoted = quoted_numbers(("price",))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(numbers=st.lists(NUMBERS, min_size=1, max_size=30))
def test_the_reader_of_lines_meets_every_amount_as_it_was_written(tmp_path: Path, numbers: list[str]) -> None:
    file = tmp_path / "lines.ndjson"
    file.write_bytes(b"".join(quoted(f'{{"price":{one}}}'.encode()) + b"\n" for one in numbers))
    read = duckdb.sql(
        f"SELECT price FROM read_json('{file}', columns = {{price: 'VARCHAR'}}, format = 'newline_delimited')"
    )
    assert [Decimal(one) for (one,) in read.fetchall()] == [Decimal(one) for one in numbers]


LONG = '"id":1234567890.123456'


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (f'{{{LONG},"price":14.9000}}', f'{{{LONG},"price":"14.9000"}}'),
        (f'{{{LONG},"a":{{"price" : -0.0000 }},"b":0.10}}', f'{{{LONG},"a":{{"price" : "-0.0000" }},"b":0.10}}'),
        (f'{{{LONG},"price":"14.90"}}', f'{{{LONG},"price":"14.90"}}'),
        (f'{{{LONG},"price":null}}', f'{{{LONG},"price":null}}'),
        (
            rf'{{{LONG},"note":"he said \"price\":1.5, \"price\":2}}"}}',
            rf'{{{LONG},"note":"he said \"price\":1.5, \"price\":2}}"}}',
        ),
        (f'{{{LONG},"price":[1.5]}}', f'{{{LONG},"price":[1.5]}}'),
        (f'{{{LONG},"price":1.5', f'{{{LONG},"price":1.5'),
        ('{"price":123456789012345}', '{"price":123456789012345}'),
        ('{"price":1234567890123456}', '{"price":"1234567890123456"}'),
    ],
)
def test_only_numbers_of_the_named_keys_are_quoted_and_only_beside_a_long_number(written: str, read: str) -> None:
    assert quoted(written.encode()).decode() == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('{"more":[],"a":[{"more": []}]}', '{"more":{},"a":[{"more": {}}]}'),
        ('{"other":[],"more":[1],"mores":[]}', '{"other":[],"more":[1],"mores":[]}'),
        (r'{"note":"\"more\":[]"}', r'{"note":"\"more\":[]"}'),
    ],
)
def test_only_empty_lists_of_the_named_keys_become_objects(written: str, read: str) -> None:
    assert empty_objects(["more"])(written.encode()).decode() == read


_OBJECT = st.dictionaries(st.text(max_size=3), st.one_of(st.integers(), st.text(), st.lists(st.integers())), min_size=1)
_WRITTEN = st.builds(
    lambda value, indent: json.dumps(value, indent=indent).encode(),
    _OBJECT,
    st.sampled_from([None, 0, 1, "\t", "\r\n"]),
)


@given(st.lists(st.tuples(_WRITTEN, st.integers(0, 10**12)), max_size=5))
def test_many_objects_become_the_lines_that_each_becomes_by_itself(written: list[tuple[bytes, int]]) -> None:
    nodes = [msgspec.Raw(node) for node, _ in written]
    ids = [str(number) for _, number in written]
    assert lines_of(nodes) == b"".join(map(line_of, nodes))
    added = [f'"__id":"{one}"'.encode() for one in ids]
    assert lines_of(nodes, added) == b"".join(line_of(node, __id=one) for node, one in zip(nodes, ids, strict=True))
