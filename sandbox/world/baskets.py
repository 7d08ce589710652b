"""Orders as integers of cents: who bought what, with which discounts, taxes and delivery.

In: people, products, instants. Out: `Sale`s whose parts add up exactly: allocations sum to their discount, line and
delivery taxes to the order's tax, and everything to the total.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from random import Random
from zoneinfo import ZoneInfo

from sandbox.world.frames import Product, Variant
from sandbox.world.people import Person
from sandbox.world.prescriptions import lens_attributes
from sandbox.world.seasons import SUN_SHARE, promotion_on
from sandbox.world.spec import WorldSpec
from sandbox.world.taste import Chooser, choose_variant
from sandbox.world.wire import portion, spread

TAX = {"DE": ("MwSt", 19_000), "AT": ("USt", 20_000), "FR": ("TVA", 20_000)}
STATE_TAX = {
    "NY": ("NY State Tax", 8_875),
    "IL": ("IL State Tax", 6_250),
    "CA": ("CA State Tax", 7_250),
    "TX": ("TX State Tax", 6_250),
}
HUNDRED = 100_000
"""Tax rates are whole thousandths of a percent: 19 % is 19_000 of this."""


@dataclass(frozen=True, slots=True)
class Discount:
    """A discount of an order: by code over all lines, or automatic on each line. `percent` or `amount` is set."""

    index: int
    title: str
    automatic: bool
    percent: int | None = None
    amount: int | None = None


@dataclass(slots=True)
class Line:
    """One line; `allocations` are (discount, cents) and never exceed `gross`."""

    id: int
    product: Product
    variant: Variant
    quantity: int
    unit_price: int
    properties: list[tuple[str, str]] = field(default_factory=list)
    allocations: list[tuple[Discount, int]] = field(default_factory=list)
    tax: int = 0

    @property
    def gross(self) -> int:
        """Price times quantity."""
        return self.unit_price * self.quantity

    @property
    def gift_card(self) -> bool:
        """A gift card is neither taxed nor discounted nor shipped."""
        return self.product.kind == "gift_card"

    @property
    def discount(self) -> int:
        """All allocations."""
        return sum(amount for _, amount in self.allocations)

    @property
    def net(self) -> int:
        """After all discounts; holds the tax where prices include it."""
        return self.gross - self.discount


@dataclass(slots=True)
class Sale:
    """One order. A guest has a name and an address but no customer record at the vendor."""

    id: int
    number: int
    when: datetime
    buyer: Person
    guest: bool
    test: bool
    lines: list[Line]
    discounts: list[Discount]
    shipping: int
    shipping_title: str
    tax_title: str
    tax_rate: int
    shipping_tax: int
    taxes_included: bool
    cancelled: datetime | None = None
    cancel_reason: str | None = None

    @property
    def subtotal(self) -> int:
        """Lines after discounts."""
        return sum(line.net for line in self.lines)

    @property
    def tax(self) -> int:
        """Tax of lines and delivery."""
        return sum(line.tax for line in self.lines) + self.shipping_tax

    @property
    def total(self) -> int:
        """What was paid."""
        return self.subtotal + self.shipping + (0 if self.taxes_included else self.tax)


def untaxed(sale: Sale, line: Line) -> tuple[int, int]:
    """What a line costs without tax, before its discounts and after them."""
    after = line.net - (line.tax if sale.taxes_included else 0)
    if not sale.taxes_included or not line.tax:
        return line.gross, after
    return (max(after, line.gross * HUNDRED // (HUNDRED + sale.tax_rate)) if line.discount else after), after


class Till:
    """Draws the orders of a shop, one per instant."""

    def __init__(self, spec: WorldSpec, people: list[Person], products: list[Product], rng: Random) -> None:
        self.spec, self.people, self.rng = spec, people, rng
        self.zone = ZoneInfo(spec.timezone)
        self.chooser = Chooser(products)
        self.cards = next(product for product in products if product.kind == "gift_card")
        self._joined = [person.joined for person in people]
        self._activity = list(accumulate(person.activity for person in people))
        self._base = 10_000_000 * (1 + spec.seed % 800)
        self._line = 0
        self._bought: set[int] = set()

    def ring(self, place: int, when: datetime) -> Sale:
        """The order number `place` of the shop, at `when`."""
        rng, spec = self.rng, self.spec
        buyer = self._buyer(place, when)
        lines = self._lines(buyer, when)
        discounts = self._discounts(buyer, lines, when)
        guest = place > 0 and rng.random() < 0.08
        tax_title, rate = self._tax(buyer)
        shipping, title = self._shipping(lines)
        sale = Sale(
            id=self._base + 500_000_000_000 + place,
            number=1001 + place,
            when=when,
            buyer=buyer,
            guest=guest,
            test=rng.random() < 0.01,
            lines=lines,
            discounts=discounts,
            shipping=shipping,
            shipping_title=title,
            tax_title=tax_title,
            tax_rate=rate,
            shipping_tax=0,
            taxes_included=spec.taxes_included,
        )
        self._levy(sale)
        if not guest:
            self._bought.add(buyer.id)
        return sale

    def _buyer(self, place: int, when: datetime) -> Person:
        if place == 0:
            return self.people[0]  # the canary certainly has an order
        joined = max(1, bisect_left(self._joined, when))
        return self.people[bisect_left(self._activity, self.rng.random() * self._activity[joined - 1])]

    def _lines(self, buyer: Person, when: datetime) -> list[Line]:
        rng = self.rng
        lines: list[Line] = []
        if rng.random() < 0.01:
            return [self._new_line(self.cards, rng.choice(self.cards.variants), 1, [])]
        for _ in range(rng.choices((1, 2, 3), (72, 21, 7))[0]):
            kind = "sun" if rng.random() < SUN_SHARE[when.month - 1] else "optical"
            product = self.chooser.choose(buyer, kind, when, rng)
            variant = choose_variant(buyer, product, rng)
            if any(line.variant is variant for line in lines):
                continue
            properties = lens_attributes(product, rng)
            quantity = 1 if properties else rng.choices((1, 2, 3), (94, 5, 1))[0]
            lines.append(self._new_line(product, variant, quantity, properties))
        if rng.random() < 0.02:
            lines.append(self._new_line(self.cards, rng.choice(self.cards.variants), 1, []))
        return lines

    def _new_line(self, product: Product, variant: Variant, quantity: int, properties: list[tuple[str, str]]) -> Line:
        self._line += 1
        return Line(self._base + 700_000_000_000 + self._line, product, variant, quantity, variant.price, properties)

    def _discounts(self, buyer: Person, lines: list[Line], when: datetime) -> list[Discount]:
        rng, frames = self.rng, [line for line in lines if not line.gift_card]
        discounts: list[Discount] = []
        if not frames:
            return discounts
        promotion = promotion_on(when.astimezone(self.zone).date())
        if promotion:
            discounts.append(Discount(0, promotion.title, True, percent=promotion.percent))
            for line in frames:
                line.allocations.append((discounts[0], portion(line.gross, promotion.percent, 100)))
        if buyer.id not in self._bought and rng.random() < 0.35:
            discounts.append(Discount(len(discounts), "WELCOME10", False, percent=10))
        elif rng.random() < 0.05:
            discounts.append(Discount(len(discounts), "SAVE15", False, amount=1500))
        if discounts and not discounts[-1].automatic:
            _allocate(discounts[-1], frames)
        return discounts

    def _tax(self, buyer: Person) -> tuple[str, int]:
        if self.spec.country == "US":
            return STATE_TAX.get(buyer.province_code, ("", 0))
        return TAX[self.spec.country]

    def _shipping(self, lines: list[Line]) -> tuple[int, str]:
        frames = [line for line in lines if not line.gift_card]
        if not frames:
            return 0, ""
        if self.rng.random() < 0.06:
            return (1495, "Express")
        return (0 if sum(line.net for line in frames) >= 15_000 else 590), "Standard"

    def _levy(self, sale: Sale) -> None:
        """Tax on each line and on delivery; carved out of the price where prices include it."""
        rate = sale.tax_rate
        whole = HUNDRED + rate if sale.taxes_included else HUNDRED
        for line in sale.lines:
            line.tax = 0 if line.gift_card else portion(line.net, rate, whole)
        sale.shipping_tax = portion(sale.shipping, rate, whole) if sale.taxes_included else 0


def _allocate(discount: Discount, lines: list[Line]) -> None:
    """Spread an order discount over what the lines still cost, exactly to the cent."""
    weights = [line.net for line in lines]
    whole = sum(weights)
    amount = portion(whole, discount.percent, 100) if discount.percent is not None else min(discount.amount or 0, whole)
    for line, part in zip(lines, spread(amount, weights), strict=True):
        line.allocations.append((discount, part))
