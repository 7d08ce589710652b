"""A client has its newest secret and, for a while, the one before; only hashes are kept; refusals look and cost alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher

from varai.kernel import Misconfigured, Scope
from varai.privacy import audit
from varai.registry import seed
from varai.registry.accounts import OVERLAP, issue_secret, verify_client
from varai.settings import Settings
from varai.stores import documents

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _seeded(settings: Settings, scope: Scope) -> None:
    seed(scope, settings.seeds)


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hashes that secrets were verified against, in order."""
    seen: list[str] = []
    really = PasswordHasher.verify

    def watched(self: PasswordHasher, known: str, secret: str) -> bool:
        seen.append(known)
        return bool(really(self, known, secret))

    monkeypatch.setattr(PasswordHasher, "verify", watched)
    return seen


def test_a_secret_opens_its_own_tenant(scope: Scope) -> None:
    issued = issue_secret(scope, now=NOW)
    client = verify_client(scope, issued.client_id, issued.client_secret, now=NOW)
    assert client is not None
    assert (client.tenant, client.client_id) == ("northwind-eu", "northwind-eu.api")
    assert issued.previous_until is None


def test_the_one_before_is_good_until_its_overlap_ends(scope: Scope) -> None:
    old = issue_secret(scope, now=NOW)
    new = issue_secret(scope, now=NOW)
    assert new.previous_until == NOW + OVERLAP
    for secret, at, good in [
        (old, NOW + OVERLAP - timedelta(seconds=1), True),
        (old, NOW + OVERLAP, False),
        (new, NOW + OVERLAP * 100, True),
    ]:
        found = verify_client(scope, secret.client_id, secret.client_secret, now=at)
        assert (found is not None) is good


def test_a_client_has_two_secrets_at_most(scope: Scope) -> None:
    issued = [issue_secret(scope, now=NOW) for _ in range(3)]
    good = [verify_client(scope, one.client_id, one.client_secret, now=NOW) is not None for one in issued]
    assert good == [False, True, True]


def test_an_end_that_was_set_is_not_put_off(scope: Scope) -> None:
    old = issue_secret(scope, now=NOW)
    issue_secret(scope, now=NOW)
    issue_secret(scope, now=NOW + OVERLAP / 2)
    assert verify_client(scope, old.client_id, old.client_secret, now=NOW + OVERLAP) is None


def test_nothing_but_hashes_is_kept(scope: Scope) -> None:
    issued = issue_secret(scope, now=NOW)
    kept = str(list(documents(scope)["clients"].find())) + str(list(documents(scope)["audit"].find()))
    assert "$argon2id$" in kept
    assert issued.client_secret not in kept
    assert issued.client_secret not in repr(issued)


def test_every_refusal_costs_what_a_success_costs(scope: Scope, verified: list[str]) -> None:
    issued = issue_secret(scope, now=NOW)
    costs = {}
    for name, client_id, secret in [
        ("good", issued.client_id, issued.client_secret),
        ("wrong secret", issued.client_id, "wrong"),
        ("unknown client", "nobody.api", issued.client_secret),
    ]:
        verified.clear()
        assert (verify_client(scope, client_id, secret, now=NOW) is not None) is (name == "good")
        costs[name] = len(verified)
    assert set(costs.values()) == {2}, costs


def test_a_very_long_secret_is_refused(scope: Scope) -> None:
    issued = issue_secret(scope, now=NOW)
    assert verify_client(scope, issued.client_id, issued.client_secret + "x" * 1000, now=NOW) is None


def test_an_unknown_tenant_gets_no_client(settings: Settings) -> None:
    with pytest.raises(Misconfigured, match="northwind-eu"):
        issue_secret(settings.scope("eu", "nobody"))
    with pytest.raises(Misconfigured):
        issue_secret(settings.scope("eu"))


def test_issuing_is_audited(scope: Scope) -> None:
    issue_secret(scope, actor="an operator")
    entry = documents(scope)["audit"].find_one({"action": "client.secret.issued"})
    assert entry is not None
    assert (entry["actor"], entry["subject"]) == ("an operator", "northwind-eu.api")
    assert audit.Entry(**{key: value for key, value in entry.items() if key != "_id"}).reason
