"""Quarantine: what is held back can be listed and shown, sealed rows are sealed, writing twice changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from varai.gate import quarantine
from varai.kernel import BatchRef, FeedKey, Misconfigured, Scope, Window
from varai.registry import Pending, SliceReport, SliceState, StreamKey
from varai.settings import FolderSecrets

AT = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    return Scope(
        "eu",
        "brillen-haus",
        "commerce",
        str(tmp_path / "bucket"),
        "",
        "varai",
        "",
        "",
        FolderSecrets(tmp_path / "secrets"),
    )


def ref(batch_id: str, at: datetime = AT) -> BatchRef:
    window = Window(start=None, end=at)
    return BatchRef(region="eu", tenant="brillen-haus", feed="shop", stream="products", batch_id=batch_id, window=window, ingested_at=at,
                    uri="-", records=1, lines=1, sha256="-", vendor_count=1, token=1)  # fmt: skip


def reader(*rows: tuple[str, list[str]]) -> pa.RecordBatchReader:
    table = pa.table({
        "source_id": pa.array([row[0] for row in rows], pa.string()),
        "price": pa.array([Decimal("-1.00")] * len(rows), pa.decimal128(18, 6)),
        "reasons": pa.array([row[1] for row in rows], pa.list_(pa.string())),
        "flags": pa.array([[] for _ in rows], pa.list_(pa.string())),
        "score": pa.array([90.0] * len(rows), pa.float64()),
    })  # fmt: skip
    return table.to_reader()


@pytest.mark.parametrize("sealed", [False, True])
def test_rows_are_listed_and_shown(scope: Scope, sealed: bool) -> None:
    key = quarantine.write(
        scope, "variant", ref("a"), reader(("1", ["missing_price"]), ("2#tax/0", ["duplicate_sku"])), sealed=sealed
    )
    assert key == f"quarantine/brillen-haus/variant/a.parquet{'.sealed' if sealed else ''}"
    (row,) = quarantine.list_rows(scope, "brillen-haus", reason="duplicate_sku")
    assert (row.entity, row.feed, row.source_id, row.reasons, row.score) == (
        "variant",
        "shop",
        "2#tax/0",
        ("duplicate_sku",),
        90.0,
    )
    shown = quarantine.show(scope, row.key)
    assert shown["price"] == Decimal("-1.00")
    assert shown["reasons"] == ["duplicate_sku"]
    stored = (Path(scope.bucket) / key).read_bytes()
    assert (b"duplicate_sku" in stored) is not sealed


def test_a_row_is_listed_once_by_its_latest_batch_newest_first(scope: Scope) -> None:
    quarantine.write(
        scope, "variant", ref("b", AT), reader(("1", ["missing_price"]), ("2", ["missing_price"])), sealed=False
    )
    quarantine.write(scope, "variant", ref("a", AT + timedelta(days=1)), reader(("2", ["duplicate_sku"])), sealed=False)
    found = quarantine.list_rows(scope, "brillen-haus")
    assert [(row.source_id, row.reasons) for row in found] == [("2", ("duplicate_sku",)), ("1", ("missing_price",))]
    assert len(quarantine.list_rows(scope, "brillen-haus", limit=1)) == 1
    assert quarantine.list_rows(scope, "brillen-haus", entity="product") == []
    assert quarantine.list_rows(scope, "northwind-eu") == []


def test_writing_again_replaces_and_nothing_to_write_removes(scope: Scope) -> None:
    quarantine.write(scope, "variant", ref("a"), reader(("1", ["missing_price"])), sealed=False)
    quarantine.write(scope, "variant", ref("a"), reader(("1", ["missing_price"])), sealed=False)
    assert len(quarantine.list_rows(scope, "brillen-haus")) == 1
    assert quarantine.write(scope, "variant", ref("a"), reader(), sealed=False) is None
    assert quarantine.list_rows(scope, "brillen-haus") == []


@pytest.mark.parametrize("key", ["nonsense", "brillen-haus/variant/a/9", "brillen-haus/variant/z/1"])
def test_showing_what_is_not_there_says_so(scope: Scope, key: str) -> None:
    quarantine.write(scope, "variant", ref("a"), reader(("1", ["missing_price"])), sealed=False)
    with pytest.raises(Misconfigured, match="no quarantined row"):
        quarantine.show(scope, key)


def unmappable(batch_id: str, *positions: int) -> pa.RecordBatchReader:
    return pa.table({
        "source_id": [f"{batch_id}/{position}" for position in positions],
        "position": list(positions),
        "line": ["{"] * len(positions),
        "reasons": [["invalid_json"]] * len(positions),
    }).to_reader()  # fmt: skip


@pytest.mark.parametrize("sealed", [False, True])
def test_unmappable_lines_are_listed_and_shown_one_by_one(scope: Scope, sealed: bool) -> None:
    quarantine.write(scope, "unmappable", ref("a"), unmappable("a", 0, 4), sealed=sealed)
    quarantine.write(scope, "unmappable", ref("b"), unmappable("b", 0), sealed=sealed)
    rows = quarantine.list_rows(scope, "brillen-haus")
    assert [row.key for row in rows] == [f"brillen-haus/unmappable/{place}" for place in ("a/0", "a/4", "b/0")]
    assert {(row.reasons, row.flags, row.score) for row in rows} == {(("invalid_json",), (), None)}
    for row in rows:
        assert f"{row.batch_id}/{quarantine.show(scope, row.key)['position']}" == row.source_id
    with pytest.raises(Misconfigured):
        quarantine.show(scope, "brillen-haus/unmappable/b/4")


def test_unmappable_lines_go_when_their_stream_was_read_whole_since(scope: Scope) -> None:
    later, sooner = ref("b", AT + timedelta(days=1)), Window(start=AT, end=AT + timedelta(days=2))
    quarantine.write(scope, "unmappable", ref("a"), unmappable("a", 0, 4), sealed=False)
    settled(scope, later.model_copy(update={"window": sooner}))
    settled(scope, later.model_copy(update={"stream": "orders"}))
    assert len(quarantine.list_rows(scope, "brillen-haus")) == 2
    quarantine.write(scope, "unmappable", later, unmappable("b", 3), sealed=False)
    settled(scope, later)
    assert [row.source_id for row in quarantine.list_rows(scope, "brillen-haus")] == ["b/3"]
    assert quarantine.unmappable_batches(scope, FeedKey("brillen-haus", "shop")) == {"b"}
    assert quarantine.unmappable_batches(scope, FeedKey("brillen-haus", "outlet")) == frozenset()
    settled(scope, ref("a"))  # mapped again after it
    assert [row.source_id for row in quarantine.list_rows(scope, "brillen-haus")] == ["b/3"]


def settled(scope: Scope, batch: BatchRef) -> None:
    """Settle a slice of one record that was published."""
    key = StreamKey(batch.tenant, batch.feed, batch.stream)
    about = batch.model_dump(include={"tenant", "feed", "stream", "batch_id", "ingested_at", "vendor_count"})
    report = SliceReport(**about, window=batch.window, landed=1, published=1)
    SliceState(scope, key).settle(Pending(token=1, batch=batch, report=report, staged=(), hashes="none"))
