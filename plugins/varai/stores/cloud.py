"""A bucket in Google Cloud Storage, through obstore; generations are the versions of compare-and-swap."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

import obstore
from obstore.exceptions import AlreadyExistsError, NotFoundError, PreconditionError
from obstore.store import GCSStore

from varai.kernel import Conflict

_IN_MEMORY = 32 * 2**20


class CloudStore:
    """Objects of one bucket. Credentials are the workload's own."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    @cached_property
    def _store(self) -> GCSStore:
        return GCSStore(bucket=self._bucket)

    def read(self, key: str) -> bytes:
        """See ObjectStore."""
        try:
            return bytes(obstore.get(self._store, key).bytes())
        except NotFoundError as error:
            raise FileNotFoundError(key) from error

    def open(self, key: str) -> BinaryIO:
        """See ObjectStore."""
        try:
            return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, obstore.open_reader(self._store, key))))
        except NotFoundError as error:
            raise FileNotFoundError(key) from error

    @contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        """See ObjectStore. Spooled: what is sealed is sealed before it gets here."""
        with SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
            yield cast(BinaryIO, spool)
            spool.seek(0)
            obstore.put(self._store, key, cast(BinaryIO, spool))

    def write(self, key: str, data: bytes) -> None:
        """See ObjectStore."""
        obstore.put(self._store, key, data)

    def exists(self, key: str) -> bool:
        """See ObjectStore."""
        try:
            obstore.head(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return False
        return True

    def size(self, key: str) -> int:
        """See ObjectStore."""
        try:
            return obstore.head(self._store, key)["size"]
        except NotFoundError as error:
            raise FileNotFoundError(key) from error

    def move(self, key: str, to: str) -> None:
        """See ObjectStore."""
        obstore.rename(self._store, key, to)

    def delete(self, key: str) -> None:
        """See ObjectStore."""
        try:
            obstore.delete(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return

    def delete_prefix(self, prefix: str) -> int:
        """See ObjectStore."""
        keys = list(self.list(prefix))
        if keys:
            obstore.delete(self._store, keys)
        return len(keys)

    def list(self, prefix: str = "") -> Iterator[str]:
        """See ObjectStore. Cloud prefixes end at slashes, so the rest is matched here."""
        folder = prefix.rpartition("/")[0]
        found = [meta["path"] for page in obstore.list(self._store, prefix=folder or None) for meta in page]
        return iter(sorted(key for key in found if key.startswith(prefix)))

    def get(self, key: str) -> tuple[bytes, str] | None:
        """See ObjectStore."""
        try:
            answer = obstore.get(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return None
        return bytes(answer.bytes()), answer.meta["version"] or ""

    def swap(self, key: str, data: bytes, version: str | None) -> str:
        """See ObjectStore."""
        try:
            if version is None:
                result = obstore.put(self._store, key, data, mode="create")
            else:
                result = obstore.put(self._store, key, data, mode={"e_tag": None, "version": version})
        except (PreconditionError, AlreadyExistsError, FileExistsError) as error:
            raise Conflict(f"{key} was changed by another writer.") from error
        return result["version"] or ""

    def local(self, key: str) -> Path | None:
        """See ObjectStore: never a file of this machine."""
        del key
        return None
