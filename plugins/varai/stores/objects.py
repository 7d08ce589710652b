"""The region's bucket: whole-or-nothing objects and compare-and-swap, in a folder or in Cloud Storage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from varai.kernel import Misconfigured, Scope


class ObjectStore(Protocol):
    """Objects by key. A missing key raises FileNotFoundError; a full disk raises DiskFull."""

    def read(self, key: str) -> bytes:
        """The whole object."""
        ...

    def open(self, key: str) -> BinaryIO:
        """A stream over the object, to be closed by the caller."""
        ...

    def create(self, key: str) -> AbstractContextManager[BinaryIO]:
        """A stream to write to; the object appears whole at exit, and not at all after an error."""
        ...

    def write(self, key: str, data: bytes) -> None:
        """Create or replace an object."""
        ...

    def exists(self, key: str) -> bool:
        """Whether the object is there."""
        ...

    def size(self, key: str) -> int:
        """Bytes of the object."""
        ...

    def modified_at(self, key: str) -> datetime:
        """When the object was written last, UTC."""
        ...

    def move(self, key: str, to: str) -> None:
        """Rename an object, replacing what was there."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; no error when it is absent."""
        ...

    def delete_prefix(self, prefix: str) -> int:
        """Remove every object whose key starts with `prefix`; returns how many."""
        ...

    def list(self, prefix: str = "") -> Iterator[str]:
        """Keys that start with `prefix`, in order."""
        ...

    def get(self, key: str) -> tuple[bytes, str] | None:
        """The object with its version, or None when it is absent."""
        ...

    def swap(self, key: str, data: bytes, version: str | None) -> str:
        """Replace the object if its version is still `version` (None: if absent); returns the new version. Raises Conflict."""
        ...

    def local(self, key: str) -> Path | None:
        """The object's file, where the bucket is a folder of this machine."""
        ...


def objects(scope: Scope) -> ObjectStore:
    """The bucket of a scope; health has its own beside it. Raises Misconfigured for an unknown kind of address."""
    address = scope.bucket if scope.plane == "commerce" else f"{scope.bucket}-{scope.plane}"
    kind, _, rest = address.partition("://")
    if not rest:
        from varai.stores.folder import FolderStore

        return FolderStore(Path(address))
    if kind == "gs":
        from varai.stores.cloud import CloudStore  # a laptop's folders need none of Google's libraries

        return CloudStore(rest, scope.bucket_url)
    raise Misconfigured(
        f"The bucket of region '{scope.region}' has an address of kind '{kind}'.", "Use a folder or gs://<bucket>."
    )
