"""Rows of a file as lines to land: what names a row and whom it is about beside its texts, each as the file has it.

A line: {"id", "file", "row", "dated", "key", "subject", "cells", "person"}, or for a row that cannot be trusted {"id", "file", "row",
"__reason", "raw"}. In a stream about people `person` holds every text that may identify one; `cells` holds facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from varai.canonical import entity
from varai.canonical.repair import REASON
from varai.sources.files.declared import Declared
from varai.sources.files.rows import Row, refused
from varai.sources.files.streams import ENTITIES, SEALED

_BETWEEN = "|"
"""Between the parts of a name that several columns make."""


def plain(text: str) -> str:
    """A text that may name a row or a person: without blanks around it, and without the slash and bar that mean something here."""
    return text.strip().replace("%", "%25").replace("/", "%2F").replace(_BETWEEN, "%7C")


class Writer:
    """Makes lines of one stream; `ids` are the names of the rows so far, and `nameless` how many had none."""

    def __init__(self, stream: str, declared: Declared) -> None:
        kind = entity(ENTITIES[stream])
        self._declared = declared
        self._apart = person_columns(stream, declared)
        subject = next((field.name for field in kind.fields if field.subject), None)
        column = declared.column(subject) if subject else None
        named = column.names if column is not None else (declared.subject,) if declared.subject else ()
        self._subject: tuple[str, ...] = declared.id if kind.vaulted and not named else named
        # What no field uses might identify somebody, and could not be taken out where nobody knows whom a row is about.
        self._only = declared.names if self._apart is not None and not self._subject else None
        self._facts = declared.names - (self._apart or frozenset())
        self.records = 0
        self.nameless = 0

    def line(self, file: str, at: datetime, row: Row) -> tuple[bytes, str | None]:
        """One line, and the name of its row; None where it has none."""
        self.records += 1
        key = None if row.reason else self._key(row.cells)
        if key is None and not row.reason:
            row = refused(row.number, "missing_id", "")
        where = {"id": str(self.records), "file": file, "row": str(row.number)}
        if key is None:
            self.nameless += 1
            value: dict[str, object] = {**where, REASON: f"{row.reason}:{file}:{row.number}", "raw": row.raw}
        else:
            value = {**where, "dated": at.isoformat(), "key": key, **self._texts(row.cells)}
        return msgspec.json.encode(value) + b"\n", key

    def _key(self, cells: Mapping[str, str]) -> str | None:
        parts = [plain(cells.get(name, "")) for name in self._declared.id]
        return _BETWEEN.join(parts) if all(parts) else None

    def _texts(self, cells: Mapping[str, str]) -> dict[str, object]:
        if self._apart is None:
            return {"cells": cells}
        subject = _BETWEEN.join(plain(cells.get(name, "")) for name in self._subject).strip(_BETWEEN)
        facts = {name: text for name, text in cells.items() if name in self._facts}
        rest = {name: text for name, text in cells.items() if name not in facts}
        if self._only is not None:
            rest = {name: text for name, text in rest.items() if name in self._only}
        return {"subject": subject or None, "cells": facts, "person": rest}


def person_columns(stream: str, declared: Declared) -> frozenset[str] | None:
    """Columns that identify a person; None where a stream's rows are about nobody."""
    kind = entity(ENTITIES[stream])
    if stream not in SEALED:
        return None
    personal = {field.name for field in kind.fields if field.data_class == "personal"}
    columns = [declared.column(name) for name in personal]
    named = {name for column in columns if column is not None for name in column.names}
    return frozenset({*named, *([declared.subject] if declared.subject else [])})
