"""Laws of sealed objects: they come back whole or not at all, only from their own place with their tenant's key."""

from __future__ import annotations

import errno
import io
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from varai.kernel import DiskFull, Malformed, Misconfigured, Scope
from varai.privacy import create_object, memory_file, move_object, open_object, seal_bytes, unseal_bytes
from varai.privacy.keys import pseudonym_key, sealing_key
from varai.settings import FolderSecrets
from varai.stores import objects

KEY = "landing/north/shop/customers/1.ndjson.zst.sealed"
SECRET = b"alice@example.com "
ScopeOf = Callable[..., Scope]


def put(scope: Scope, key: str, data: bytes) -> None:
    with create_object(scope, key) as file:
        file.write(data)


def get(scope: Scope, key: str) -> bytes:
    with open_object(scope, key) as file:
        return file.read()


@pytest.mark.parametrize("size", [0, 1, 100, 2**20 - 200, 2**20, 3 * 2**20 + 7])
def test_what_is_sealed_comes_back_whole_and_is_not_readable_at_rest(scope_of: ScopeOf, size: int) -> None:
    scope = scope_of()
    data = (SECRET * (size // len(SECRET) + 1))[:size]
    put(scope, KEY, data)
    assert get(scope, KEY) == data
    assert SECRET not in objects(scope).read(KEY)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_sealed_object_that_was_altered_or_cut_anywhere_never_reads_as_whole(
    scope_of: ScopeOf, data: st.DataObject
) -> None:
    scope = scope_of()
    plain = os.urandom(1_200_000)
    put(scope, KEY, plain)
    sealed = bytearray(objects(scope).read(KEY))
    place = data.draw(st.one_of(st.integers(0, 200), st.integers(0, len(sealed) - 1)))
    if data.draw(st.booleans()):
        sealed[place] ^= data.draw(st.integers(1, 255))
    else:
        del sealed[place:]
    objects(scope).write(KEY, bytes(sealed))
    read = bytearray()
    with pytest.raises(Malformed), open_object(scope, KEY) as file:
        while chunk := file.read(100_000):
            read += chunk
    assert plain.startswith(read), "only authenticated plaintext is given out before the error"


def test_an_object_longer_than_it_was_written_is_refused(scope_of: ScopeOf) -> None:
    scope = scope_of()
    put(scope, KEY, b"x" * 1000)
    objects(scope).write(KEY, objects(scope).read(KEY) + b"more")
    with pytest.raises(Malformed):
        get(scope, KEY)


@pytest.mark.parametrize("elsewhere", [KEY.replace("/1.", "/2."), KEY.replace("north", "south")])
def test_an_object_moved_behind_our_back_does_not_open(scope_of: ScopeOf, elsewhere: str) -> None:
    scope = scope_of(None)
    put(scope, KEY, b"rows")
    objects(scope).move(KEY, elsewhere)
    with pytest.raises(Malformed, match="moved here"):
        get(scope, elsewhere)


def test_renaming_binds_the_object_to_its_new_key_and_leaves_no_old_one(scope_of: ScopeOf) -> None:
    scope = scope_of()
    other = KEY.replace("/1.", "/2.")
    put(scope, KEY, b"rows" * 500_000)
    move_object(scope, KEY, other)
    assert get(scope, other) == b"rows" * 500_000
    assert list(objects(scope).list()) == [other]


def test_renaming_never_changes_between_sealed_and_open(scope_of: ScopeOf) -> None:
    scope = scope_of()
    put(scope, KEY, b"rows")
    with pytest.raises(Malformed):
        move_object(scope, KEY, KEY.removesuffix(".sealed"))
    assert get(scope, KEY) == b"rows"


def test_a_scope_of_one_tenant_neither_opens_nor_makes_objects_of_another(scope_of: ScopeOf) -> None:
    put(scope_of("north"), KEY, b"rows")
    with pytest.raises(Misconfigured, match="south"):
        open_object(scope_of("south"), KEY)
    with pytest.raises(Misconfigured, match="north"):
        put(scope_of("south"), KEY, b"rows")


def test_the_scope_of_a_region_opens_each_tenants_objects_by_their_path(scope_of: ScopeOf) -> None:
    put(scope_of("north"), KEY, b"north's")
    put(scope_of("south"), KEY.replace("north", "south"), b"south's")
    assert get(scope_of(None), KEY) == b"north's"
    assert get(scope_of(None), KEY.replace("north", "south")) == b"south's"


def test_nothing_appears_when_the_writer_fails_midway(scope_of: ScopeOf) -> None:
    scope = scope_of()
    with pytest.raises(ZeroDivisionError), create_object(scope, KEY) as file:
        file.write(b"x" * 3_000_000)
        raise ZeroDivisionError
    assert not objects(scope).exists(KEY)


def test_a_full_disk_below_the_cipher_is_told_as_a_full_disk(
    scope_of: ScopeOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = scope_of()

    class Full(io.FileIO):
        """A disk with room for the first two megabytes."""

        def write(self, data: bytes) -> int:
            if self.tell() > 2_000_000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)

    kept: Callable[..., io.IOBase] = Path.open

    def no_space(self: Path, mode: str = "r", *args: object, **kwargs: object) -> io.IOBase:
        return Full(self, "wb") if mode == "wb" else kept(self, mode, *args, **kwargs)

    put(scope, KEY, b"before")
    monkeypatch.setattr(Path, "open", no_space)
    with pytest.raises(DiskFull), create_object(scope, KEY) as file:
        file.write(os.urandom(5_000_000))
    monkeypatch.undo()
    assert get(scope, KEY) == b"before"


def test_parquet_is_written_sealed_and_read_from_memory_alone(scope_of: ScopeOf) -> None:
    scope = scope_of()
    key = "canonical/north/customer/1.parquet.sealed"
    with create_object(scope, key) as file:
        pq.write_table(pa.table({"n": range(1000)}), file)
    with open_object(scope, key) as plain, memory_file(plain) as path:
        assert duckdb.sql(f"SELECT sum(n) FROM read_parquet('{path}')").fetchone() == (499_500,)
        assert path.startswith("/proc/self/fd/")


def test_keys_without_the_ending_are_plain(scope_of: ScopeOf) -> None:
    scope = scope_of()
    put(scope, "landing/north/shop/products/1.ndjson.zst", b"public")
    assert objects(scope).read("landing/north/shop/products/1.ndjson.zst") == b"public"
    assert get(scope, "landing/north/shop/products/1.ndjson.zst") == b"public"


def test_a_sealed_value_is_bound_to_its_name_and_tenant(scope_of: ScopeOf) -> None:
    sealed = seal_bytes(scope_of("north"), "tokens/north/shop", b"token")
    assert unseal_bytes(scope_of("north"), "tokens/north/shop", sealed) == b"token"
    for scope, name in ((scope_of("north"), "tokens/north/other"), (scope_of("south"), "tokens/north/shop")):
        with pytest.raises(Malformed):
            unseal_bytes(scope, name, sealed)


def _make_keys(scope_folder: Path, barrier: object, answers: object) -> None:
    scope = Scope("eu", "north", "commerce", "", "", "", "", "", FolderSecrets(scope_folder))
    barrier.wait()
    sealed = sealing_key(scope, "north").encrypt(b"mine", b"")
    answers.put((sealed, pseudonym_key(scope, "north")))


def test_processes_that_make_a_tenants_keys_at_once_agree(scope_of: ScopeOf, tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    barrier, answers = fork.Barrier(4), fork.Queue()
    workers = [fork.Process(target=_make_keys, args=(tmp_path / "secrets", barrier, answers)) for _ in range(4)]
    for worker in workers:
        worker.start()
    made = [answers.get(timeout=20) for _ in workers]
    for worker in workers:
        worker.join()
    key = sealing_key(scope_of(), "north")
    assert [key.decrypt(sealed, b"") for sealed, _ in made] == [b"mine"] * 4
    assert len({pseudonyms for _, pseudonyms in made}) == 1
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "secrets").iterdir())
    assert len(list((tmp_path / "secrets").iterdir())) == 2, "nothing staged is left"
