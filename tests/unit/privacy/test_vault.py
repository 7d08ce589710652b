"""Laws of the vault: the newest fields of each subject under a key of its own; without the key nothing is left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from varai.kernel import Malformed, Scope
from varai.privacy import Ledger, Personal, Vault
from varai.stores import documents


def at(hours: int) -> datetime:
    return datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=hours)


def person(subject: str, email: str, moved: datetime | None = None) -> Personal:
    return Personal(subject, {"email": email, "phone": None}, moved)


def test_what_is_put_comes_back_and_is_sealed_in_the_store(scope: Scope) -> None:
    report = Vault(scope).put([person("a", "ada@example.com"), person("b", "bob@example.com")])
    assert (report.written, report.unchanged, report.refused) == (2, 0, 0)
    assert Vault(scope).get("a") == {"email": "ada@example.com", "phone": None}
    kept = [one for name in ("vault", "subject_keys") for one in documents(scope)[name].find()]
    assert len(kept) == 4
    assert b"example.com" not in b"".join(str(one).encode() for one in kept)


def test_the_same_fields_are_not_written_again(scope: Scope) -> None:
    Vault(scope).put([person("a", "ada@example.com", at(1))])
    before = documents(scope)["vault"].find_one()
    report = Vault(scope).put([person("a", "ada@example.com", at(2)), person("b", "bob@example.com", at(2))])
    assert (report.written, report.unchanged) == (1, 1)
    assert documents(scope)["vault"].find_one({"_id": "north/a"}) == before


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_older_fields_never_replace_newer_ones(scope: Scope, order: tuple[int, int]) -> None:
    for hour in order:
        Vault(scope).put([person("a", f"{hour}@example.com", at(hour))])
    assert Vault(scope).get("a") == {"email": "2@example.com", "phone": None}
    assert Vault(scope).put([person("a", "1@example.com", at(1))]).unchanged == 1
    together = [person("b", f"{hour}@example.com", at(hour)) for hour in order]
    Vault(scope).put(together)
    assert Vault(scope).get("b") == {"email": "2@example.com", "phone": None}


def test_one_vault_takes_batches_of_the_same_people_one_after_another(scope: Scope) -> None:
    vault = Vault(scope)
    for hour in (1, 3, 2):
        vault.put([person("a", f"{hour}@example.com", at(hour)), person(f"other-{hour}", "x@example.com", at(hour))])
    assert vault.get("a") == {"email": "3@example.com", "phone": None}
    assert documents(scope)["subject_keys"].count_documents({}) == 4


def test_thousands_of_subjects_go_in_and_change_in_bulk(scope: Scope) -> None:
    rows = [person(f"{n:032x}", f"{n}@example.com", at(1)) for n in range(2_500)]
    assert Vault(scope).put(rows).written == 2_500
    again = [
        person(row.subject, row.fields["email"] if n % 100 else "new@example.com", at(2)) for n, row in enumerate(rows)
    ]
    report = Vault(scope).put(again)
    assert (report.written, report.unchanged) == (25, 2_475)
    assert Vault(scope).get(rows[100].subject) == {"email": "new@example.com", "phone": None}


def test_deleting_the_key_alone_leaves_nothing_that_can_be_read(scope: Scope) -> None:
    Vault(scope).put([person("a", "ada@example.com")])
    documents(scope)["subject_keys"].delete_one({"_id": "north/a"})
    assert Vault(scope).get("a") is None


def test_erasing_removes_the_subject_and_nobody_else(scope: Scope) -> None:
    Vault(scope).put([person("a", "ada@example.com"), person("b", "bob@example.com")])
    assert Vault(scope).erase("a") is True
    assert Vault(scope).erase("a") is False
    assert Vault(scope).get("a") is None
    assert not Vault(scope).holds("a")
    assert Vault(scope).get("b") == {"email": "bob@example.com", "phone": None}


def test_an_erased_subject_is_refused_for_ever(scope: Scope) -> None:
    Ledger(scope).add("a", "asked by letter")
    report = Vault(scope).put([person("a", "ada@example.com"), person("b", "bob@example.com")])
    assert (report.written, report.refused) == (1, 1)
    assert not Vault(scope).holds("a")


def test_a_subject_whose_key_is_lost_gets_a_new_one_with_its_next_version(scope: Scope) -> None:
    Vault(scope).put([person("a", "ada@example.com", at(1))])
    documents(scope)["subject_keys"].delete_many({})
    Vault(scope).put([person("a", "new@example.com", at(2))])
    assert Vault(scope).get("a") == {"email": "new@example.com", "phone": None}


def test_a_key_made_by_a_run_that_died_is_used_by_the_next(scope: Scope) -> None:
    Vault(scope).put([person("a", "ada@example.com")])
    key = documents(scope)["subject_keys"].find_one({"_id": "north/a"})
    documents(scope)["vault"].delete_many({})
    Vault(scope).put([person("a", "ada@example.com")])
    assert documents(scope)["subject_keys"].find_one({"_id": "north/a"}) == key
    assert Vault(scope).get("a") == {"email": "ada@example.com", "phone": None}


def test_an_entry_put_in_another_subjects_place_does_not_open(scope: Scope) -> None:
    Vault(scope).put([person("a", "ada@example.com"), person("b", "bob@example.com")])
    for name, field in (("vault", "sealed"), ("subject_keys", "wrapped")):
        kept = {one["_id"]: one[field] for one in documents(scope)[name].find()}
        documents(scope)[name].update_one({"_id": "north/a"}, {"$set": {field: kept["north/b"]}})
        with pytest.raises(Malformed):
            Vault(scope).get("a")
        documents(scope)[name].update_one({"_id": "north/a"}, {"$set": {field: kept["north/a"]}})


def test_tenants_share_no_subject(scope: Scope, neighbour: Scope) -> None:
    Vault(scope).put([person("a", "ada@example.com")])
    Ledger(scope).add("b", "asked by letter")
    assert Vault(neighbour).get("a") is None
    assert Vault(neighbour).erase("a") is False
    assert Vault(neighbour).put([person("b", "bob@example.com")]).refused == 0
    assert Vault(scope).get("a") is not None
