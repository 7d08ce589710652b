"""What a folder alone can do wrong: run full, and be left through a key."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from varai.kernel import DiskFull, Misconfigured
from varai.stores.folder import FolderStore


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def test_a_full_disk_is_a_sentence_and_leaves_nothing_half_written(store: FolderStore) -> None:
    with pytest.raises(DiskFull), store.create("a.bin"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert list(store.list()) == []


@pytest.mark.parametrize("key", ["/etc/passwd", "../x", "a/../../x", "", "a/./../b"])
def test_keys_cannot_leave_the_bucket(store: FolderStore, key: str) -> None:
    with pytest.raises(Misconfigured):
        store.write(key, b"")
