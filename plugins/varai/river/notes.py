"""What a connector remembers of a stream: state/{tenant}/{feed}/{stream}/notes.json, written under the lease's fencing token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from varai.kernel import Conflict, Scope, Word
from varai.registry import StreamKey
from varai.stores import objects

_NAME: Final = "notes.json"


class _Notes(Word):
    token: int
    notes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StreamNotes:
    """See `varai.sources.contract.Notes`."""

    scope: Scope
    key: StreamKey
    token: int

    def get(self) -> tuple[dict[str, Any] | None, Any]:
        """The notes and their version."""
        found = objects(self.scope).get(self.key.prefix + _NAME)
        return (_Notes.model_validate_json(found[0]).notes, found[1]) if found else (None, None)

    def swap(self, notes: Mapping[str, Any], version: Any) -> None:
        """Replace them; raises Conflict when they moved, or were written under a newer token."""
        store, key = objects(self.scope), self.key.prefix + _NAME
        found = store.get(key)
        known = _Notes.model_validate_json(found[0]) if found else None
        if known is not None and known.token > self.token:
            raise Conflict(f"{key} was written under fencing token {known.token}, newer than {self.token}.")
        store.swap(key, _Notes(token=self.token, notes=dict(notes)).model_dump_json(indent=1).encode(), version)
