"""Shoppers: synthetic names, addresses and telephone numbers that nobody has, and tastes that can be learned.

E-mail addresses are of example.com and example.org (RFC 2606). Telephone numbers are of ranges kept for fiction:
555-0100 to 555-0199 in the United States, the Bundesnetzagentur's drama numbers in Germany (used for Austria too), Arcep's in France.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sandbox.world.frames import COLOURS, MATERIALS, SHAPES
from sandbox.world.spec import WorldSpec

_FIRST = (
    "Ada",
    "Bela",
    "Carla",
    "Dario",
    "Edda",
    "Faro",
    "Gitta",
    "Hugo",
    "Ines",
    "Jorin",
    "Kaya",
    "Lino",
    "Mira",
    "Nilo",
    "Olga",
    "Pavo",
    "Quinn",
    "Runa",
    "Silas",
    "Tove",
    "Umut",
    "Vera",
    "Wim",
    "Xenia",
    "Yara",
    "Zeno",
)
_LAST = (
    "Amsel",
    "Birkholm",
    "Castell",
    "Dorrell",
    "Eschen",
    "Farrow",
    "Gerlach",
    "Hollis",
    "Isberg",
    "Jarosz",
    "Kessel",
    "Lindqvist",
    "Marlow",
    "Nordin",
    "Osterman",
    "Pellegrin",
    "Quist",
    "Rosander",
    "Selby",
    "Tamsin",
    "Ulvers",
    "Vantil",
    "Wexford",
    "Yarrow",
    "Zeller",
)
_STREETS = {
    "US": ("Elm Street", "Lake Avenue", "Mill Road", "Park Drive"),
    "DE": ("Lindenweg", "Am Markt", "Seestrasse"),
    "AT": ("Ringgasse", "Donauweg", "Bergstrasse"),
    "FR": ("rue des Tilleuls", "quai du Port", "avenue du Lac"),
}
_PLACES = {
    "US": (
        ("New York", "NY", "New York", "10001"),
        ("Chicago", "IL", "Illinois", "60601"),
        ("San Francisco", "CA", "California", "94102"),
        ("Houston", "TX", "Texas", "77002"),
        ("Portland", "OR", "Oregon", "97201"),
    ),
    "DE": (
        ("Berlin", "BE", "Berlin", "10115"),
        ("Hamburg", "HH", "Hamburg", "20095"),
        ("München", "BY", "Bayern", "80331"),
    ),
    "AT": (("Wien", "", "", "1010"), ("Graz", "", "", "8010"), ("Linz", "", "", "4020")),
    "FR": (
        ("Paris", "75", "Paris", "75001"),
        ("Lyon", "69", "Rhône", "69001"),
        ("Nantes", "44", "Loire-Atlantique", "44000"),
    ),
}
COUNTRIES = {"US": "United States", "DE": "Germany", "AT": "Austria", "FR": "France"}
_AREAS_US = (
    "212",
    "312",
    "415",
    "503",
    "617",
    "702",
    "713",
    "206",
    "303",
    "404",
    "512",
    "602",
    "816",
    "901",
    "919",
    "973",
)
_AREAS_DE = ("3023125", "6990009", "4066969", "2214710", "8999998")

ARCHETYPES: tuple[dict[str, float], ...] = (
    {"round": 1.6, "metal": 1.0, "gold": 1.2, "price": 4.9},
    {"square": 1.4, "acetate": 1.2, "black": 1.3, "price": 5.0},
    {"cat-eye": 1.8, "butterfly": 1.2, "acetate": 0.8, "tortoise": 1.0, "rose": 0.8, "price": 5.1},
    {"rectangle": 1.5, "titanium": 1.6, "silver": 1.0, "grey": 0.8, "price": 5.5},
    {"aviator": 1.7, "pilot": 1.4, "metal": 0.8, "gold": 0.6, "green": 0.6, "price": 5.0},
    {"geometric": 1.4, "oval": 0.8, "tr-90": 1.4, "nylon": 1.0, "blue": 1.0, "crystal": 0.8, "price": 4.3},
)


@dataclass(slots=True)
class Person:
    """A shopper. `taste` weighs shapes, materials and colours (log scale); `price` is the log of the liked price."""

    id: int
    first: str
    last: str
    email: str
    phone: str
    street: str
    city: str
    province_code: str
    province: str
    postcode: str
    country: str
    joined: datetime
    marketing: bool
    training: bool
    taste: dict[str, float]
    price: float
    face_mm: float
    activity: float
    archetype: int


def make_people(spec: WorldSpec, rng: Random) -> list[Person]:
    """All customers in the order they joined; the canary is the first, so that it certainly buys."""
    joined = sorted(
        spec.opened + timedelta(seconds=rng.randrange((spec.days + 60) * 86_400)) for _ in range(spec.customers)
    )
    people = [_person(spec, rng, number, when) for number, when in enumerate(joined)]
    canary = people[0]
    canary.first, canary.last = "Canary", spec.canary
    canary.email = f"{spec.canary}@example.com"
    canary.joined = spec.opened
    canary.activity = max(canary.activity, 8.0)
    return people


def _person(spec: WorldSpec, rng: Random, number: int, joined: datetime) -> Person:
    first, last = rng.choice(_FIRST), rng.choice(_LAST)
    archetype = rng.randrange(len(ARCHETYPES))
    likes = ARCHETYPES[archetype]
    city, code, province, postcode = rng.choice(_PLACES[spec.country])
    return Person(
        id=10_000_000 * (1 + spec.seed % 800) + 7_000_000 + number,
        first=first,
        last=last,
        email=f"{first}.{last}.{number}@{rng.choice(('example.com', 'example.org'))}".lower(),
        phone=_phone(spec.country, number),
        street=f"{rng.randrange(1, 180)} {rng.choice(_STREETS[spec.country])}",
        city=city,
        province_code=code,
        province=province,
        postcode=postcode,
        country=spec.country,
        joined=joined,
        marketing=rng.random() < 0.45,
        training=rng.random() < 0.85,
        taste={word: likes.get(word, 0.0) + rng.gauss(0, 0.35) for word in (*SHAPES, *MATERIALS, *COLOURS)},
        price=likes["price"] + rng.gauss(0, 0.15),
        face_mm=rng.gauss(136, 6),
        activity=rng.lognormvariate(0, 0.9),
        archetype=archetype,
    )


def _phone(country: str, number: int) -> str:
    if country == "US":
        return f"+1{_AREAS_US[number // 100 % len(_AREAS_US)]}55501{number % 100:02d}"
    if country == "FR":
        return f"+3319900{number % 10_000:04d}"
    return f"+49{_AREAS_DE[number // 1000 % len(_AREAS_DE)]}{number % 1000:03d}"
