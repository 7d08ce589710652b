"""Shops whose systems drop files: all that they know, every day, into folders that stand in a region's bucket.

What goes wrong is a file: cut on its way, another thing by its name, or there twice. Healed, it was delivered again, whole.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sandbox.prove.columns import Fault
from sandbox.prove.region import Region
from sandbox.prove.rows import STRUCK, Deliver
from varai.registry import StreamKey
from varai.river.notes import StreamNotes

_PAGE: Final = b"<!DOCTYPE html>\n<html><body><h1>502 Bad Gateway</h1></body></html>\n"
_BEGUN: Final = 5
"""Bytes that are there of a row that is cut: none has its first two columns in so few."""
FAULTS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "cut": lambda whole: whole[: whole.rfind(b"\n", 0, len(whole) // 2) + _BEGUN],
    "truncated_json": lambda whole: whole[: whole.rfind(b"\n", 0, -1) + _BEGUN],
    "wrong_content_type": lambda whole: _PAGE,
    "duplicate_page": lambda whole: whole,
}
"""Fault -> what is in the file instead; one that is there twice has another name the second time."""


@dataclass
class Dropped:
    """See `Site`. Shops of `shops` are sent into folders of `drops`, each by `send`."""

    shops: Path
    drops: Path
    send: Deliver
    _whole: dict[Path, bytes] = field(default_factory=dict)
    _struck: dict[str, Path] = field(default_factory=dict)

    def address(self, shop: str) -> str:
        """See `Site`: the region's bucket, whichever shop it is."""
        del shop
        return "bucket:"

    def deliver(self) -> None:
        """See `Site`."""
        for path in self.shops.iterdir():
            folder = self.drops / path.stem
            folder.mkdir(parents=True, exist_ok=True)
            self.send(path, folder)

    def aim(self, shop: str, faults: Iterable[Fault]) -> None:
        """See `Site`: of the files that were delivered last."""
        for fault in faults:
            for stream in STRUCK:
                path = max((self.drops / shop).glob(f"{stream}-*"))
                whole = path.read_bytes()
                if fault.kind == "duplicate_page":
                    path = path.with_stem(f"{path.stem}b")
                else:
                    self._whole[path] = whole
                path.write_bytes(FAULTS[fault.kind](whole))
                self._struck[stream] = path

    def waiting(self, shop: str, region: Region) -> int:
        """See `Site`: of how many files that were struck the region has no note as they are."""
        return sum(not _met(region, shop, stream, path) for stream, path in self._struck.items())

    def heal(self, shop: str) -> None:
        """See `Site`."""
        del shop
        for path, whole in self._whole.items():
            path.write_bytes(whole)
        self._whole.clear()
        self._struck.clear()

    def keep(self) -> None:
        """See `Site`."""
        shutil.copytree(self.drops, self._kept)

    def put_back(self) -> None:
        """See `Site`."""
        shutil.rmtree(self.drops)
        shutil.copytree(self._kept, self.drops)

    @property
    def _kept(self) -> Path:
        return self.drops.with_name(f"{self.drops.name}.kept")


def _met(region: Region, shop: str, stream: str, path: Path) -> bool:
    feed = next(one for one in region.feeds if one.tenant == shop)
    notes, _ = StreamNotes(region.scope(shop), StreamKey(shop, feed.name, stream), token=0).get()
    note = (notes or {}).get("files", {}).get(path.name)
    return note is not None and note["size"] == path.stat().st_size
