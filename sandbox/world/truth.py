"""The truth ledger: which rows were given which defect. Written beside the shop, read by who measures recall."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, order=True)
class Planted:
    """One defect of one row; `source_id` is the number at the end of the gid."""

    entity: str
    source_id: str
    defect: str
    gid: str


@dataclass
class Truth:
    """All that was planted in one shop."""

    shop: str
    planted: list[Planted] = field(default_factory=list)

    def add(self, entity: str, gid: str, defect: str) -> None:
        """Note a defect. Raises ValueError when the row has one already."""
        source_id = gid.rsplit("/", 1)[-1]
        if any(p.entity == entity and p.source_id == source_id for p in self.planted):
            raise ValueError(f"{entity} {source_id} has a defect already; a row carries at most one.")
        self.planted.append(Planted(entity, source_id, defect, gid))

    def of(self, entity: str) -> dict[str, str]:
        """source_id -> defect of one entity."""
        return {p.source_id: p.defect for p in self.planted if p.entity == entity}

    def __iter__(self) -> Iterator[Planted]:
        return iter(sorted(self.planted))

    def save(self, shop_path: Path) -> Path:
        """Write `<shop>.truth.json` beside the shop's file: a list of entity, source_id, defect, gid."""
        path = truth_path(shop_path)
        path.write_text(json.dumps([asdict(p) for p in self], indent=1) + "\n", encoding="utf-8")
        return path


def truth_path(shop_path: Path) -> Path:
    """Where the ledger of a shop's file lies."""
    return shop_path.with_suffix(".truth.json")


def load_truth(shop_path: Path) -> Truth:
    """Read the ledger of a shop's file back."""
    rows = json.loads(truth_path(shop_path).read_text(encoding="utf-8"))
    return Truth(shop_path.stem, [Planted(**row) for row in rows])
