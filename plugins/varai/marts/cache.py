"""A folder of verified copies of published files, bounded in bytes, the least recently used going first.

Each tenant has a folder of its own in it. Files are named by their SHA-256, so snapshots share what did not change, and
processes may share a folder: a file appears whole by a rename, and whoever has it open keeps it though it is evicted.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from varai.kernel import Malformed

_CHUNK = 2**20
_ENDING = ".parquet"
_ABANDONED_S = 3600
"""A copy that was not written to for this long has nobody who writes it."""


@dataclass(frozen=True, slots=True)
class FileCache:
    """Files of at most `limit` bytes in all tenants' folders together, apart from the one asked for last."""

    folder: Path
    limit: int

    def open(self, tenant: str, sha256: str, fetch: Callable[[], BinaryIO]) -> BinaryIO:
        """Open the tenant's file with this SHA-256, fetching it when it is not here.

        Raises:
            Malformed: what was fetched has another SHA-256. FileNotFoundError: what `fetch` raises.
        """
        path = self.folder / tenant / f"{sha256}{_ENDING}"
        with contextlib.suppress(FileNotFoundError):
            file = path.open("rb")
            os.utime(path)  # recently used
            return file
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = path.with_name(f".{uuid.uuid4().hex}")
        try:
            self._copy(fetch, staged, sha256)
            file = staged.open("rb")
            staged.replace(path)
        finally:
            staged.unlink(missing_ok=True)
        self._evict(keep=path)
        return file

    def keep(self, tenant: str, sha256s: Collection[str]) -> None:
        """Drop the tenant's files that have none of these SHA-256s, and what processes that died left half copied."""
        for path in (self.folder / tenant).glob(f"*{_ENDING}"):
            if path.stem not in sha256s:
                path.unlink(missing_ok=True)
        for path in (self.folder / tenant).glob(".*"):
            with contextlib.suppress(FileNotFoundError):  # whoever copied it was done meanwhile
                if time.time() - path.stat().st_mtime > _ABANDONED_S:
                    path.unlink()

    def _copy(self, fetch: Callable[[], BinaryIO], staged: Path, sha256: str) -> None:
        digest = hashlib.sha256()
        with fetch() as source, staged.open("wb") as target:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                target.write(chunk)
        if digest.hexdigest() != sha256:
            raise Malformed(
                "A published file is not what its manifest says.",
                "Delete the tenant's current.json, then run `varai transform`.",
            )

    def _evict(self, keep: Path) -> None:
        found = []
        for path in self.folder.rglob(f"*{_ENDING}"):
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                stat = path.stat()
                found.append((stat.st_mtime_ns, stat.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self.limit:
                return
            if path != keep:
                path.unlink(missing_ok=True)
                total -= size
