"""Prove and mend one feed after another; what was found is kept for those who ask how far a feed is in sync."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog

from varai.kernel import FeedKey, Scope, VaraiError, utc_now
from varai.registry import Comparison, StreamKey, compared_at, keep_comparison
from varai.registry.comparisons import WHOLE
from varai.river.proof.mend import Mended, mend_feed
from varai.river.proof.prove import prove_feed
from varai.river.proof.words import FeedProof, StreamProof
from varai.settings import Settings

log = structlog.get_logger(__name__)
NIGHTS: Final = 7
"""Within so many nights every feed has its turn."""


@dataclass(frozen=True, slots=True)
class Proven:
    """Proofs of the feeds that could be compared, and for each other feed the sentence that says why it could not."""

    found: list[FeedProof] = field(default_factory=list)
    mended: list[Mended] = field(default_factory=list)
    failures: dict[FeedKey, str] = field(default_factory=dict)

    @property
    def differences(self) -> list[str]:
        """A sentence per row, stream or feed that is not in agreement, naming it."""
        rows = [sentence for one in self.found for sentence in one.sentences]
        return rows + [f"{key}: could not be compared: {why}" for key, why in self.failures.items()]


def prove_feeds(
    settings: Settings, region: str, keys: Iterable[FeedKey], *, holder: str, patience_s: float = 0.0
) -> Proven:
    """Compare every row of one feed after another; one that cannot be compared does not stop the others."""
    done = Proven()
    for key in keys:
        try:
            done.found.append(
                _kept(settings, region, prove_feed(settings, region, key, holder=holder, patience_s=patience_s))
            )
        except VaraiError as error:
            done.failures[key] = _failed(settings, "feed.not_proven", region, key, error)
    return done


def mend_feeds(
    settings: Settings,
    region: str,
    keys: Iterable[FeedKey],
    *,
    reason: str,
    actor: str,
    holder: str,
    patience_s: float = 0.0,
) -> Proven:
    """Mend one feed after another; `found` has the proofs that ended it."""
    done = Proven()
    for key in keys:
        try:
            one = mend_feed(settings, region, key, reason=reason, actor=actor, holder=holder, patience_s=patience_s)
        except VaraiError as error:
            done.failures[key] = _failed(settings, "feed.not_mended", region, key, error)
            continue
        done.mended.append(one)
        done.found.append(_kept(settings, region, one.after))
    return done


def due(scope: Scope, keys: Sequence[FeedKey]) -> list[FeedKey]:
    """The share of feeds whose turn it is tonight: a seventh of them, those that were compared longest ago, so that each is weekly."""
    last = compared_at(scope, "rows")
    ordered = sorted(keys, key=lambda key: (key in last, last.get(key), key))
    return ordered[: -(-len(keys) // NIGHTS)]


def _failed(settings: Settings, event: str, region: str, key: FeedKey, error: VaraiError) -> str:
    """Keep that the feed had its turn, or it would have that of the others too."""
    log.warning(event, region=region, tenant=key.tenant, feed=key.feed, kind=error.kind, what=error.what)
    found = Comparison(kind="rows", at=utc_now(), differences=1, sentences=(f"could not be compared: {error}",))
    keep_comparison(settings.scope(region, key.tenant), StreamKey(key.tenant, key.feed, WHOLE), found)
    return str(error)


def _kept(settings: Settings, region: str, proof: FeedProof) -> FeedProof:
    scope = settings.scope(region, proof.tenant)
    for one in proof.streams:
        found = Comparison(
            kind="rows",
            at=proof.at,
            differences=one.count + bool(one.failure),
            sentences=tuple([one.failure] if one.failure else [])
            + tuple(f"{found.key}: {found.what}" for found in one.differences[:5]),
            oldest_at=_oldest(one),
        )
        keep_comparison(scope, StreamKey(proof.tenant, proof.feed, one.stream), found)
    return proof


def _oldest(proof: StreamProof) -> datetime | None:
    """The oldest change of the vendor's that is not here."""
    late = [
        found.changed_at
        for found in proof.differences
        if found.changed_at is not None and {"landing", "known"} & found.wrong.keys()
    ]
    return min(late, default=None)
