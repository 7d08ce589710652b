"""The vendor's side of a row: where its shops are read, and what can be made to go wrong there. A simulator is one kind of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import httpx

from sandbox.prove.columns import Fault
from sandbox.prove.region import Region
from sandbox.prove.rows import Row


class Site(Protocol):
    """Two shops of one vendor."""

    def address(self, shop: str) -> str:
        """The `base_url` of a shop's feed."""
        ...

    def deliver(self) -> None:
        """Let shops that send what they have send it now."""
        ...

    def aim(self, shop: str, faults: Iterable[Fault]) -> None:
        """Switch faults of a shop on."""
        ...

    def waiting(self, shop: str, region: Region) -> int:
        """How often faults that are set would strike yet, a region that reads the shop beside it."""
        ...

    def heal(self, shop: str) -> None:
        """Switch all faults off."""
        ...

    def keep(self) -> None:
        """Remember what is sent so far."""
        ...

    def put_back(self) -> None:
        """Make that what it was when it was kept."""
        ...


@dataclass(frozen=True)
class Simulated:
    """Shops that a simulator serves at `url`, from files that clerks write: it is asked, and sends nothing by itself."""

    row: Row
    url: str

    def address(self, shop: str) -> str:
        """See `Site`."""
        return f"{self.url}/{shop}"

    def deliver(self) -> None:
        """See `Site`."""

    def keep(self) -> None:
        """See `Site`."""

    def put_back(self) -> None:
        """See `Site`."""

    def aim(self, shop: str, faults: Iterable[Fault]) -> None:
        """See `Site`."""
        for fault in faults:
            given = {**fault.options, "kind": fault.kind, "times": fault.times}
            for match in self._aims(fault):
                asked = {**given, "match": match}
                httpx.post(self._switch(shop), json=asked, trust_env=False).raise_for_status()

    def waiting(self, shop: str, region: Region) -> int:
        """See `Site`."""
        del region
        found = httpx.get(self._switch(shop), trust_env=False).raise_for_status().json()
        return sum(fault["times"] for fault in found["faults"])

    def heal(self, shop: str) -> None:
        """See `Site`."""
        httpx.delete(self._switch(shop), trust_env=False).raise_for_status()

    def _switch(self, shop: str) -> str:
        return f"{self.address(shop)}/_faults"

    def _aims(self, fault: Fault) -> list[list[str]]:
        """What requests that a fault strikes have in their texts: those for products, and those for orders."""
        if fault.anywhere:
            return [[]]
        return [self._aim(fault, stream) for stream in self.row.lists]

    def _aim(self, fault: Fault, stream: str) -> list[str]:
        if fault.counted and stream in self.row.counts:
            return list(self.row.counts[stream])
        return [*self.row.lists[stream], *([self.row.later[stream]] if fault.later else ())]
