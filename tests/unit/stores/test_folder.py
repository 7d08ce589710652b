"""Objects appear whole or not at all, and compare-and-swap lets exactly one writer win."""

from __future__ import annotations

import errno
import multiprocessing
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varai.kernel import Conflict, DiskFull, Misconfigured
from varai.stores.folder import FolderStore


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def test_a_failed_write_leaves_what_was_there(store: FolderStore) -> None:
    store.write("a/b.json", b"old")
    with pytest.raises(RuntimeError), store.create("a/b.json") as file:
        file.write(b"half")
        raise RuntimeError
    assert store.read("a/b.json") == b"old"
    assert list(store.list()) == ["a/b.json"]


def test_a_full_disk_is_a_sentence_and_leaves_nothing_half_written(store: FolderStore) -> None:
    with pytest.raises(DiskFull), store.create("a.bin"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert list(store.list()) == []


def test_swap_needs_the_version_that_is_there(store: FolderStore) -> None:
    first = store.swap("k", b"1", None)
    with pytest.raises(Conflict):
        store.swap("k", b"2", None)
    second = store.swap("k", b"2", first)
    with pytest.raises(Conflict):
        store.swap("k", b"3", first)
    assert store.get("k") == (b"2", second)


def _count(root: str, times: int) -> None:
    store = FolderStore(Path(root))
    done = 0
    while done < times:
        found = store.get("counter")
        value, version = (int(found[0]), found[1]) if found else (0, None)
        try:
            store.swap("counter", str(value + 1).encode(), version)
            done += 1
        except Conflict:
            continue


def test_no_increment_is_lost_between_processes(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_count, args=(str(tmp_path), 25)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert FolderStore(tmp_path).read("counter") == b"75"


@pytest.mark.parametrize("key", ["/etc/passwd", "../x", "a/../../x", "", "a/./../b"])
def test_keys_cannot_leave_the_bucket(store: FolderStore, key: str) -> None:
    with pytest.raises(Misconfigured):
        store.write(key, b"")


@given(
    st.sets(st.from_regex(r"[a-c]{1,2}/[a-c]{1,2}(/[a-c]{1,2})?\.x", fullmatch=True), max_size=8),
    st.sampled_from(["", "a", "a/", "b/c", "c/a/"]),
)
def test_listing_is_the_sorted_keys_with_the_prefix(
    tmp_path_factory: pytest.TempPathFactory, keys: set[str], prefix: str
) -> None:
    store = FolderStore(tmp_path_factory.mktemp("bucket"))
    for key in keys:
        store.write(key, b"")
    assert list(store.list(prefix)) == sorted(key for key in keys if key.startswith(prefix))
    assert store.delete_prefix(prefix) == len([key for key in keys if key.startswith(prefix)])
    assert list(store.list(prefix)) == []


def test_a_missing_object_is_told_as_missing(store: FolderStore) -> None:
    assert store.get("none") is None
    assert not store.exists("none")
    store.delete("none")
    with pytest.raises(FileNotFoundError):
        store.read("none")
