"""When a stream's ids are asked for: the deletes that no window shows must come to light, whatever kind of stream it is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from varai.kernel import Window, utc_now
from varai.registry import SliceState, StreamKey
from varai.registry.slices import Listed, Planned
from varai.river.listed import EVERY, due
from varai.settings import load
from varai.sources import StreamSpec, connector, connectors
from varai.stores import objects

NOW = utc_now()
WHOLE, LATER = Window(start=None, end=NOW), Window(start=NOW - timedelta(hours=1), end=NOW)


@pytest.fixture
def state(home: Path) -> SliceState:
    """State of a stream that was read before."""
    settings = load({"VARAI_HOME": str(home), "VARAI_STORES__EU__DOCUMENTS_URI": "mongodb://127.0.0.1:1"})
    found = SliceState(settings.scope("eu", "north"), StreamKey("north", "shop", "customers"))
    objects(found.scope).write(found.hashes, b"rows")
    return found


def asks(state: SliceState, spec: StreamSpec, window: Window, since: timedelta | None = None) -> bool:
    planned = Planned(token=1, window=window, ingested_at=NOW)
    return due(state, spec, planned, since=None if since is None else NOW - since)


def listed(state: SliceState, ago: timedelta) -> None:
    value = Listed(token=0, at=NOW - ago)
    objects(state.scope).write(f"{state.key.prefix}listed.json", value.model_dump_json().encode())


@pytest.mark.parametrize("incremental", [True, False])
def test_ids_are_asked_for_once_in_a_while(state: SliceState, incremental: bool) -> None:
    spec = StreamSpec("customers", "customer", ("customer",), sealed=True, incremental=incremental, listed=True)
    window = LATER if incremental else WHOLE
    assert asks(state, spec, window)
    listed(state, EVERY / 2)
    assert not asks(state, spec, window)
    listed(state, EVERY)
    assert asks(state, spec, window)


def test_no_listing_counts_that_was_made_before_the_feed_was_connected(state: SliceState) -> None:
    spec = StreamSpec("customers", "customer", ("customer",), sealed=True, listed=True)
    listed(state, timedelta(hours=2))
    assert asks(state, spec, LATER, since=timedelta(hours=1))
    assert not asks(state, spec, LATER, since=timedelta(hours=3))
    objects(state.scope).delete(state.hashes)
    assert not asks(state, spec, LATER, since=timedelta(hours=1)), "a first read has nothing to compare"


def test_reading_all_of_an_incremental_stream_of_people_asks_for_the_ids_too(state: SliceState) -> None:
    spec = StreamSpec("customers", "customer", ("customer",), sealed=True, listed=True)
    listed(state, EVERY / 2)
    assert asks(state, spec, WHOLE)
    assert not asks(state, spec, LATER)


def test_a_first_read_and_a_whole_read_of_what_is_on_sale_have_nothing_to_ask(state: SliceState) -> None:
    spec = StreamSpec("products", "product", ("product",), listed=True)
    assert not asks(state, spec, WHOLE)
    objects(state.scope).delete(state.hashes)
    assert not asks(state, spec, LATER)


@pytest.mark.parametrize("name", [name for name in connectors() if name != "files"])
def test_no_stream_of_people_or_sales_hides_its_deletes(name: str) -> None:
    """A whole read finds deletes of what is on sale only: whatever is sealed is listed. Dropped files say if they are whole."""
    hidden = [spec.name for spec in connector(name).streams if spec.sealed and not spec.listed]
    assert hidden == []
