"""A region always has a next key and one that signs; rotation moves each one step; private parts are secrets."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from varai.kernel import Conflict, Misconfigured, Scope
from varai.registry.signing import OVERLAP, TOKEN_LIFE, Ring, read_ring, rotate
from varai.settings import FolderSecrets, Settings
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


def _secrets(home: Path) -> set[str]:
    return {path.name for path in (home / "secrets").glob("eu-signing-*")}


def _named(ring: Ring) -> set[str]:
    return {f"eu-signing-{key.kid}" for key in ring.keys}


def test_the_private_part_of_a_dropped_key_is_deleted_and_no_other(scope: Scope, home: Path) -> None:
    other = "eu-signing-key-of-somebody-else"
    scope.secrets.write(other, "kept")
    ring = read_ring(scope)
    for step in range(5):
        assert _secrets(home) == _named(ring) | {other}
        ring = rotate(scope, now=NOW + step * OVERLAP * 0.4)
    assert len(ring.keys) == 5  # one to come, one in use, three whose overlap lasts
    assert _named(rotate(scope, now=NOW + 10 * OVERLAP)) | {other} == _secrets(home)


def test_what_a_rotation_that_died_left_is_deleted_by_the_next(
    scope: Scope, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = f"eu-signing-{read_ring(scope).current.kid}"
    rotate(scope, now=NOW)
    with monkeypatch.context() as patch:
        patch.setattr(FolderSecrets, "delete", _killed)
        with pytest.raises(KeyboardInterrupt):
            rotate(scope, now=NOW + OVERLAP)
    assert first in _secrets(home)
    assert first not in _named(read_ring(scope))
    assert _named(rotate(scope, now=NOW + OVERLAP)) == _secrets(home)


def test_those_who_lose_a_race_leave_no_private_part(scope: Scope, home: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: read_ring(scope), range(4)))
        assert _secrets(home) == _named(read_ring(scope))
        tried = list(pool.map(lambda _: _rotated(scope), range(4)))
    assert any(tried)
    assert _secrets(home) == _named(read_ring(scope))


def test_a_key_dropped_while_the_ring_is_read_is_no_error(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    read_ring(scope)
    rotate(scope, now=NOW)
    read = FolderSecrets.read

    def rotated_meanwhile(secrets: FolderSecrets, name: str) -> str:
        monkeypatch.setattr(FolderSecrets, "read", read)
        rotate(scope, now=NOW + OVERLAP)
        return read(secrets, name)

    monkeypatch.setattr(FolderSecrets, "read", rotated_meanwhile)
    seen = read_ring(scope)
    assert [key.kid for key in seen.keys] == [key.kid for key in read_ring(scope).keys]


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def _rotated(scope: Scope) -> bool:
    try:
        rotate(scope, now=NOW)
    except Conflict:
        return False
    return True


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
