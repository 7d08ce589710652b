"""One holder at a time; tokens only grow; whoever lost a lease can no longer write."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from varai.kernel import Conflict, LeaseHeld, Scope
from varai.registry import acquire, check, held, release, renew

EXPIRED = timedelta(seconds=-1)


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
