"""A bucket in Google Cloud Storage, through Google's own client; generations are the versions of compare-and-swap.

The client speaks the JSON API, as fake-gcs-server does: the suite of tests/unit/stores runs on the emulator too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache as memoised
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from google.api_core.exceptions import NotFound, PreconditionFailed, RetryError
from google.api_core.retry import Retry, if_exception_type
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption

from varai.kernel import Conflict, Unavailable

_IN_MEMORY = 32 * 2**20
_ABSENT = 0  # as a generation: the object must not exist
# Bytes that do not match the checksum sent with them are asked for again, which Google's client leaves to its caller.
_DAMAGED = Retry(predicate=if_exception_type(DataCorruption), initial=0.05, maximum=0.5, timeout=2.0)


@memoised
def _client(url: str, pid: int) -> storage.Client:
    # The process id is part of the key because connections must not be used across a fork (Airflow forks its tasks).
    del pid
    if not url:
        return storage.Client()
    nobody = AnonymousCredentials()  # type: ignore[no-untyped-call]  # google-auth types a part of itself
    return storage.Client(project="emulator", credentials=nobody, client_options={"api_endpoint": url.rstrip("/")})


class CloudStore:
    """Objects of one bucket. Credentials are the workload's own; an emulator at `url` is asked without any."""

    def __init__(self, bucket: str, url: str = "") -> None:
        self._name = bucket
        self._url = url

    @property
    def _bucket(self) -> Any:
        return _client(self._url, os.getpid()).bucket(self._name)

    def read(self, key: str) -> bytes:
        """See ObjectStore."""
        found = self.get(key)
        if found is None:
            raise FileNotFoundError(key)
        return found[0]

    def open(self, key: str) -> BinaryIO:
        """See ObjectStore. Parts come without a checksum: whoever reads them in sequence has the manifest's."""
        blob = self._bucket.get_blob(key)
        if blob is None:
            raise FileNotFoundError(key)
        return cast(BinaryIO, blob.open("rb"))

    @contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        """See ObjectStore. Spooled: what is sealed is sealed before it gets here."""
        with SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
            yield cast(BinaryIO, spool)
            self._bucket.blob(key).upload_from_file(spool, rewind=True)

    def write(self, key: str, data: bytes) -> None:
        """See ObjectStore."""
        self._bucket.blob(key).upload_from_string(data)

    def exists(self, key: str) -> bool:
        """See ObjectStore."""
        return bool(self._bucket.blob(key).exists())

    def size(self, key: str) -> int:
        """See ObjectStore."""
        blob = self._bucket.get_blob(key)
        if blob is None:
            raise FileNotFoundError(key)
        return int(blob.size)

    def modified_at(self, key: str) -> datetime:
        """See ObjectStore."""
        blob = self._bucket.get_blob(key)
        if blob is None:
            raise FileNotFoundError(key)
        return cast(datetime, blob.updated)

    def move(self, key: str, to: str) -> None:
        """See ObjectStore. A copy within the bucket, then a delete: a reader may see both, never neither."""
        bucket = self._bucket
        try:
            bucket.rename_blob(bucket.blob(key), to)
        except NotFound as error:
            raise FileNotFoundError(key) from error

    def delete(self, key: str) -> None:
        """See ObjectStore."""
        try:
            self._bucket.delete_blob(key)
        except NotFound:
            return

    def delete_prefix(self, prefix: str) -> int:
        """See ObjectStore."""
        keys = list(self.list(prefix))
        for key in keys:
            self.delete(key)
        return len(keys)

    def list(self, prefix: str = "") -> Iterator[str]:
        """See ObjectStore."""
        return iter(sorted(blob.name for blob in self._bucket.list_blobs(prefix=prefix or None)))

    def get(self, key: str) -> tuple[bytes, str] | None:
        """See ObjectStore. Bytes and version come in one answer, so that they belong together. Raises Unavailable."""
        try:
            return _DAMAGED(self._download)(key)
        except NotFound:
            return None
        except RetryError:
            # Not chained: it names the address.
            raise Unavailable("The bucket gives bytes that do not match their checksum.") from None

    def _download(self, key: str) -> tuple[bytes, str]:
        blob = self._bucket.blob(key)
        return bytes(blob.download_as_bytes()), str(blob.generation)

    def swap(self, key: str, data: bytes, version: str | None) -> str:
        """See ObjectStore."""
        blob = self._bucket.blob(key)
        try:
            blob.upload_from_string(data, if_generation_match=_ABSENT if version is None else int(version))
        except (PreconditionFailed, NotFound) as error:
            raise Conflict(f"{key} was changed by another writer.") from error
        return str(blob.generation)

    def local(self, key: str) -> Path | None:
        """See ObjectStore: never a file of this machine."""
        del key
        return None
