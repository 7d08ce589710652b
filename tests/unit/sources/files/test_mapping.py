"""Texts as a retailer writes them become exactly the values they say, or a fault; and no text of theirs is ever part of a statement."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import REPOSITORY
from tests.unit.sources.files.conftest import FACTS, Desk, variants
from varai.canonical.mapper import map_lines
from varai.kernel import Feed, Misconfigured
from varai.settings.seeds import load_seed
from varai.sources import connector, streams_of
from varai.sources.files.declared import declared
from varai.sources.files.streams import ENTITIES, SHOP


def one(desk: Desk, row: dict[str, str]) -> dict[str, Any]:
    desk.drop.lay("rows.ndjson", orjson.dumps(row) + b"\n")
    rows, lost = desk.mapped()
    assert lost == []
    return rows[0]


def written(number: Decimal, mark: str, thousands: str) -> str:
    return f"{number:,f}".replace(",", "t").replace(".", mark).replace("t", thousands)


@settings(max_examples=80, deadline=None)
@given(
    st.decimals(-(10**9), 10**9, places=2),
    st.sampled_from([(".", ","), (",", "."), (",", " "), (".", "'"), (",", ""), (".", "")]),
    st.sampled_from([("", "{}"), ("$", "${}"), ("€", "{} €"), ("kr", "{}kr")]),
)
def test_a_number_is_read_as_it_is_written(number: Decimal, marks: tuple[str, str], symbol: tuple[str, str]) -> None:
    desk = variants(decimal=marks[0], thousands=marks[1], symbol=symbol[0])
    row = one(desk, {"id": "1", "title": "x", "price": symbol[1].format(written(number, *marks))})
    assert (row["price"], row["faults"]) == (number, [])


@settings(max_examples=80, deadline=None)
@given(
    st.decimals(-(10**6), 10**6, places=2),
    st.sampled_from([(".", ","), (",", "."), (",", ""), (".", "")]),
    st.sampled_from([(".", ","), (",", ".")]),
)
def test_a_number_written_otherwise_than_declared_is_that_number_or_a_fault(
    number: Decimal, declared: tuple[str, str], used: tuple[str, str]
) -> None:
    """Never a hundred times as much."""
    desk = variants(decimal=declared[0], thousands=declared[1])
    row = one(desk, {"id": "1", "title": "x", "price": written(number, *used)})
    if row["price"] is None:
        assert row["faults"] == ["malformed_number:price"]
    else:
        assert row["price"] == number


@pytest.mark.parametrize(("text", "dates", "expected"), [
    ("11/05/2026 13:04", "%m/%d/%Y %H:%M", datetime(2026, 11, 5, 19, 4, tzinfo=UTC)),
    ("05.07.26", "%d.%m.%y", datetime(2026, 7, 5, 5, tzinfo=UTC)),
    ("2026-11-05T13:04:05Z", "%m/%d/%Y", datetime(2026, 11, 5, 13, 4, 5, tzinfo=UTC)),
    ("2026-11-05 13:04:05+02:00", None, datetime(2026, 11, 5, 11, 4, 5, tzinfo=UTC)),
    ("2026-11-05T13:04:05", None, datetime(2026, 11, 5, 19, 4, 5, tzinfo=UTC)),
    ("2026-11-05", None, datetime(2026, 11, 5, 6, tzinfo=UTC)),
    ("13/13/2026 13:04", "%m/%d/%Y %H:%M", None),
    ("2026-02-31", None, None),
    ("yesterday", None, None),
])  # fmt: skip
def test_an_instant_is_read_as_declared_and_in_the_shop_s_zone(
    text: str, dates: str | None, expected: datetime | None
) -> None:
    fields = {"processed_at": "when"}
    desk = Desk(
        "orders", {"files": "*", "kind": "delta", "id": ["no"], "fields": fields, **({"dates": dates} if dates else {})}
    )
    row = one(desk, {"no": "1", "when": text})
    assert row["processed_at"] == expected
    assert row["faults"] == ([] if expected else ["malformed_date:processed_at"])
    assert row["processed_on"] == (expected.astimezone(ZoneInfo(FACTS.timezone)).date() if expected else None)


def test_a_zone_of_the_files_own_comes_before_the_shop_s() -> None:
    desk = Desk(
        "orders",
        {"files": "*", "kind": "delta", "id": ["no"], "timezone": "Asia/Tokyo", "fields": {"processed_at": "when"}},
    )
    assert one(desk, {"no": "1", "when": "2026-11-05 09:00"})["processed_at"] == datetime(2026, 11, 5, tzinfo=UTC)


def test_meanings_lists_joined_columns_constants_and_nothings() -> None:
    fields = {
        "title": {"columns": ["brand", "name"], "join": " - "},
        "status": {"column": "state", "values": {"A": "active", "D": "archived"}},
        "tags": {"column": "tags", "split": "|"},
        "rx_able": "rx",
        "brand": "brand",
        "product_type": {"value": "it's"},
    }
    desk = Desk("products", {"files": "*", "kind": "delta", "id": ["no"], "nulls": ["n/a", "-"], "fields": fields})
    row = one(desk, {"no": "1", "brand": " n/a ", "name": "x", "state": "D", "tags": " sun | |new", "rx": "Y"})
    assert (row["title"], row["brand"], row["status"], row["tags"]) == ("x", None, "archived", ["sun", "new"])
    assert (row["rx_able"], row["product_type"], row["faults"]) == (True, "it's", [])
    row = one(desk, {"no": "1", "brand": "B", "name": "x", "state": "Q", "rx": "maybe"})
    assert (row["title"], row["status"], row["rx_able"]) == ("B - x", None, None)
    assert sorted(row["faults"]) == ["malformed_boolean:rx_able", "unknown_value:status"]


NASTY = st.text(min_size=1, max_size=12) | st.sampled_from(
    ["a'b", 'a"b', "'); DROP TABLE lines; --", "{}", "$1", "%s", "ID", "id "]
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(NASTY.map(str.strip).filter(lambda name: name and "\0" not in name), min_size=2, max_size=4, unique=True),
    NASTY,
    NASTY,
)
def test_names_and_texts_of_theirs_are_never_evaluated(names: list[str], value: str, meaning: str) -> None:
    if any("\ud800" <= sign <= "\udfff" or sign == "\0" for text in (*names, value, meaning) for sign in text):
        return
    fields = {"title": {"column": names[1], "values": {value: meaning}}, "sku": names[0]}
    desk = Desk("variants", {"files": "*", "kind": "delta", "id": [names[0]], "fields": fields})
    row = one(desk, {names[0]: "k", names[1]: value})
    assert row["source_id"] == row["sku"] == "k"
    assert row["title"] == (
        meaning if value == value.strip() else row["title"]
    )  # spaces around a cell are no part of it


@pytest.mark.parametrize("stream", [stream for stream in ENTITIES if stream != SHOP])
@settings(max_examples=15, deadline=None)
@given(
    data=st.binary(max_size=120),
    cells=st.dictionaries(st.sampled_from("abc"), st.text(max_size=9).filter(lambda text: text.isprintable())),
)
def test_a_mapping_is_total(stream: str, data: bytes, cells: dict[str, str]) -> None:
    """Whatever stands in a landed line comes out as a row or as a line that gave none."""
    from varai.canonical import entity

    fields = {field.name: "a" for field in entity(ENTITIES[stream]).fields}
    desk = Desk(stream, {"files": "*", "kind": "delta", "id": ["a"], "fields": fields})
    line = orjson.dumps(
        {"id": "1", "file": "f", "row": "1", "dated": "2026-01-01T00:00:00Z", "key": "k", "cells": cells, "person": {}}
    )
    rows, lost = desk.mapped(line + b"\n" + data.replace(b"\n", b"") + b"\n" + line + b"\n")
    assert len(rows) + len(lost) in (2, 3)


def test_every_entity_of_commerce_has_a_stream() -> None:
    from varai.canonical import ENTITIES as CANONICAL

    assert set(ENTITIES.values()) == set(CANONICAL)


@pytest.mark.parametrize(("settings_", "told"), [
    ({"streams": {"pictures": {}}}, "settings.streams names pictures"),
    ({"streams": {"shop": {}}}, "settings.streams names shop"),
])  # fmt: skip
def test_a_stream_that_there_is_not_is_told(settings_: dict[str, Any], told: str) -> None:
    feed = Feed(tenant="t", name="f", connector="files", base_url="bucket:", secret="s", settings=settings_)
    with pytest.raises(Misconfigured, match=told):
        streams_of(connector("files"), feed)


@pytest.mark.parametrize(("change", "told"), [
    ({"kind": "all"}, "settings.streams.variants.kind"),
    ({"files": "../other/*.csv"}, "below the feed's own folder"),
    ({"files": "/etc/passwd"}, "below the feed's own folder"),
    ({"encoding": "ebcdic"}, "settings.streams.variants.encoding"),
    ({"decimal": ",", "thousands": ","}, "must differ"),
    ({"dates": "%Q"}, "says nothing of how a date is written"),
    ({"dated": "stock.csv"}, "must name a year"),
    ({"id": []}, "settings.streams.variants.id"),
    ({"fields": {"colour_of_hair": "x"}}, "colour_of_hair, which variant does not have"),
    ({"fields": {"title": {}}}, "exactly one of"),
    ({"colour": 1}, "settings.streams.variants.colour"),
])  # fmt: skip
def test_a_declaration_that_cannot_be_is_told_with_its_key(change: dict[str, Any], told: str) -> None:
    desk = variants(**change)
    with pytest.raises(Misconfigured, match=told):
        desk.read()


def test_the_examples_of_the_how_to_can_be_declared(tmp_path: Path) -> None:
    text = (REPOSITORY / "docs/how-to/drop-files.md").read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"```toml\n(.*?)```", text, re.DOTALL))
    (tmp_path / "maple.toml").write_text(
        f'organisation = "maple"\nregion = "us"\ntitle = "Maple"\n{blocks}', encoding="utf-8"
    )
    [feed] = load_seed(tmp_path / "maple.toml", {"us"}).feeds
    streams = streams_of(connector("files"), feed)
    endings = {declared(feed, spec.name).files.partition(".")[2] for spec in streams if spec.name != SHOP}
    assert endings == {"csv", "tsv", "ndjson.gz", "parquet", "xlsx"}
    for spec in streams:
        assert list(map_lines(iter([]), connector("files").mapping(spec.name, feed, FACTS))) == []
