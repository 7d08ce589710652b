"""The kinds of faults that the simulated Shopify knows (see `sandbox.vendors.faults`), and the routes they strike."""

from __future__ import annotations

from collections.abc import Mapping

_ANY = frozenset({"graphql", "token", "bulk"})
KINDS: Mapping[str, frozenset[str]] = {
    "429": _ANY,
    "5xx": _ANY,
    "cut": frozenset({"graphql", "bulk"}),
    "slow": frozenset({"graphql", "bulk"}),
    "truncated_json": frozenset({"graphql"}),
    "wrong_content_type": frozenset({"graphql"}),
    "expired_token": frozenset({"graphql"}),
    "revoked_token": frozenset({"graphql", "token"}),
    "throttled": frozenset({"graphql"}),
    "wrong_count": frozenset({"graphql"}),
    "duplicate_page": frozenset({"graphql"}),
    "missing_page": frozenset({"graphql"}),
    "slow_bulk": frozenset({"graphql"}),
    "stuck_bulk": frozenset({"graphql"}),
    "failed_bulk": frozenset({"graphql"}),
    "wrong_version": frozenset({"graphql"}),
    "clock_skew": _ANY,
}
