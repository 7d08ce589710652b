"""A region always has a next key and one that signs; rotation moves each one step; private parts are secrets."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from varai.kernel import Misconfigured, Scope
from varai.registry.signing import OVERLAP, TOKEN_LIFE, read_ring, rotate
from varai.settings import Settings
from varai.stores import documents

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)


def test_a_region_begins_with_a_current_and_a_next_key(scope: Scope) -> None:
    ring = read_ring(scope)
    assert [key.signs_from is None for key in ring.keys] == [True, False]
    assert ring.current.kid == ring.keys[1].kid
    assert [key.kid for key in read_ring(scope).keys] == [key.kid for key in ring.keys]


def test_all_who_begin_at_once_have_the_same_keys(scope: Scope) -> None:
    with ThreadPoolExecutor(4) as pool:
        rings = list(pool.map(lambda _: read_ring(scope), range(4)))
    assert len({tuple(key.kid for key in ring.keys) for ring in rings}) == 1


def test_rotation_moves_every_key_one_step(scope: Scope) -> None:
    before = read_ring(scope)
    after = rotate(scope, now=NOW)
    assert after.current.kid == before.keys[0].kid
    assert [key.ends_at for key in after.keys] == [None, None, NOW + OVERLAP]
    assert set(after.verifying(NOW)) == {key.kid for key in after.keys}
    assert before.current.kid not in after.verifying(NOW + OVERLAP)


def test_a_key_whose_overlap_has_ended_is_dropped(scope: Scope) -> None:
    first = read_ring(scope).current.kid
    rotate(scope, now=NOW)
    soon, late = rotate(scope, now=NOW + OVERLAP / 2), rotate(scope, now=NOW + OVERLAP)
    assert first in {key.kid for key in soon.keys}
    assert first not in {key.kid for key in late.keys}


def test_an_overlap_shorter_than_tokens_live_is_refused(scope: Scope) -> None:
    with pytest.raises(Misconfigured, match="shorter than tokens live"):
        rotate(scope, overlap=TOKEN_LIFE - timedelta(seconds=1))


def test_private_parts_are_secrets_of_the_region_alone(settings: Settings, scope: Scope, home: Path) -> None:
    eu, us = read_ring(scope), read_ring(settings.scope("us"))
    assert not {key.kid for key in eu.keys} & {key.kid for key in us.keys}
    kept = str(list(documents(scope)["signing"].find()))
    for key in eu.keys:
        private = key.key.as_dict(private=True)["d"]
        assert private not in kept
        assert private in (home / "secrets" / f"eu-signing-{key.kid}").read_text()
    assert "'d'" not in str(eu.public(NOW))


def test_a_lost_key_is_a_sentence(scope: Scope, home: Path) -> None:
    kid = read_ring(scope).current.kid
    (home / "secrets" / f"eu-signing-{kid}").unlink()
    with pytest.raises(Misconfigured, match=f"eu-signing-{kid}"):
        read_ring(scope)
