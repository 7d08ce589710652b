"""Bytes to bytes: splitting, joining and remembering, held against plain Python."""

from __future__ import annotations

import gc
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varai.kernel import FeedKey, Malformed
from varai.sources.seen import Seen
from varai.sources.shopify.lines import (
    BulkSplitter,
    Complete,
    LevelSplitter,
    blocks,
    glance,
    head_of,
    line_of,
    number,
)
from varai.sources.shopify.pace import Cost, Pace, ThrottleStatus, pace_of, tier

TEXTS = st.text(max_size=40) | st.sampled_from(
    ['"__parentId":"x"', '{"id":"gid://shopify/Product/9","updatedAt":"', "\0\n\r"]
)


def dumped(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def root(key: int, version: str = "v", text: str = "") -> bytes:
    return dumped({"id": f"gid://shopify/Product/{key}", "updatedAt": version, "title": text})


def child(key: int, parent: int, text: str = "") -> bytes:
    record = {"id": f"gid://shopify/ProductVariant/{key}", "updatedAt": "v", "title": text}
    return dumped({**record, "__parentId": f"gid://shopify/Product/{parent}"})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**63), st.sampled_from("abc")), max_size=3000))
def test_seen_remembers_as_a_dict_does(met: list[tuple[int, str]]) -> None:
    seen, plain = Seen(), dict[int, str]()
    for key, version in met:
        expected = "new" if key not in plain else "same" if plain[key] == version else "again"
        assert seen.meet(key, version) == expected
        plain[key] = version
    assert set(seen) == set(plain)
    assert len(seen) == len(plain)
    assert all(key in seen for key in plain)
    assert (2**63 + 1) not in seen


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 10**18) | st.integers(0, 40), st.sampled_from("ab")), max_size=600)))
def test_meeting_many_at_once_is_meeting_each_where_all_are_new(pages: list[list[tuple[int, str]]]) -> None:
    seen, each = Seen(), Seen()
    for page in pages:
        keys, versions = [key for key, _ in page], [version for _, version in page]
        new = len(set(keys)) == len(keys) and not any(key in each for key in keys)
        assert seen.meet_new(keys, versions) == new
        met = [each.meet(*head) for head in page]
        assert new == (set(met) <= {"new"})
        if not new:
            assert [seen.meet(*head) for head in page] == met
        assert (len(seen), set(seen)) == (len(each), set(each))
    assert all(seen.meet(key, "a") == each.meet(key, "a") for key in list(each))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 10**20),
            TEXTS,
            st.none() | st.booleans(),
            st.sampled_from([None, None, None, 1]),
            st.booleans(),
        ),
        max_size=6,
    )
)
def test_a_page_told_bytewise_is_what_reading_each_node_tells(
    records: list[tuple[int, str, bool | None, int | None, bool]],
) -> None:
    nodes = []
    for key, text, goes_on, indent, headless in records:
        node: dict[str, Any] = {
            "id": f"gid://shopify/Product/{key}",
            "updatedAt": "2026-01-01T00:00:00Z",
            "title": text,
        }
        if headless:
            node = {"title": text, **node}
        if goes_on is not None:
            node["variants"] = {"nodes": [{"title": text}], "pageInfo": {"hasNextPage": goes_on, "endCursor": text}}
        separators = None if indent else (",", ":")
        nodes.append(msgspec.Raw(json.dumps(node, separators=separators, indent=indent).encode()))
    found, heads = glance(nodes), [head_of(node) for node in nodes]
    if all(
        key < 10**18 and not goes_on and not indent and not headless for key, _, goes_on, indent, headless in records
    ):
        assert found is not None
    if found is not None:
        assert found.lines == b"".join(map(line_of, nodes))
        assert found.numbers == [number(head.id) for head in heads]
        assert found.versions == [head.updated_at.encode() for head in heads]
        assert all(head.complete for head in heads)


def test_seen_grows_past_its_first_slots() -> None:
    seen = Seen()
    for key in range(0, 500_000, 7):
        seen.meet(key)
    assert len(seen) == len(range(0, 500_000, 7))
    assert all((key in seen) == (key % 7 == 0) for key in range(20_000))


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, max_size=30), st.integers(1, 200), st.integers(1, 400), st.booleans())
def test_blocks_are_whole_lines_and_lose_nothing(texts: list[str], cut: int, size: int, ended: bool) -> None:
    body = b"".join(root(at, text=text) for at, text in enumerate(texts))
    sent = body if ended else body.rstrip(b"\n")
    given_blocks = list(blocks((sent[at : at + cut] for at in range(0, len(sent), cut)), size))
    assert b"".join(given_blocks) == body
    assert all(block.endswith(b"\n") for block in given_blocks)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 6), st.sampled_from("vw"), TEXTS), max_size=40))
def test_a_bulk_file_is_split_as_parsing_it_would(lines: list[tuple[bool, int, str, str]]) -> None:
    splitter, met = BulkSplitter("Product", Seen()), dict[int, str]()
    written = [root(key, version, text) if is_root else child(key, 1, text) for is_root, key, version, text in lines]
    kept = []
    for line, (is_root, key, version, _) in zip(written, lines, strict=True):
        if is_root and met.get(key) == version:
            continue
        if is_root:
            met[key] = version
        kept.append(line)
    half = len(written) // 2
    stretches = [splitter.split(b"".join(part)) for part in (written[:half], written[half:])]
    assert b"".join(stretch.page.lines for stretch in stretches) == b"".join(kept)
    assert sum(stretch.page.count for stretch in stretches) == len(kept)
    assert sum(stretch.page.records for stretch in stretches) == sum(b'__parentId":' not in line for line in kept)
    assert sum(stretch.lines for stretch in stretches) == len(written)
    assert sum(stretch.roots for stretch in stretches) == sum(is_root for is_root, *_ in lines)


def test_a_line_that_is_neither_root_nor_child_is_malformed() -> None:
    for line in (b'{"id":"gid://shopify/Order/1","updatedAt":"v"}\n', b"<html>\n", b'{"errors":[]}\n'):
        with pytest.raises(Malformed):
            BulkSplitter("Product", Seen()).split(root(1) + line)


def test_levels_stand_alone_and_items_are_left_out() -> None:
    item = dumped({"id": "gid://shopify/InventoryItem/7", "updatedAt": "v"})
    level = {"id": "gid://shopify/InventoryLevel/1?inventory_item_id=7", "updatedAt": "v", "item": {"id": "x"}}
    lone = dumped(level)
    line = dumped({**level, "__parentId": "gid://shopify/InventoryItem/7"})
    stretch = LevelSplitter(Seen()).split(item + line + line)
    assert stretch.page.lines == lone
    assert (stretch.page.records, stretch.lines, stretch.roots) == (1, 3, 1)


def test_levels_of_one_place_have_numbers_of_their_own() -> None:
    found = {number(f"gid://shopify/InventoryLevel/1?inventory_item_id={item}") for item in range(1000)}
    assert len(found) == 1000
    assert number("gid://shopify/Product/12") == 12
    with pytest.raises(Malformed):
        number("gid://shopify/Product/twelve")


def test_a_record_written_over_lines_becomes_one_line() -> None:
    record = {"id": 1, "title": 'a\n"b"'}
    line = line_of(json.dumps(record, indent=2).encode())
    assert line.count(b"\n") == 1
    assert json.loads(line) == record


def test_completing_a_record_keeps_every_byte_it_does_not_complete() -> None:
    more = {"nodes": [{"id": "a"}], "pageInfo": {"hasNextPage": True, "endCursor": "c"}}
    whole = {"nodes": [{"id": "b"}], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    refund = {"id": "r", "refundLineItems": more}
    record = {"id": "o", "rate": 0.1, "lineItems": more, "shippingLines": whole, "refunds": [refund], "note": None}
    text = json.dumps(record).replace("0.1", "0.10000000000000000000001").encode()
    asked: list[tuple[str, str, str]] = []

    def drain(name: str, owner: str, cursor: str) -> list[msgspec.Raw]:
        asked.append((name, owner, cursor))
        return [msgspec.Raw(b'{"id":"' + name.encode() + b'"}')]

    made = Complete(drain)(msgspec.Raw(text))
    assert b"0.10000000000000000000001" in made
    found = json.loads(made)
    assert [node["id"] for node in found["lineItems"]["nodes"]] == ["a", "lineItems"]
    assert [node["id"] for node in found["refunds"][0]["refundLineItems"]["nodes"]] == ["a", "refundLineItems"]
    assert found["shippingLines"] == whole
    assert asked == [("lineItems", "o", "c"), ("refundLineItems", "r", "c")]


def _wait(pace: Pace, document: str) -> float:
    with pace.turn(document) as seconds:
        return seconds


def test_waits_are_what_the_bucket_needs_to_refill() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert _wait(pace, "q") == 0.0
    pace.learn("q", Cost(ThrottleStatus(2000, 100, 50), requested_query_cost=400))
    assert _wait(pace, "q") == pytest.approx((400 - 100) / 50)
    assert _wait(pace, "another") == _wait(pace, "q"), "it may be as dear as the dearest"
    now[0] = 4.0
    assert _wait(pace, "q") == pytest.approx((400 - 300) / 50)
    now[0] = 60.0
    assert _wait(pace, "q") == 0.0
    assert pace.wait_throttled("q") > 0.0
    pace.learn("q", Cost(ThrottleStatus(1000, 0, 50), requested_query_cost=5000))
    assert _wait(pace, "q") == pytest.approx(1000 / 50), "a bucket never holds more than its maximum"
    pace.forget("q")
    assert _wait(pace, "q") == 0.0


def test_what_one_reader_of_a_shop_is_promised_no_other_counts_on() -> None:
    """Until it is answered, or has failed."""
    pace = Pace(lambda: 0.0)
    pace.learn("q", Cost(ThrottleStatus(2000, 500, 50), requested_query_cost=400))
    with pytest.raises(RuntimeError), pace.turn("q") as first, pace.turn("q") as second, pace.turn("q") as third:
        assert [first, second, third] == [0.0, pytest.approx(300 / 50), pytest.approx(700 / 50)]
        raise RuntimeError
    assert _wait(pace, "q") == 0.0


def test_readers_of_a_shop_share_its_pace_as_long_as_one_of_them_reads() -> None:
    mine = FeedKey("north", "shop")
    one, other = pace_of(mine, "https://a"), pace_of(mine, "https://a")
    assert one is other
    assert pace_of(mine, "https://b") is not one
    assert pace_of(FeedKey("south", "shop"), "https://a") is not one
    one.learn("q", Cost(ThrottleStatus(2000, 500, 50), requested_query_cost=400))
    del one, other
    gc.collect()
    assert pace_of(mine, "https://a").status is None


@pytest.mark.parametrize(("rate", "name"), [(100, "standard"), (200, "Advanced"), (1000, "Plus"), (2000, "enterprise")])
def test_the_tier_is_told_by_the_rate(rate: float, name: str) -> None:
    assert tier(ThrottleStatus(rate * 20, 0, rate)).startswith(f"{name}: {rate:g} points per second")
