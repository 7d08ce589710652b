"""Lens properties that shoppers choose with a frame; prescriptions are decimals as written, never numbers."""

from __future__ import annotations

from random import Random

from sandbox.world.frames import Product

LENS_TYPES = ("single vision", "progressive", "reading", "plano blue light")
_WITHOUT_POWER = "plano blue light"


def lens_attributes(product: Product, rng: Random) -> list[tuple[str, str]]:
    """Line properties as (key, value); empty when the frame is bought without lenses."""
    share = 0.62 if product.kind == "optical" else 0.08
    if not product.rx_able or rng.random() >= share:
        return []
    lens = rng.choices(LENS_TYPES, (58, 24, 10, 8))[0]
    found = [
        ("lens_type", lens),
        ("lens_index", rng.choice(("1.50", "1.60", "1.67", "1.74"))),
        ("lens_coating", rng.choice(("anti-reflective", "scratch", "photochromic"))),
    ]
    if lens == _WITHOUT_POWER:
        return found
    sphere = rng.randrange(-24, 13)
    for eye in ("od", "os"):
        found.append((f"rx_{eye}_sphere", dioptres(sphere + rng.randrange(-2, 3))))
        cylinder = rng.choice((0, 0, -1, -2, -3, -5))
        if cylinder:
            found += [(f"rx_{eye}_cylinder", dioptres(cylinder)), (f"rx_{eye}_axis", str(rng.randrange(1, 181)))]
        if lens == "progressive":
            found.append((f"rx_{eye}_add", dioptres(rng.randrange(4, 11))))
    found.append(("pd_mm", f"{rng.randrange(116, 140) / 2:.1f}"))
    return found


def dioptres(quarters: int) -> str:
    """Quarter dioptres as an optician writes them: -8 -> `-2.00`, 5 -> `+1.25`, 0 -> `0.00`."""
    sign = "-" if quarters < 0 else "+" if quarters else ""
    return f"{sign}{abs(quarters) // 4}.{abs(quarters) % 4 * 25:02d}"
