"""Laws of pseudonyms and protection: what identifies a person leaves the rows, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from varai.canonical import ENTITIES
from varai.kernel import Feed, FeedKey, Misconfigured, Scope
from varai.privacy import Pseudonyms, Vault, protect

ScopeOf = Callable[..., Scope]
MOVED = datetime(2026, 11, 1, tzinfo=UTC)
FEED = Feed(tenant="north", name="shop", connector="shopify", base_url="http://localhost", secret="north-shop")


def test_a_pseudonym_is_the_same_for_the_same_person_and_differs_by_tenant_feed_and_id(scope_of: ScopeOf) -> None:
    north, south = Pseudonyms(scope_of("north")), Pseudonyms(scope_of("south"))
    one = north.of("shop", "42")
    assert one == Pseudonyms(scope_of("north")).of(FEED, "42") == north.of(FeedKey("north", "shop"), "42")
    assert (
        len({one, south.of("shop", "42"), north.of("other", "42"), north.of("shop", "43"), north.fingerprint("42")})
        == 5
    )
    assert len(one) == 32
    assert set(one) <= set("0123456789abcdef")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ids=st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=30))
def test_a_column_of_pseudonyms_is_one_pseudonym_per_row_and_null_stays_null(
    scope_of: ScopeOf, ids: list[str | None]
) -> None:
    pseudonyms = Pseudonyms(scope_of())
    column = pseudonyms.column("shop", pa.array(ids, pa.string()))
    assert column.type == pa.string()
    assert column.to_pylist() == [None if one is None else pseudonyms.of("shop", one) for one in ids]


def test_the_scope_of_a_whole_region_has_no_pseudonyms(scope_of: ScopeOf) -> None:
    with pytest.raises(Misconfigured):
        Pseudonyms(scope_of(None))


def customers(*ids: str, name: str = "Ada") -> pa.RecordBatch:
    rows = [
        {
            "position": n,
            "source_id": one,
            "root_id": one,
            "source_updated_at": MOVED,
            "subject": one,
            "first_name": name,
            "last_name": "Lovelace",
            "email": f"{one}@example.com",
            "phone": "+44 20 7946 0000",
            "address": '{"city":"London"}',
            "country": "GB",
            "content_hash": "c" * 32,
            "faults": [],
        }
        for n, one in enumerate(ids)
    ]
    return pa.RecordBatch.from_pylist(rows)


def test_customers_leave_without_their_ids_names_and_addresses_which_are_in_the_vault(scope: Scope) -> None:
    batch = customers("4711", "4712")
    out = protect(scope, FEED, "customer", batch, Vault(scope))
    pseudonym = Pseudonyms(scope).of(FEED, "4711")
    assert out.schema.names == [
        "position",
        "source_id",
        "root_id",
        "source_updated_at",
        "subject",
        "country",
        "content_hash",
        "faults",
    ]
    assert out.slice(0, 1).to_pylist()[0] | {"content_hash": ""} == {
        "position": 0,
        "source_id": pseudonym,
        "root_id": pseudonym,
        "source_updated_at": MOVED,
        "subject": pseudonym,
        "country": "GB",
        "content_hash": "",
        "faults": [],
    }
    assert out.column("content_hash").to_pylist() != batch.column("content_hash").to_pylist(), "hashes are keyed"
    kept = Vault(scope).get(pseudonym)
    assert kept is not None
    assert (kept["email"], kept["source_id"]) == ("4711@example.com", "4711")


def test_without_a_vault_what_identifies_a_person_is_dropped_all_the_same(scope_of: ScopeOf) -> None:
    out = protect(scope_of(), FEED, "customer", customers("4711"), None)
    text = str(out.to_pylist())
    assert not any(secret in text for secret in ("4711", "Ada", "Lovelace", "example.com", "London", "7946"))


def test_a_customer_without_a_stated_subject_is_its_own(scope_of: ScopeOf) -> None:
    batch = customers("4711")
    batch = batch.set_column(batch.schema.get_field_index("subject"), "subject", pa.array([None], pa.string()))
    out = protect(scope_of(), FEED, "customer", batch, None)
    assert out.column("subject").to_pylist() == [Pseudonyms(scope_of()).of(FEED, "4711")]


def test_orders_keep_their_own_ids_and_name_their_buyer_as_the_customers_row_does(scope_of: ScopeOf) -> None:
    batch = pa.RecordBatch.from_pylist(
        [{"source_id": "1", "root_id": "1", "subject": "4711"}, {"source_id": "2", "root_id": "2", "subject": None}]
    )
    out = protect(scope_of(), FEED, "order", batch, None)
    assert out.column("source_id").to_pylist() == ["1", "2"]
    assert out.column("subject").to_pylist() == [Pseudonyms(scope_of()).of("shop", "4711"), None]


@pytest.mark.parametrize(
    "name", sorted(name for name, kind in ENTITIES.items() if kind.data_class in ("public", "internal"))
)
def test_entities_without_people_come_back_as_they_are(scope_of: ScopeOf, name: str) -> None:
    batch = pa.RecordBatch.from_pylist([{"source_id": "1"}])
    assert protect(scope_of(), FEED, name, batch, None) is batch


@pytest.mark.parametrize("name", sorted(ENTITIES))
def test_no_protected_row_of_any_entity_holds_a_vaulted_field(scope_of: ScopeOf, name: str) -> None:
    kind = ENTITIES[name]
    columns = {
        "source_id": "1",
        "root_id": "1",
        **{field.name: "secret" for field in kind.fields if field.vault or field.subject},
    }
    out = protect(scope_of(), FEED, name, pa.RecordBatch.from_pylist([columns]), None)
    assert "secret" not in str(out.to_pylist())
    assert not {field.name for field in kind.vaulted} & set(out.schema.names)
