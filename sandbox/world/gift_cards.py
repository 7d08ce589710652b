"""Gift cards in the hands of shoppers: what orders sell goes in, what pays for later orders comes out.

In: sales in order of time. Out: cents of each that a card pays, never more than is left on it.
"""

from __future__ import annotations

from random import Random

from sandbox.world.baskets import Sale
from sandbox.world.returns import Return

GATEWAY = "gift_card"


class Wallet:
    """All cards that were sold and still hold something."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self._left: list[int] = []

    def pay(self, sale: Sale, back: Return | None) -> int:
        """Cents of the sale that a card pays, at most half of it; nothing of what came back, so that money returns whence it came."""
        paid, willing = 0, self.rng.random() < 0.1
        if willing and self._left and not (sale.test or back):
            paid = min(self._left[-1], sale.total // 2)
            self._left[-1] -= paid
            if not self._left[-1]:
                self._left.pop()
        if not sale.test and not sale.cancelled:
            self._left += [line.unit_price for line in sale.lines if line.gift_card for _ in range(line.quantity)]
        return paid
