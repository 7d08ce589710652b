"""Frames: what the retailer sells. In: a spec. Out: products with variants (colour x size) whose millimetres agree.

Geometry keeps: frame width = 2 x lens width + bridge + end pieces, with end pieces between 6 and 16 mm; every length
stays inside what opticians call usual (lens 44-60, bridge 15-23, temple 135-150, height 22-56).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from sandbox.world import gtin
from sandbox.world.spec import WorldSpec

SHAPES = ("round", "square", "rectangle", "oval", "cat-eye", "aviator", "browline", "geometric", "butterfly", "pilot")
MATERIALS = ("acetate", "metal", "titanium", "tr-90", "nylon", "wood", "mixed")
COLOURS = ("black", "tortoise", "gold", "silver", "blue", "green", "burgundy", "crystal", "grey", "rose")
BRANDS = (
    "Aldergrove",
    "Brisa",
    "Corvane",
    "Dunmere",
    "Eikholt",
    "Fjellet",
    "Halcyra",
    "Ilvento",
    "Kestrelle",
    "Morven",
)
_WORDS = (
    "Harbour",
    "Linden",
    "Orchard",
    "Summit",
    "Canal",
    "Meadow",
    "Ember",
    "Falcon",
    "Cedar",
    "Lagoon",
    "Quarry",
    "Prairie",
    "Juniper",
    "Comet",
    "Saffron",
    "Willow",
    "Atlas",
    "Marble",
    "Delta",
    "Heron",
)
_HEIGHT = {
    "round": 92,
    "square": 84,
    "rectangle": 62,
    "oval": 72,
    "cat-eye": 76,
    "aviator": 88,
    "browline": 78,
    "geometric": 86,
    "butterfly": 85,
    "pilot": 86,
}
_PRICE = {"acetate": 139, "metal": 119, "titanium": 229, "tr-90": 79, "nylon": 89, "wood": 189, "mixed": 149}
_RIMLESS = frozenset({"metal", "titanium"})
_STEP = {"S": -2, "M": 0, "L": 2}
GIFT_VALUES = (2500, 5000, 10000)


@dataclass(slots=True)
class Variant:
    """One colour and size. Prices in cents; lengths in millimetres; `stock` is pieces by location number."""

    id: int
    item_id: int
    position: int
    sku: str
    gtin: str | None
    colour: str
    size: str
    lens_width: int
    bridge: int
    temple: int
    lens_height: int
    frame_width: int
    weight_g: int
    price: int
    compare_at: int | None
    cost: int
    stock: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Product:
    """A frame, or the gift card. `kind` is optical, sun or gift_card; `fame` weighs how often it is seen."""

    id: int
    title: str
    handle: str
    brand: str
    kind: str
    shape: str
    rim: str
    material: str
    rx_able: bool
    polarised: bool
    uv_category: int | None
    base_price: int
    fame: float
    created: datetime
    updated: datetime
    variants: list[Variant] = field(default_factory=list)


def make_products(spec: WorldSpec, rng: Random) -> list[Product]:
    """All products of the shop, frames first, the gift card last. Ids and GTINs are unique within the shop."""
    maker = _Maker(spec, rng)
    frames = [maker.frame(number) for number in range(spec.products - 1)]
    return [*frames, maker.gift_card(spec.products - 1)]


class _Front(NamedTuple):
    """Millimetres of a size: lens width, bridge, temple and both end pieces together."""

    lens: int
    bridge: int
    temple: int
    ends: int


class _Maker:
    """Keeps the running numbers while a catalogue is made."""

    def __init__(self, spec: WorldSpec, rng: Random) -> None:
        self.spec = spec
        self.rng = rng
        self.serial = 0
        self.base = 10_000_000 * (1 + spec.seed % 800)

    def frame(self, number: int) -> Product:
        rng = self.rng
        kind = "sun" if rng.random() < 0.45 else "optical"
        shape, material = rng.choice(SHAPES), rng.choices(MATERIALS, (30, 22, 14, 12, 8, 4, 10))[0]
        rim = rng.choices(("full", "semi", "rimless"), (76, 16, 8))[0]
        if rim == "rimless" and material not in _RIMLESS:
            rim = "full"
        polarised = kind == "sun" and rng.random() < 0.4
        brand, word = BRANDS[rng.randrange(len(BRANDS))], _WORDS[rng.randrange(len(_WORDS))]
        title = f"{brand} {word} {100 + number}"
        base = _PRICE[material] + rng.randrange(-3, 8) * 10 + (20 if polarised else 0)
        created = self._launch()
        product = Product(
            id=self.base + 1_000_000 + number,
            title=title,
            handle=title.lower().replace(" ", "-"),
            brand=brand,
            kind=kind,
            shape=shape,
            rim=rim,
            material=material,
            rx_able=kind == "optical" or rng.random() < 0.5,
            polarised=polarised,
            uv_category=rng.choices((1, 2, 3, 4), (5, 25, 65, 5))[0] if kind == "sun" else None,
            base_price=max(base, 49),
            fame=1.0 / (1 + rng.randrange(60)),
            created=created,
            updated=created + (self.spec.anchor - created) * rng.random(),
        )
        self._fill(product)
        return product

    def _launch(self) -> datetime:
        """Four in five frames are there from the start; the rest come in over the years."""
        spec, rng = self.spec, self.rng
        if rng.random() < 0.8:
            return spec.opened + timedelta(seconds=rng.randrange(80 * 86_400))
        return spec.opened + timedelta(days=90, seconds=rng.randrange((spec.days - 60) * 86_400))

    def _fill(self, product: Product) -> None:
        rng = self.rng
        colours = rng.sample(COLOURS, rng.choices((1, 2), (30, 70))[0])
        sizes = rng.choice((("M", "L"), ("S", "M"), ("M", "L")))
        lens, bridge, ends = rng.randrange(46, 57), rng.randrange(16, 23), rng.randrange(8, 15)
        temple = rng.choice((135, 140, 140, 145, 145, 150))
        for colour in colours:
            for size in sizes:
                self._variant(product, colour, size, _Front(lens + _STEP[size], bridge, temple, ends))

    def _variant(self, product: Product, colour: str, size: str, front: _Front) -> None:
        rng, serial, lens = self.rng, self.serial, front.lens
        self.serial += 1
        price = product.base_price * 100 + (0 if self.spec.country == "US" else 90)
        compare_at = (price * rng.choice((115, 120, 130)) // 10_000 + 1) * 100 if rng.random() < 0.15 else None
        product.variants.append(
            Variant(
                id=self.base + 3_000_000 + serial,
                item_id=self.base + 5_000_000 + serial,
                position=len(product.variants) + 1,
                sku=f"{product.brand[:3].upper()}-{product.id % 10_000:04d}-{colour[:4].upper()}-{lens}{size}",
                gtin=self._gtin(serial),
                colour=colour,
                size=size,
                lens_width=lens,
                bridge=front.bridge,
                temple=front.temple,
                lens_height=round(lens * _HEIGHT[product.shape] / 100),
                frame_width=2 * lens + front.bridge + front.ends,
                weight_g=rng.randrange(14, 42),
                price=price,
                compare_at=compare_at,
                cost=price * rng.randrange(32, 52) // 100,
                stock={place: rng.choice((0, 0, 1, 2, 3, 5, 8, 12, 20)) for place in self.places()},
            )
        )

    def places(self) -> tuple[int, ...]:
        """Numbers of the shop's locations: a warehouse and one or two shop floors."""
        count = 2 + self.spec.seed % 2
        return tuple(self.base + 9_000_000 + number for number in range(count))

    def _gtin(self, serial: int) -> str:
        """GTIN-13 with the prefix GS1 keeps for demonstrations (952); GTIN-12 in the United States."""
        shop = self.spec.seed % 100
        if self.spec.country == "US":
            return gtin.make(f"85{shop:02d}", serial, 12)
        return gtin.make(f"952{shop:02d}", serial, 13)

    def gift_card(self, number: int) -> Product:
        product = Product(
            id=self.base + 1_000_000 + number,
            title="Gift card",
            handle="gift-card",
            brand=self.spec.name,
            kind="gift_card",
            shape="",
            rim="",
            material="",
            rx_able=False,
            polarised=False,
            uv_category=None,
            base_price=25,
            fame=0.0,
            created=self.spec.opened,
            updated=self.spec.opened,
        )
        for value in GIFT_VALUES:
            serial = self.serial
            self.serial += 1
            product.variants.append(
                Variant(
                    id=self.base + 3_000_000 + serial,
                    item_id=self.base + 5_000_000 + serial,
                    position=len(product.variants) + 1,
                    sku=f"GIFT-{value // 100}",
                    gtin=None,
                    colour="",
                    size="",
                    lens_width=0,
                    bridge=0,
                    temple=0,
                    lens_height=0,
                    frame_width=0,
                    weight_g=0,
                    price=value,
                    compare_at=None,
                    cost=0,
                )
            )
        return product


def places_of(spec: WorldSpec) -> tuple[int, ...]:
    """Numbers of the shop's locations."""
    return _Maker(spec, Random(0)).places()
