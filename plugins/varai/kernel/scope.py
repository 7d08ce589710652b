"""Scope: the key to one region's stores, for one tenant or for the region. Only `varai.settings` makes one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

Plane = Literal["commerce", "health"]


class SecretSource(Protocol):
    """Resolves the name of a secret to its value at run time."""

    def read(self, name: str) -> str:
        """Return the secret; raises Misconfigured, naming the secret and where it was looked for."""
        ...

    def write(self, name: str, value: str) -> None:
        """Create or replace a secret (embedded profile only); raises Misconfigured elsewhere."""
        ...

    def create(self, name: str, value: str) -> str:
        """Create a secret unless it exists, in one step; returns what is kept (embedded profile only, as `write`)."""
        ...

    def delete(self, name: str) -> None:
        """Remove a secret; no error when it is absent (embedded profile only, as `write`)."""
        ...


@dataclass(frozen=True, slots=True)
class Scope:
    """What a function may touch: one region's bucket, databases and warehouse, and one tenant in them.

    `tenant` None stands for the region itself (load, transform, sweeps). Addresses are strings; `varai.stores` opens them.
    """

    region: str
    tenant: str | None
    plane: Plane
    bucket: str
    documents_uri: str = field(repr=False)
    database: str
    cache_url: str = field(repr=False)
    warehouse: str
    secrets: SecretSource = field(repr=False, compare=False)
    bucket_url: str = ""
    registry_url: str | None = None

    def __reduce__(self) -> str:
        raise TypeError("A Scope is made by varai.settings where it is used; send its region and tenant by name.")
