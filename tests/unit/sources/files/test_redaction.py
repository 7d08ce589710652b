"""Who asked to be forgotten is taken out of what was landed; facts of money stay; and ids with any letters name just one person."""

from __future__ import annotations

from collections.abc import Iterable

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.sources.files.conftest import Desk
from varai.landing.subjects import Redaction, records_of_erased
from varai.sources import connector, stream_spec

FILES = connector("files")
ORDER = {
    "no": 17,
    "cust": {"no": "C/1", "mail": "jo@example.org"},
    "note": "for Jo Doe",
    "total": 12.5,
    "when": "2026-01-01T00:00:00Z",
}
ORDERS = {
    "files": "*",
    "kind": "delta",
    "id": ["no"],
    "fields": {"name": "no", "subject": "cust.no", "total_minor": "total", "processed_at": "when"},
}


class Ledger:
    """Of these ids."""

    def __init__(self, *ids: str) -> None:
        self._ids = set(ids)

    def contains_any(self) -> bool:
        return bool(self._ids)

    def erased(self, feed: str, ids: Iterable[str]) -> set[str]:
        return self._ids & set(ids)


def without(stream: str, data: bytes, *subjects: str) -> tuple[bytes, Redaction]:
    spec = stream_spec(FILES, stream)
    ledger = Ledger(*(FILES.subject_id(one) for one in subjects))
    redaction = Redaction(spec, records_of_erased(data.splitlines(), spec, "erp", ledger))
    return redaction.apply(data) if redaction._marked else data, redaction


def test_an_order_stays_without_its_person() -> None:
    desk = Desk("orders", ORDERS)
    desk.drop.lay(
        "o.ndjson",
        b"".join(orjson.dumps(one) + b"\n" for one in (ORDER, ORDER | {"no": 18, "cust": {"no": "C/2"}, "note": ""})),
    )
    data, redaction = without("orders", desk.read().data, "C/1")
    for text in (b"C/1", b"C%2F1", b"jo@example.org", b"Jo Doe"):
        assert text not in data
    rows, lost = desk.mapped(data)
    assert [(row["source_id"], row["subject"], row["total_minor"]) for row in rows] == [
        ("17", None, 1250),
        ("18", "C%2F2", 1250),
    ]
    assert (redaction.redacted, redaction.erased, lost) == (1, 0, [])


def test_a_customer_is_withheld_whole() -> None:
    desk = Desk(
        "customers", {"files": "*", "kind": "full", "id": ["no"], "fields": {"email": "mail", "last_name": "last"}}
    )
    desk.drop.lay("c.csv", "no,mail,last\n001,a@example.org,A\n002,b@example.org,B\n")
    data, redaction = without("customers", desk.read().data, "001")
    assert b"a@example.org" not in data
    assert [row["subject"] for row in desk.mapped(data)[0]] == ["002"]
    assert redaction.erased == 1


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.text("ab/|% .", min_size=1, max_size=5).filter(lambda text: text.strip()),
        min_size=2,
        max_size=6,
        unique_by=str.strip,
    )
)
def test_no_two_people_have_one_name(ids: list[str]) -> None:
    desk = Desk("customers", {"files": "*", "kind": "full", "id": ["no"], "fields": {"email": "no"}})
    desk.drop.lay("c.ndjson", b"".join(orjson.dumps({"no": one}) + b"\n" for one in ids))
    data, redaction = without("customers", desk.read().data, ids[0])
    assert redaction.erased == 1
    assert {row["subject"] for row in desk.mapped(data)[0]} == {FILES.subject_id(one) for one in ids[1:]}


@pytest.mark.parametrize("subject", [None, "who"])
def test_columns_that_no_field_uses_are_landed_only_where_a_person_could_be_taken_out(subject: str | None) -> None:
    fields = {"order_id": "order", "sku": "sku", "quantity": "qty", "unit_price": "price"}
    declared = {
        "files": "*",
        "kind": "delta",
        "id": ["id"],
        "fields": fields,
        **({"subject": subject} if subject else {}),
    }
    desk = Desk("order-lines", declared)
    desk.drop.lay("l.csv", "id,order,sku,qty,price,engraving,who\n1,7,A,1,2.50,for Jo,C1\n")
    data = desk.read().data
    assert (b"for Jo" in data) == (subject is not None)
    if subject:
        data, _ = without("order-lines", data, "C1")
        assert b"for Jo" not in data and b"C1" not in data
    assert [row["gross_minor"] for row in desk.mapped(data)[0]] == [250]


def test_streams_of_sales_and_people_are_sealed_and_those_of_the_catalogue_are_not() -> None:
    assert {spec.name for spec in FILES.streams if not spec.sealed} == {
        "shop",
        "locations",
        "products",
        "variants",
        "images",
        "stock",
    }
