"""A feed's folder in its region's bucket, where the retailer puts files: drop/{tenant}/{feed}/. Read, never written.

In: the tenant's scope and a feed of it. Out: names below the folder, and files by these names; nothing else can be named.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from varai.kernel import Feed, ResidencyBreach, Scope
from varai.sources.contract import DroppedFile
from varai.stores import objects

ROOT: Final = "drop"


@dataclass(frozen=True, slots=True)
class FeedDrop:
    """See `varai.sources.contract.Drop`. Raises ResidencyBreach, when it is used, for a feed that is not of the scope's tenant."""

    scope: Scope
    feed: Feed

    @property
    def prefix(self) -> str:
        """Of the folder's keys. Tenants and feeds are slugs, so that no name leads out of it."""
        if self.scope.tenant != self.feed.tenant:
            raise ResidencyBreach(
                f"The scope of '{self.scope.tenant}' was about to open the drop of {self.feed.key}.",
                "Make the scope of the feed's own tenant.",
            )
        return f"{ROOT}/{self.feed.tenant}/{self.feed.name}/"

    def files(self) -> list[DroppedFile]:
        """What lies in it now, by name; files that lead out of it are none of it."""
        store, prefix = objects(self.scope), self.prefix
        names = (key.removeprefix(prefix) for key in store.list(prefix))
        return [found for name in names if name and (found := self.stat(name)) is not None]

    def stat(self, name: str) -> DroppedFile | None:
        """One file as it is now; None when it has gone, or lies elsewhere."""
        if not self._own(name):
            return None
        store, key = objects(self.scope), self.prefix + name
        try:
            return DroppedFile(name, store.size(key), store.modified_at(key))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def open(self, name: str) -> BinaryIO:
        """A file of it."""
        if not self._own(name):
            raise FileNotFoundError(name)
        return objects(self.scope).open(self.prefix + name)

    def _own(self, name: str) -> bool:
        """Whether a name leads to a file of this folder, links resolved."""
        path = PurePosixPath(name)
        if not name or path.is_absolute() or any(part in ("..", ".") for part in path.parts):
            return False
        local, root = objects(self.scope).local(self.prefix + name), objects(self.scope).local(self.prefix.rstrip("/"))
        return local is None or root is None or local.resolve().is_relative_to(root.resolve())
