"""Laws of the audit chain: it never forks, and a change behind its back is seen at the first entry that misfits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from varai.kernel import Malformed, Scope
from varai.privacy import audit
from varai.stores import documents


def test_entries_of_many_writers_make_one_chain(scope: Scope) -> None:
    with ThreadPoolExecutor(4) as writers:
        made = list(writers.map(lambda n: audit.append(scope, "act", f"subject-{n}", "why"), range(24)))
    assert sorted(entry.number for entry in made) == list(range(1, 25))
    assert audit.verify(scope) is None
    found = audit.entries(scope)
    assert [one.previous for one in found[:-1]] == [one.hash for one in found[1:]]


@pytest.mark.parametrize("field", ["reason", "subject", "action", "actor", "at", "hash", "previous"])
def test_an_altered_entry_is_found(scope: Scope, field: str) -> None:
    entries = [audit.append(scope, "act", None, f"why {n}") for n in range(4)]
    changed = entries[0].at.replace(year=2000) if field == "at" else "f" * 64
    documents(scope)["audit"].update_one({"number": 2}, {"$set": {field: changed}})
    broken = audit.verify(scope)
    assert broken is not None
    assert broken.number == 2


def test_an_entry_forged_with_a_true_hash_of_its_own_does_not_fit_the_next(scope: Scope) -> None:
    entries = [audit.append(scope, "act", None, f"why {n}") for n in range(4)]
    forged = entries[1].model_copy(update={"reason": "another"})
    documents(scope)["audit"].update_one({"number": 2}, {"$set": {"reason": "another", "hash": forged.digest()}})
    broken = audit.verify(scope)
    assert broken is not None
    assert broken.number == 3


@pytest.mark.parametrize(("removed", "first"), [(1, 1), (2, 2), (4, 4)])
def test_a_removed_entry_is_found_even_at_the_end(scope: Scope, removed: int, first: int) -> None:
    for n in range(4):
        audit.append(scope, "act", None, f"why {n}")
    documents(scope)["audit"].delete_one({"number": removed})
    broken = audit.verify(scope)
    assert broken is not None
    assert broken.number == first


def test_a_writer_that_died_before_moving_the_head_breaks_nothing(scope: Scope) -> None:
    for n in range(3):
        audit.append(scope, "act", None, f"why {n}")
    head = audit.entries(scope)[-1]
    documents(scope)["audit_heads"].update_one({"_id": "north"}, {"$set": {"number": 1, "hash": head.hash}})
    assert audit.append(scope, "act", None, "after").number == 4
    assert audit.verify(scope) is None


def test_tenants_have_chains_of_their_own(scope: Scope, neighbour: Scope) -> None:
    audit.append(scope, "act", None, "why")
    assert audit.append(neighbour, "act", None, "why").number == 1
    assert audit.entries(neighbour)[0].chain == "south"


def test_an_entry_needs_a_reason(scope: Scope) -> None:
    with pytest.raises(Malformed):
        audit.append(scope, "act", None, "  ")
