"""A drop in memory, notes in memory, and a feed that declares what a test says: read as the river reads, mapped as the river maps."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

import orjson
import pytest

from varai.canonical.mapper import map_lines
from varai.canonical.mapping import UNMAPPABLE
from varai.kernel import Conflict, Feed, Window
from varai.sources import Session, connector
from varai.sources.contract import DroppedFile, Extraction, ShopFacts

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
WHOLE = Window(start=None, end=NOW)
FACTS = ShopFacts("USD", "America/Chicago")


@dataclass
class MemoryDrop:
    """Files by name: their bytes, and when they were written last."""

    held: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)

    def lay(self, name: str, data: bytes | str, at: datetime = NOW - timedelta(hours=1)) -> None:
        """Write a file."""
        self.held[name] = (data.encode() if isinstance(data, str) else data, at)

    def files(self) -> list[DroppedFile]:
        return [DroppedFile(name, len(data), at) for name, (data, at) in sorted(self.held.items())]

    def stat(self, name: str) -> DroppedFile | None:
        return next((one for one in self.files() if one.name == name), None)

    def open(self, name: str) -> BinaryIO:
        if name not in self.held:
            raise FileNotFoundError(name)
        return io.BytesIO(self.held[name][0])


@dataclass
class MemoryNotes:
    """Notes by compare-and-swap."""

    held: Mapping[str, Any] | None = None
    version: int = 0

    def get(self) -> tuple[dict[str, Any] | None, Any]:
        return (None if self.held is None else orjson.loads(orjson.dumps(self.held))), self.version

    def swap(self, notes: Mapping[str, Any], version: Any) -> None:
        if version != self.version:
            raise Conflict("The notes moved.")
        self.held, self.version = notes, self.version + 1


@dataclass
class Read:
    """What one read of a stream gave."""

    lines: list[dict[str, Any]]
    extraction: Extraction
    data: bytes

    @property
    def cells(self) -> list[dict[str, str]]:
        """What the rows that can be trusted hold, facts and persons together."""
        return [one["cells"] | one.get("person", {}) for one in self.lines if "key" in one]

    @property
    def refused(self) -> list[str]:
        """Reasons of the others."""
        return [one["__reason"] for one in self.lines if "key" not in one]


@dataclass
class Desk:
    """A feed of one stream, with its drop and its notes."""

    stream: str
    declared: Mapping[str, Any]
    drop: MemoryDrop = field(default_factory=MemoryDrop)
    notes: MemoryNotes = field(default_factory=MemoryNotes)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def feed(self) -> Feed:
        shop = {"name": "Maple", "currency": "USD", "timezone": "America/Chicago"}
        settings = {"shop": shop, "streams": {self.stream: self.declared}, **self.settings}
        return Feed(
            tenant="maple",
            name="erp",
            connector="files",
            base_url="bucket:",
            secret="maple-erp",
            overlap_s=0,
            settings=settings,
        )

    def read(self, window: Window = WHOLE, *, now: datetime = NOW) -> Read:
        """Read the stream; what is landed must be what was counted apart."""
        session = Session(
            self.feed,
            "bucket:",
            lambda: "{}",
            None,  # type: ignore[arg-type]  # nobody signs in to a bucket
            clock=lambda: now,
            drop=self.drop,
            notes=self.notes,
        )
        extraction = connector("files").extract(session, self.stream, window)
        pages = list(extraction)
        data = b"".join(page.lines for page in pages)
        lines = [orjson.loads(line) for line in data.splitlines()]
        assert sum(page.records for page in pages) == len(lines) == extraction.vendor_count
        return Read(lines, extraction, data)

    def mapped(self, data: bytes | None = None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Rows of the stream's entity, and lines that gave none."""
        mapping = connector("files").mapping(self.stream, self.feed, FACTS)
        rows: dict[str, list[dict[str, Any]]] = {}
        for name, batch in map_lines(iter([self.read().data if data is None else data]), mapping):
            rows.setdefault(name, []).extend(batch.to_pylist())
        return rows.get(mapping.primary, []), rows.get(UNMAPPABLE, [])


def variants(files: str = "*", *, kind: str = "delta", **more: Any) -> Desk:
    """A desk for files with the columns id, title and price."""
    fields = {"sku": "id", "title": "title", "price": "price"}
    return Desk("variants", {"files": files, "kind": kind, "id": ["id"], "fields": fields, **more})


def csv_of(rows: Sequence[Sequence[str]]) -> str:
    """Rows without anything to quote, as CSV."""
    return "".join(",".join(row) + "\n" for row in rows)


@pytest.fixture
def desk() -> Desk:
    """Delta files of variants."""
    return variants()
