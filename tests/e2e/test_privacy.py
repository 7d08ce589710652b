"""A canary datum of a customer: nowhere in clear, readable from the vault alone, and gone for good once erased."""

from __future__ import annotations

import json

import duckdb
import pytest

from tests.e2e.digests import hashes_of, table
from tests.e2e.search import places_with
from tests.e2e.stack import Stack
from varai.learning.forget import places
from varai.marts import Reader
from varai.privacy import Finding, Vault
from varai.registry import snapshots
from varai.river.erasure import pseudonym, where_is
from varai.river.transform import transform


@pytest.mark.slow
def test_a_canary_is_sealed_readable_from_the_vault_and_erased_for_good(
    stack: Stack, capfd: pytest.CaptureFixture[str]
) -> None:
    canary = stack.spec.canary
    person = next(key for key, body in stack.bodies("Customer").items() if canary in json.dumps(body))
    vendor_id = person.rsplit("/", 1)[1]
    orders = [body for body in stack.bodies("Order").values() if (body.get("customer") or {}).get("id") == person]
    assert orders  # the search would say little about orders if there were none of theirs
    assert canary.encode() in stack.shop.read_bytes()  # where the canary may stand: with the vendor
    assert stack.run().failures == {}
    transform(stack.settings, "eu", holder="test")
    reader = Reader(stack.settings.scope("eu"), stack.home / "cache")
    with reader.current(stack.spec.name) as snapshot:
        snapshot.path("fct_order_line")  # now serving's copy holds the person too

    subject = pseudonym(stack.settings, "eu", stack.key, vendor_id)
    assert canary in json.dumps(Vault(stack.scope).get(subject), default=str)
    assert {finding.place for finding in _where(stack, subject)} >= {"vault", "landing", "warehouse", "hashes"}
    assert _clear(stack, canary, vendor_id) == []
    said = capfd.readouterr()
    assert said.out + said.err  # the run did speak
    assert canary not in said.out + said.err

    money, lines = _money(stack), _lines(stack)
    planned = stack.erase(subject, dry_run=True)
    assert planned.found == planned.left != ()
    assert Vault(stack.scope).holds(subject)
    done = stack.erase(subject, dry_run=False)
    assert done.complete
    reader.current(stack.spec.name).close()
    _is_forgotten(stack, subject, canary, vendor_id)
    assert (_money(stack), _lines(stack)) == (money, lines)

    # The shop still has the person and sends them again, with an order.
    stack.touch([person], note="back again")
    stack.touch([orders[0]["id"]], note="seen again")
    assert stack.run("customers", "orders").failures == {}
    row = stack.slices()["customers"]
    assert row["erased"] == 1 and row["balanced"]
    assert stack.slices()["orders"]["balanced"]
    # What the vendor sent again is sealed in landing and withheld at every read; asking once more takes it from there too.
    assert {finding.place for finding in _where(stack, subject)} == {"landing"}
    assert _clear(stack, canary, vendor_id) == []
    assert stack.erase(subject, dry_run=False).complete
    transform(stack.settings, "eu", holder="test")
    _is_forgotten(stack, subject, canary, vendor_id)
    assert (_money(stack), _lines(stack)) == (money, lines)


def _where(stack: Stack, subject: str) -> tuple[Finding, ...]:
    return where_is(stack.settings, stack.scope, subject, beyond=places, holder="test")


def _clear(stack: Stack, canary: str, vendor_id: str) -> list[str]:
    """Places where the name, or the vendor's number of the person, stands in clear."""
    return [*places_with(stack, canary), *places_with(stack, vendor_id)]


def _is_forgotten(stack: Stack, subject: str, canary: str, vendor_id: str) -> None:
    assert Vault(stack.scope).get(subject) is None
    assert _where(stack, subject) == ()
    assert _clear(stack, canary, vendor_id) == []
    assert subject not in {row["source_id"] for row in hashes_of(stack, "customers") if not row["deleted"]}
    kept = ("document ledger/", "document audit/")  # the request itself, which keeps the person out from now on
    assert [place for place in places_with(stack, subject) if not place.startswith(kept)] == []


def _mart(stack: Stack) -> str:
    return f"published/{stack.spec.name}/{snapshots(stack.scope)[stack.spec.name]}/fct_order_line.parquet"


def _money(stack: Stack) -> list[tuple[object, ...]]:
    with duckdb.connect() as con:
        con.register("lines", table(stack, _mart(stack)))
        return con.execute(
            "SELECT currency, sum(gross_minor), sum(discount_minor) FROM lines GROUP BY ALL ORDER BY ALL"
        ).fetchall()


def _lines(stack: Stack) -> int:
    return int(table(stack, _mart(stack)).num_rows)
