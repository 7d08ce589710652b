"""Laws of mapping: it is total, counts add up, cutting into chunks changes nothing, and no line is lost in silence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varai.canonical import entity
from varai.canonical.mapper import map_lines
from varai.canonical.mapping import UNMAPPABLE, Mapping
from varai.canonical.projection import mapped_schema
from varai.kernel import Misconfigured

MAPPING = Mapping.of(
    {
        "id": "VARCHAR",
        "__parentId": "VARCHAR",
        "title": "VARCHAR",
        "tags": "VARCHAR[]",
        "made": "VARCHAR",
        "uv": "VARCHAR",
        "kids": "STRUCT(nodes STRUCT(id VARCHAR, price VARCHAR, cost VARCHAR, unit VARCHAR)[])",
    },
    {
        "product": """SELECT nth, id AS source_id, id AS root_id, made AS source_updated_at, text_of(title) AS title, tags,
            made AS created_at, uv AS uv_category FROM lines WHERE "__parentId" IS NULL""",
        "variant": """SELECT nth, kid.id AS source_id, root AS root_id, NULL::VARCHAR AS source_updated_at, root AS product_id,
            kid.price AS price, 'USD' AS currency, kid.cost AS unit_cost, kid.unit AS unit_cost_currency
            FROM (SELECT nth, id AS root, unnest(kids.nodes) AS kid FROM lines WHERE "__parentId" IS NULL)""",
        "image": """SELECT nth, id AS source_id, "__parentId" AS root_id, NULL::VARCHAR AS source_updated_at,
            "__parentId" AS product_id, title AS url FROM lines WHERE "__parentId" IS NOT NULL""",
    },
    "product",
)
GOOD: dict[str, Any] = {
    "id": "1",
    "title": "Round",
    "tags": ["a", "b"],
    "made": "2026-01-01T00:00:00Z",
    "uv": "3",
    "kids": {"nodes": [{"id": "v1", "price": "1.50", "cost": "0.5", "unit": "USD"}, {"id": "v2", "price": "2"}]},
}
CHILD_LINE: dict[str, Any] = {"id": "i1", "__parentId": "1", "title": "https://example.com/1.jpg"}


def mapped(*chunks: bytes, mapping: Mapping = MAPPING) -> dict[str, list[dict[str, Any]]]:
    """Rows per entity."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in (*mapping.entities, UNMAPPABLE)}
    for name, batch in map_lines(iter(chunks), mapping):
        found[name] += batch.to_pylist()
    return found


def line(value: Any) -> bytes:
    return json.dumps(value).encode()


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6), st.just("a\x00b"), st.just(10**400)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def paths(value: Any) -> Iterator[tuple[Any, ...]]:
    yield ()
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from ((key, *rest) for rest in paths(part))


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of the value with what lies at the path replaced."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    good = draw(st.sampled_from((GOOD, CHILD_LINE)))
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(st.binary(max_size=20)).replace(b"\n", b" ")
    text = line(changed(good, draw(st.sampled_from(list(paths(good)))), draw(anything)))
    if kind == 1:
        return text[: draw(st.integers(0, len(text)))]
    if kind == 2:
        return text[:-1] + b',"id":"twice"}' if text.endswith(b"}") else text
    return text


def is_root(text: bytes) -> bool:
    return b'"__parentId"' not in text


def is_blank(text: bytes) -> bool:
    return not text.strip(b" \t\r\v\f\n")


@settings(max_examples=25, deadline=None)
@given(st.lists(lines(), max_size=25))
def test_any_lines_give_rows_or_are_unmappable_and_every_record_is_counted_once(texts: list[bytes]) -> None:
    rows = mapped(b"\n".join(texts))
    kept = [text for text in texts if not is_blank(text)]
    lost = [row["position"] for row in rows[UNMAPPABLE] if not row["reason"].startswith("child_")]
    primary = [row["position"] for row in rows["product"]]
    assert sorted(primary + lost) == [at for at, text in enumerate(kept) if is_root(text) or at in primary + lost]
    homed = {row["position"] for name in rows for row in rows[name]}
    assert homed == set(range(len(kept)))
    for row in rows[UNMAPPABLE]:
        assert row["line"] == kept[row["position"]].decode("utf-8", "replace")
        assert row["reason"]


@settings(max_examples=10, deadline=None)
@given(st.lists(lines(), min_size=2, max_size=6), st.data())
def test_where_lines_are_cut_into_chunks_changes_nothing(texts: list[bytes], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(texts) - 1))
    whole = mapped(b"\n".join(texts))
    assert mapped(b"\n".join(texts[:cut]) + b"\n", b"\n".join(texts[cut:])) == whole
    alone = mapped(*(text + b"\n" for text in texts))
    assert alone == whole


def test_batches_have_the_schema_of_their_entity() -> None:
    for name, batch in map_lines(iter([line(GOOD)]), MAPPING):
        assert batch.schema == mapped_schema(entity(name))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"id":', "invalid_json"),
        (b'{"id":"1"} and more', "invalid_json"),
        (b'{"id":"1","title":"\x00"}', "invalid_json"),
        (b'{"id":"1","title":"\xff"}', "invalid_json"),
        (b'{"id":"1","title":"\\ud800"}', "invalid_json"),
        (b'\xef\xbb\xbf{"id":"1"}', "invalid_json"),
        (b"[1]", "not_an_object"),
        (b"null", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"{}", "missing_id"),
        (b'{"id":null}', "missing_id"),
        (b'{"id":""}', "missing_id"),
        (b'{"id":"\\u0000"}', "missing_id"),
        (b'{"id":"1","kids":{"nodes":5}}', "wrong_shape:kids"),
        (b'{"id":"1","kids":[]}', "wrong_shape:kids"),
        (b'{"id":"1","tags":{"a":1}}', "wrong_shape:tags"),
        (b'{"id":"1","kids":{"nodes":[{"id":"v"},7]}}', "wrong_shape:kids"),
    ],
)
def test_why_a_record_is_unmappable(text: bytes, reason: str) -> None:
    neighbour = line({**GOOD, "id": "2"})
    rows = mapped(b"\n".join([text, neighbour]))
    assert [(row["position"], row["reason"]) for row in rows[UNMAPPABLE]] == [(0, reason)]
    assert [row["source_id"] for row in rows["product"]] == ["2"]
    assert len(rows["variant"]) == 2


def test_a_child_that_cannot_be_used_is_named_and_its_record_stays() -> None:
    nameless = {**GOOD, "kids": {"nodes": [{"price": "3"}, {"id": "v9", "price": "4"}]}}
    assert [row["reason"] for row in mapped(line(nameless))[UNMAPPABLE]] == ["child_missing_id:variant"]
    orphan = {"__parentId": "1", "title": "x"}
    rows = mapped(b"\n".join([line(nameless), line(orphan), b'{"__parentId":"1",']))
    assert [row["reason"] for row in rows[UNMAPPABLE]] == [
        "child_missing_id:variant",
        "child_missing_id",
        "child_invalid_json",
    ]
    assert len(rows["product"]) == 1
    assert [row["source_id"] for row in rows["variant"]] == ["v9"]


def test_what_cannot_be_read_is_null_with_a_fault_that_names_rule_and_field() -> None:
    bad = {
        **GOOD,
        "title": "a\x00b",
        "tags": ["x\x00", "y"],
        "made": "yesterday",
        "uv": "three",
        "kids": {"nodes": [{"id": "v1", "price": "cheap", "cost": "1e999", "unit": "XXX"}]},
    }
    rows = mapped(line(bad))
    product, variant = rows["product"][0], rows["variant"][0]
    assert product["title"] == "ab"
    assert product["tags"] == ["x", "y"]
    assert (product["created_at"], product["uv_category"]) == (None, None)
    assert set(product["faults"]) == {
        "nul_byte:title",
        "nul_byte:tags",
        "malformed_date:source_updated_at",
        "malformed_date:created_at",
        "malformed_number:uv_category",
    }
    assert (variant["price"], variant["unit_cost"]) == (None, None)
    assert set(variant["faults"]) == {
        "malformed_number:price",
        "malformed_number:unit_cost",
        "unknown_currency:unit_cost_currency",
    }


def test_the_content_hash_follows_content_and_faults_and_nothing_else() -> None:
    def hashes(value: dict[str, Any], *before: bytes) -> str:
        return str(mapped(b"\n".join([*before, line(value)]))["product"][-1]["content_hash"])

    plain = hashes(GOOD)
    assert hashes({**GOOD, "id": "7"}, line(GOOD), b"", line(GOOD)) == plain
    assert hashes(dict(reversed(GOOD.items()))) == plain
    others = [
        {**GOOD, "title": "Rounder"},
        {**GOOD, "title": None},
        {**GOOD, "title": "Round\x00"},
        {**GOOD, "tags": ["a,b"]},
        {**GOOD, "tags": ["b", "a"]},
        {**GOOD, "tags": []},
        {**GOOD, "tags": None},
        {**GOOD, "uv": None},
        {**GOOD, "uv": "x"},
        {**GOOD, "made": "2026-01-01T00:00:00.000001Z"},
    ]
    assert len({plain, *map(hashes, others)}) == len(others) + 1


@pytest.mark.parametrize("megabytes", [5, 40])
def test_a_description_of_any_length_passes(megabytes: int) -> None:
    long = "é" * (megabytes * 500_000)
    rows = mapped(b"\n".join([line(GOOD), line({**GOOD, "id": "2", "title": long}), line({**GOOD, "id": "3"})]))
    assert [len(row["title"]) for row in rows["product"]] == [5, len(long), 5]


_MEMORY = """
import resource, sys
from varai.canonical.mapper import map_lines
from test_mapping import GOOD, MAPPING, line
text = line({**GOOD, "title": "t" * 2000}) + b"\\n"
chunks = (text * 2000 for _ in range(int(sys.argv[1])))
rows = sum(batch.num_rows for name, batch in map_lines(chunks, MAPPING) if name == "product")
assert rows == 2000 * int(sys.argv[1])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_batch() -> None:
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parents[2] / "plugins")])

    def peak(chunks: int) -> int:
        command = [sys.executable, "-c", _MEMORY, str(chunks)]
        done = subprocess.run(
            command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    assert peak(32) < peak(8) * 1.15


def test_a_mapping_that_is_wrong_is_a_sentence() -> None:
    for select in (
        "SELECT 1 AS nth",
        "SELECT nth, id AS source_id, id AS root_id, made AS source_updated_at, id AS colour_of_the_sky FROM lines",
        "SELECT nth, nothing AS source_id FROM lines",
        "SELECT FROM",
    ):
        wrong = Mapping.of(MAPPING.columns, {"product": select}, "product")
        with pytest.raises(Misconfigured):
            list(map_lines(iter([line(GOOD)]), wrong))


def test_the_version_moves_with_the_mapping() -> None:
    other = Mapping.of(
        MAPPING.columns, {**MAPPING.entities, "image": MAPPING.entities["image"] + " AND true"}, "product"
    )
    again = Mapping.of(MAPPING.columns, MAPPING.entities, "product")
    assert other.version != MAPPING.version == again.version


def test_what_a_process_learnt_of_one_mapping_is_not_used_for_another() -> None:
    """Nor does it change what comes out when the same one is used again."""
    other = Mapping.of(
        MAPPING.columns, {"product": MAPPING.entities["product"].replace("text_of(title)", "length(title)")}, "product"
    )
    first, second, again = (mapped(line(GOOD), mapping=one)["product"] for one in (MAPPING, other, MAPPING))
    assert [row["title"] for row in (*first, *second)] == ["Round", "5"]
    assert first == again


STUMBLING = Mapping.of(
    {"id": "VARCHAR", "title": "VARCHAR"},
    {
        "product": "SELECT nth, id AS source_id, id AS root_id, NULL::VARCHAR AS source_updated_at,"
        " CASE WHEN starts_with(title, 'bad') THEN error('no') ELSE title END AS title FROM lines"
    },
    "product",
)
"""Raises where a title begins with `bad`."""


def test_a_statement_that_fails_on_one_line_loses_only_that_line() -> None:
    """A mapping should never raise; if one does, the line it stumbled over is named."""
    texts = [line({"id": str(at), "title": "bad" if at == 3 else "good"}) for at in range(8)]
    rows = mapped(b"\n".join(texts), mapping=STUMBLING)
    assert [row["position"] for row in rows["product"]] == [0, 1, 2, 4, 5, 6, 7]
    assert [(row["position"], row["reason"]) for row in rows[UNMAPPABLE]] == [(3, "mapping_failed")]


def test_a_line_that_fails_in_a_chunk_beyond_the_limit_costs_only_itself() -> None:
    """More memory is allowed after a statement failed: not within the transaction that it broke."""
    texts = [line({"id": str(at), "title": ("bad" if at == 1 else "good") + "x" * 4_000_000}) for at in range(3)]
    found = list(map_lines(iter([b"\n".join(texts)]), STUMBLING, memory_limit="40MB"))
    kept = [row["position"] for name, batch in found if name == "product" for row in batch.to_pylist()]
    lost = [
        (row["position"], row["reason"]) for name, batch in found if name == UNMAPPABLE for row in batch.to_pylist()
    ]
    assert (kept, lost) == ([0, 2], [(1, "mapping_failed")])


def test_unmappable_rows_keep_their_schema() -> None:
    batches = [batch for name, batch in map_lines(iter([b"[1]\n", b"{}\n"]), MAPPING) if name == UNMAPPABLE]
    assert pa.Table.from_batches(batches).column_names == ["source_id", "position", "reason", "line"]
