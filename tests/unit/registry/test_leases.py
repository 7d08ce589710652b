"""One holder at a time; tokens only grow; whoever lost a lease can no longer write."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from pymongo.errors import AutoReconnect

from varai.kernel import Conflict, LeaseHeld, Scope, utc_now
from varai.registry import acquire, check, held, leases, release, release_held, renew, renewing, renewing_held
from varai.stores import documents
from varai.stores.documents import Documents

EXPIRED = timedelta(seconds=-1)
SOON = timedelta(seconds=30)


def _expires(scope: Scope) -> dict[str, datetime]:
    return {one["_id"]: one["expires_at"] for one in documents(scope)["leases"].find()}


def test_the_second_is_told_who_holds_it_and_since_when(scope: Scope) -> None:
    acquire(scope, "feed:a/shop", "run one")
    with pytest.raises(LeaseHeld, match=r"run one since \d{4}-\d\d-\d\d"):
        acquire(scope, "feed:a/shop", "run two")
    assert [one["holder"] for one in held(scope)] == ["run one"]


def test_an_expired_lease_is_taken_over_and_its_holder_fenced_off(scope: Scope) -> None:
    old = acquire(scope, "feed:a/shop", "dead run", EXPIRED)
    new = acquire(scope, "feed:a/shop", "run two")
    assert new.token > old.token
    check(scope, "feed:a/shop", new.token)
    with pytest.raises(Conflict):
        check(scope, "feed:a/shop", old.token)
    with pytest.raises(Conflict):
        renew(scope, old)
    release(scope, old)
    with pytest.raises(LeaseHeld):
        acquire(scope, "feed:a/shop", "run three")


def test_tokens_grow_over_release_and_retry(scope: Scope) -> None:
    tokens = []
    for _ in range(3):
        lease = acquire(scope, "feed:a/shop", "run")
        tokens.append(lease.token)
        tokens.append(acquire(scope, "feed:a/shop", "run").token)  # a retry of the same run
        release(scope, lease)
        release(scope, acquire(scope, "feed:a/shop", "run"))
    assert tokens == sorted(set(tokens))


def test_of_many_at_once_exactly_one_wins(scope: Scope) -> None:
    def take(name: str) -> bool:
        try:
            acquire(scope, "feed:a/shop", name)
        except LeaseHeld:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(take, [f"run {n}" for n in range(24)]))
    assert won.count(True) == 1


def test_all_leases_of_a_holder_are_renewed_at_once_and_nobody_elses(scope: Scope) -> None:
    for name, holder in (("feed:a/shop", "run one"), ("feed:b/shop", "run one"), ("feed:c/shop", "run two")):
        acquire(scope, name, holder, SOON)
    release(scope, acquire(scope, "feed:d/shop", "run one", SOON))
    before, now = _expires(scope), utc_now()
    with renewing_held(scope, "run one"):
        after = _expires(scope)
    assert all(after[name] > now + 2 * SOON for name in ("feed:a/shop", "feed:b/shop"))
    assert all(after[name] == before[name] for name in ("feed:c/shop", "feed:d/shop"))


def test_of_some_leases_a_holder_gives_back_its_own_and_the_tokens_stay(scope: Scope) -> None:
    """A run of another graph may hold under the same id: what is not named stays its own."""
    for name, holder in (("feed:a/shop", "run one"), ("feed:b/shop", "run two"), ("feed:c/shop", "run one")):
        acquire(scope, name, holder)
    release_held(scope, ["feed:a/shop", "feed:b/shop", "feed:never/held"], "run one")
    assert acquire(scope, "feed:a/shop", "run three").token == 2
    for name, holder in (("feed:b/shop", "run two"), ("feed:c/shop", "run one")):
        with pytest.raises(LeaseHeld, match=holder):
            acquire(scope, name, "run three")


def test_a_holder_without_leases_renews_none(scope: Scope) -> None:
    acquire(scope, "feed:a/shop", "run two", SOON)
    before = _expires(scope)
    with renewing_held(scope, "run one"):
        assert _expires(scope) == before


def test_leases_are_renewed_again_while_the_work_lasts(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that was taken after the work began."""
    monkeypatch.setattr(leases, "_RENEW_S", 0.01)
    acquire(scope, "feed:other/shop", "run two", EXPIRED)
    with renewing_held(scope, "run one"):
        acquire(scope, "feed:late/shop", "run one", EXPIRED)
        deadline = time.monotonic() + 10
        while _expires(scope)["feed:late/shop"] <= utc_now():
            assert time.monotonic() < deadline
    with pytest.raises(LeaseHeld, match="run one"):
        acquire(scope, "feed:late/shop", "run three")
    acquire(scope, "feed:other/shop", "run three")


def test_a_registry_that_does_not_answer_once_costs_no_lease(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "_RENEW_S", 0.01)
    lease = acquire(scope, "feed:a/shop", "run one", EXPIRED)
    asked: list[str] = []

    def unanswered(found: Scope) -> Documents:
        asked.append(found.region)
        if len(asked) == 1:
            raise AutoReconnect
        return documents(found)

    monkeypatch.setattr(leases, "documents", unanswered)
    with renewing(scope, lease):
        deadline = time.monotonic() + 10
        while _expires(scope)["feed:a/shop"] <= utc_now():
            assert time.monotonic() < deadline
    assert len(asked) > 1
