"""A bucket that is a folder. Writes go to a temporary name beside the target, are synced, then renamed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from varai.kernel import Conflict, DiskFull, Misconfigured

_STAGED = ".staged-"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def _full_disk_as_sentence(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(f"No space is left under {root}; nothing half-written was kept.") from error
        raise


@dataclass(frozen=True, slots=True)
class FolderStore:
    """Objects as files under `root`."""

    root: Path

    def _path(self, key: str) -> Path:
        parts = PurePosixPath(key).parts
        if not parts or key.startswith("/") or any(part in ("..", ".") for part in parts):
            raise Misconfigured(f"'{key}' is not a key of an object.", "Use relative keys without dots.")
        return self.root.joinpath(*parts)

    def read(self, key: str) -> bytes:
        """See ObjectStore."""
        return self._path(key).read_bytes()

    def open(self, key: str) -> BinaryIO:
        """See ObjectStore."""
        return self._path(key).open("rb")

    @contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        """See ObjectStore."""
        target = self._path(key)
        staged = target.with_name(f"{_STAGED}{uuid.uuid4().hex}")
        try:
            with _full_disk_as_sentence(self.root):
                target.parent.mkdir(parents=True, exist_ok=True)
                with staged.open("wb") as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                staged.replace(target)
                _sync_folder(target.parent)
        finally:
            with contextlib.suppress(FileNotFoundError):
                staged.unlink()

    def write(self, key: str, data: bytes) -> None:
        """See ObjectStore."""
        with self.create(key) as file:
            file.write(data)

    def exists(self, key: str) -> bool:
        """See ObjectStore."""
        return self._path(key).is_file()

    def size(self, key: str) -> int:
        """See ObjectStore."""
        return self._path(key).stat().st_size

    def modified_at(self, key: str) -> datetime:
        """See ObjectStore."""
        return datetime.fromtimestamp(self._path(key).stat().st_mtime, UTC)

    def move(self, key: str, to: str) -> None:
        """See ObjectStore."""
        target = self._path(to)
        target.parent.mkdir(parents=True, exist_ok=True)
        self._path(key).replace(target)
        _sync_folder(target.parent)

    def delete(self, key: str) -> None:
        """See ObjectStore."""
        self._path(key).unlink(missing_ok=True)

    def delete_prefix(self, prefix: str) -> int:
        """See ObjectStore."""
        keys = list(self.list(prefix))
        for key in keys:
            self.delete(key)
        return len(keys)

    def list(self, prefix: str = "") -> Iterator[str]:
        """See ObjectStore."""
        folder = self.root / prefix.rpartition("/")[0]
        found = []
        for path in folder.rglob("*"):
            key = path.relative_to(self.root).as_posix()
            if key.startswith(prefix) and not path.name.startswith(".") and path.is_file():
                found.append(key)
        return iter(sorted(found))

    def get(self, key: str) -> tuple[bytes, str] | None:
        """See ObjectStore."""
        try:
            data = self._path(key).read_bytes()
        except FileNotFoundError:
            return None
        return data, _version(data)

    def swap(self, key: str, data: bytes, version: str | None) -> str:
        """See ObjectStore. Versions are hashes of content; an advisory lock beside the object makes read and rename one step."""
        path = self._path(key)
        with _full_disk_as_sentence(self.root):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.with_name(f".lock-{path.name}").open("ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                found = self.get(key)
                if (found[1] if found else None) != version:
                    raise Conflict(f"{key} was changed by another writer.")
                self.write(key, data)
        return _version(data)

    def local(self, key: str) -> Path | None:
        """See ObjectStore."""
        return self._path(key)


def _version(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
