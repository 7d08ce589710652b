"""Laws of landing: what comes out is what went in, whole or not at all; sealed means unreadable; the erased stay out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from varai import landing
from varai.kernel import BatchRef, FeedKey, Gone, Malformed, Scope, Window, batch_id
from varai.landing import LandingPlace, Manifest, manifests, rewrite
from varai.landing.manifest import write_manifest
from varai.privacy import Pseudonyms
from varai.settings import FolderSecrets
from varai.sources import Page, StreamSpec
from varai.stores import objects

FEED = FeedKey("north", "shop")
END = datetime(2026, 11, 1, tzinfo=UTC)
WINDOW = Window(start=None, end=END)
CUSTOMERS = StreamSpec("customers", "customer", ("customer",), sealed=True, subject_path=("id",), withheld=True)
ORDERS = StreamSpec(
    "orders",
    "order",
    ("order",),
    sealed=True,
    subject_path=("customer", "id"),
    redact=(("customer",), ("email",), ("address", "city"), ("items", "nodes", "[]", "note")),
)
PRODUCTS = StreamSpec("products", "product", ("product",))


class Nobody:
    """A ledger in which nobody is; asking it about ids would be looking into lines."""

    def contains_any(self) -> bool:
        return False

    def erased(self, feed: str, ids: Iterable[str]) -> set[str]:
        raise AssertionError("The ledger is empty, so no line may be parsed.")


class These(NamedTuple):
    """A ledger of vendor ids."""

    ids: frozenset[str]

    def contains_any(self) -> bool:
        return True

    def erased(self, feed: str, ids: Iterable[str]) -> set[str]:
        assert feed == FEED.feed
        return set(self.ids) & set(ids)


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    return Scope(
        region="eu",
        tenant="north",
        plane="commerce",
        bucket=str(tmp_path / "bucket"),
        documents_uri="",
        database="none",
        cache_url="",
        warehouse="",
        secrets=FolderSecrets(tmp_path / "secrets"),
    )


def page(*records: Any) -> Page:
    lines = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    children = sum("__parentId" in record for record in records)
    return Page(lines, len(records) - children, len(records))


def landed(scope: Scope, spec: StreamSpec, pages: Iterable[Page], at: datetime = END) -> BatchRef:
    written = landing.land(
        scope,
        FEED,
        spec.name,
        WINDOW,
        pages,
        sealed=spec.sealed,
        ingested_at=at,
        connector_version="1",
        token=7,
    )
    return landing.commit(scope, written, vendor_count=written.content.records, query_hash="q")


def manifest_of(scope: Scope, ref: BatchRef) -> Manifest:
    return next(one for one in manifests(scope) if one.batch_id == ref.batch_id)


def text_of(reading: Iterator[bytes]) -> bytes:
    return b"".join(reading)


def records_in(reading: Iterator[bytes]) -> list[Any]:
    return [json.loads(line) for line in text_of(reading).splitlines()]


json_lines = st.lists(
    st.dictionaries(st.text(max_size=4), st.text(max_size=20) | st.integers(), max_size=3), min_size=0, max_size=8
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(json_lines, max_size=5), sealed=st.booleans())
def test_what_is_landed_is_read_again_with_its_counts_and_checksum(
    scope: Scope, batches: list[list[dict[str, Any]]], sealed: bool
) -> None:
    spec = CUSTOMERS if sealed else PRODUCTS
    pages = [page(*records) for records in batches]
    plain = b"".join(one.lines for one in pages)
    ref = landed(scope, spec, iter(pages))
    assert text_of(landing.read(scope, ref, Nobody(), spec)) == plain
    digest = hashlib.sha256(plain).hexdigest()
    assert (ref.sha256, ref.records, ref.lines) == (digest, sum(p.records for p in pages), plain.count(b"\n"))
    assert ref.batch_id == batch_id(FEED, spec.name, WINDOW, digest)
    assert ref.uri == f"landing/north/shop/{spec.name}/{ref.batch_id}.ndjson.zst{'.sealed' if sealed else ''}"
    content = manifest_of(scope, ref).content
    assert (content.bytes, content.sha256) == (len(plain), digest)
    assert landing.find(scope, FEED, spec.name, ref.batch_id) == ref


def test_a_manifest_names_all_that_a_batch_is(scope: Scope) -> None:
    ref = landed(scope, PRODUCTS, [page({"id": 1})])
    key = ref.uri.removesuffix(".ndjson.zst") + ".manifest.json"
    found = json.loads(objects(scope).read(key))
    assert {"window", "content", "vendor_count", "query_hash", "connector_version", "batch_id", "ingested_at"} <= set(
        found
    )
    assert found["content"] == {"records": 1, "lines": 1, "bytes": len(b'{"id": 1}\n'), "sha256": ref.sha256}


def test_landing_the_same_again_is_the_same_batch(scope: Scope) -> None:
    first, second = (landed(scope, CUSTOMERS, [page({"id": 1})]) for _ in range(2))
    assert first == second
    assert len(list(objects(scope).list("landing/"))) == 2


def test_nothing_is_left_of_pages_that_fail(scope: Scope) -> None:
    def cut() -> Iterator[Page]:
        yield page({"id": 1})
        raise Malformed("The page was cut.")

    for spec in (PRODUCTS, CUSTOMERS):
        with pytest.raises(Malformed, match="cut"):
            landed(scope, spec, cut())
    assert list(objects(scope).list("")) == []


def test_a_sealed_batch_cannot_be_read_at_rest(scope: Scope, tmp_path: Path) -> None:
    landed(scope, CUSTOMERS, [page({"id": 1, "email": "canary@example.com"}) for _ in range(50)])
    at_rest = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"canary" not in at_rest


def test_chunks_are_whole_lines_of_bounded_size_and_a_longer_line_passes(
    scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("varai.landing.reading._BLOCK", 1000)
    records = [{"id": at, "text": "x" * (5000 if at == 5 else 80)} for at in range(60)]
    ref = landed(scope, PRODUCTS, [page(*records)])
    chunks = list(landing.read(scope, ref, Nobody(), PRODUCTS))
    assert all(chunk.endswith(b"\n") for chunk in chunks)
    assert [json.loads(line)["id"] for line in b"".join(chunks).splitlines()] == list(range(60))
    assert all(len(chunk) <= 1100 or b"x" * 5000 in chunk for chunk in chunks)


@pytest.mark.parametrize("spec", [PRODUCTS, CUSTOMERS])
def test_a_cut_or_altered_object_never_reads_as_whole(scope: Scope, spec: StreamSpec) -> None:
    ref = landed(scope, spec, [page({"id": at, "text": "x" * at}) for at in range(500)])
    whole = objects(scope).read(ref.uri)
    for broken in (whole[:-10], whole[: len(whole) // 2], whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:]):
        objects(scope).write(ref.uri, broken)
        with pytest.raises(Malformed):
            text_of(landing.read(scope, ref, Nobody(), spec))


def test_a_swept_batch_is_gone(scope: Scope) -> None:
    ref = landed(scope, PRODUCTS, [page({"id": 1})])
    objects(scope).delete_prefix("landing/")
    with pytest.raises(Gone):
        text_of(landing.read(scope, ref, Nobody(), PRODUCTS))
    assert landing.find(scope, FEED, "products", ref.batch_id) is None


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def order(number: int, customer: int | None) -> dict[str, Any]:
    return {
        "id": gid("Order", number),
        "customer": None if customer is None else {"id": gid("Customer", customer)},
        "email": "who@example.com",
        "address": {"city": "Leeds", "country": "GB"},
        "total": "12.50",
        "items": {"nodes": [{"id": gid("LineItem", number * 10), "note": "for Ada", "price": "12.50"}]},
    }


def test_records_of_the_erased_are_withheld_whole_and_counted(scope: Scope) -> None:
    people = [{"id": gid("Customer", number), "email": f"{number}@example.com"} for number in range(1, 40)]
    ref = landed(scope, CUSTOMERS, [page(*people[:20]), page(*people[20:])])
    reading = landing.read(scope, ref, These(frozenset({"3", "33"})), CUSTOMERS)
    kept = records_in(reading)
    assert kept == [one for one in people if one["id"] not in (gid("Customer", 3), gid("Customer", 33))]
    assert (reading.erased, reading.redacted) == (2, 0)


def test_orders_of_the_erased_stay_without_the_person(scope: Scope) -> None:
    records = [order(1, 7), order(2, 8), order(3, None), order(77, 9)]
    ref = landed(scope, ORDERS, [page(*records)])
    reading = landing.read(scope, ref, These(frozenset({"7"})), ORDERS)
    first, *others = records_in(reading)
    assert others == records[1:]
    assert first == {
        **records[0],
        "customer": None,
        "email": None,
        "address": {"city": None, "country": "GB"},
        "items": {"nodes": [{**records[0]["items"]["nodes"][0], "note": None}]},
    }
    assert (reading.erased, reading.redacted) == (0, 1)


def test_child_lines_follow_their_record_wherever_they_stand(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("varai.landing.reading._BLOCK", 50)
    root = {name: value for name, value in order(1, 7).items() if name != "items"}
    other = {name: value for name, value in order(2, 8).items() if name != "items"}
    mine = {"id": gid("LineItem", 10), "note": "for Ada", "__parentId": gid("Order", 1)}
    theirs = {"id": gid("LineItem", 1), "note": "for Bo", "__parentId": gid("Order", 2)}
    ref = landed(scope, ORDERS, [page(mine, other, theirs, root)])
    found = records_in(landing.read(scope, ref, These(frozenset({"7"})), ORDERS))
    assert found[0] == {**mine, "note": None}
    assert found[1:3] == [other, theirs]
    assert found[3]["email"] is None
    withheld = StreamSpec("people", "order", ("order",), sealed=True, subject_path=("customer", "id"), withheld=True)
    ref = landed(scope, withheld, [page(mine, other, theirs, root)])
    reading = landing.read(scope, ref, These(frozenset({"7"})), withheld)
    assert records_in(reading) == [other, theirs]
    assert reading.erased == 1


def place_of(scope: Scope) -> LandingPlace:
    specs = {spec.name: spec for spec in (CUSTOMERS, ORDERS, PRODUCTS)}
    return LandingPlace(scope, lambda feed, stream: specs.get(stream))


def test_erasure_rewrites_what_holds_the_subject_and_keeps_the_batchs_identity(scope: Scope) -> None:
    people = [{"id": gid("Customer", number), "email": f"{number}@example.com"} for number in range(1, 9)]
    customers = landed(scope, CUSTOMERS, [page(*people)])
    orders = landed(scope, ORDERS, [page(order(1, 3), order(2, 4))])
    other = landed(scope, ORDERS, [page(order(5, 4))], END + timedelta(days=1))
    products = landed(scope, PRODUCTS, [page({"id": gid("Product", 3)})])
    subject, place = Pseudonyms(scope).of(FEED, "3"), place_of(scope)
    assert {(one.where, one.rows) for one in place.find(subject)} == {(customers.uri, 1), (orders.uri, 1)}

    place.erase(subject)

    assert list(place.find(subject)) == []
    manifest = manifest_of(scope, customers)
    assert manifest.batch_id == customers.batch_id
    assert manifest.original is not None
    assert (manifest.original.sha256, manifest.original.records) == (customers.sha256, 8)
    assert manifest.content.records == 7
    kept = text_of(landing.read(scope, customers, Nobody(), CUSTOMERS))
    assert hashlib.sha256(kept).hexdigest() == manifest.content.sha256
    assert records_in(iter([kept])) == [one for one in people if one["id"] != gid("Customer", 3)]
    assert manifest_of(scope, orders).content.records == 2
    for untouched in (other, products):
        assert manifest_of(scope, untouched).original is None
    before = {key: objects(scope).read(key) for key in objects(scope).list("landing/")}
    place.erase(subject)
    assert {key: objects(scope).read(key) for key in objects(scope).list("landing/")} == before


def test_the_manifest_keeps_what_was_landed_first_through_further_erasures(scope: Scope) -> None:
    ref = landed(scope, CUSTOMERS, [page(*({"id": gid("Customer", number)} for number in range(5)))])
    for number in (1, 2):
        assert rewrite(scope, ref, Pseudonyms(scope).of(FEED, str(number)), CUSTOMERS)
    manifest = manifest_of(scope, ref)
    assert manifest.original is not None
    assert (manifest.original.records, manifest.content.records) == (5, 3)
    assert not rewrite(scope, ref, Pseudonyms(scope).of(FEED, "1"), CUSTOMERS)


def test_a_rewrite_that_died_anywhere_can_be_read_and_is_ended_by_the_next(
    scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [{"id": gid("Customer", number)} for number in (1, 2)]
    subject = Pseudonyms(scope).of(FEED, "1")

    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    steps: list[Callable[[], str]] = [
        lambda: "varai.landing.forget.write_lines",
        lambda: "varai.landing.forget.move_object",
    ]
    for step in steps:
        ref = landed(scope, CUSTOMERS, [page(*people)])
        with monkeypatch.context() as patch:
            patch.setattr(step(), dies)
            with pytest.raises(KeyboardInterrupt):
                rewrite(scope, ref, subject, CUSTOMERS)
        assert records_in(landing.read(scope, ref, Nobody(), CUSTOMERS)) == people
        assert rewrite(scope, ref, subject, CUSTOMERS)
        assert records_in(landing.read(scope, ref, Nobody(), CUSTOMERS)) == people[1:]
        assert manifest_of(scope, ref).replacing is None


def test_a_rewrite_that_died_after_the_object_was_replaced_is_ended_by_the_next(
    scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    from varai.landing import forget

    ref = landed(scope, CUSTOMERS, [page({"id": gid("Customer", 1)}, {"id": gid("Customer", 2)})])
    subject = Pseudonyms(scope).of(FEED, "1")
    calls: list[Manifest] = []

    def second_dies(scope: Scope, manifest: Manifest) -> None:
        calls.append(manifest)
        if len(calls) == 2:
            raise KeyboardInterrupt
        write_manifest(scope, manifest)

    with monkeypatch.context() as patch:
        patch.setattr(forget, "write_manifest", second_dies)
        with pytest.raises(KeyboardInterrupt):
            rewrite(scope, ref, subject, CUSTOMERS)
    assert len(records_in(landing.read(scope, ref, Nobody(), CUSTOMERS))) == 1
    rewrite(scope, ref, subject, CUSTOMERS)
    manifest = manifest_of(scope, ref)
    assert (manifest.content.records, manifest.replacing) == (1, None)
    assert manifest.original is not None
    assert manifest.original.records == 2


def test_batches_come_oldest_first_and_only_those_of_the_stream(scope: Scope) -> None:
    made = [landed(scope, PRODUCTS, [page({"id": hour})], END + timedelta(hours=hour)) for hour in (5, 1, 4, 2, 3, 0)]
    landed(scope, CUSTOMERS, [page({"id": 3})])
    assert landing.batches(scope, FEED, "products") == sorted(made, key=lambda one: one.ingested_at)


def test_the_sweep_takes_what_is_past_its_days_and_what_killed_runs_left(scope: Scope) -> None:
    now = datetime.now(UTC)
    old = landed(scope, CUSTOMERS, [page({"id": 1})], now - timedelta(days=91))
    young = landed(scope, CUSTOMERS, [page({"id": 2})], now - timedelta(days=89))
    left = "landing/north/shop/customers/incoming/20200101T000000-x.ndjson.zst"
    fresh = f"landing/north/shop/customers/incoming/{now:%Y%m%dT%H%M%S}-x.ndjson.zst"
    for key in (left, fresh):
        objects(scope).write(key, b"")
    before = list(objects(scope).list("landing/"))
    assert landing.sweep(scope, days=90, dry_run=True) == sorted([left, old.uri])
    assert list(objects(scope).list("landing/")) == before
    assert landing.sweep(scope, days=90, dry_run=False) == sorted([left, old.uri])
    assert [one.ref for one in manifests(scope)] == [young]
    assert fresh in set(objects(scope).list("landing/"))
    assert not [key for key in objects(scope).list("landing/") if old.batch_id in key]
    assert landing.sweep(scope, days=90, dry_run=False) == []
