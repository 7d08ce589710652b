"""A shop of made-up products behind the least server there can be: what is measured is who reads it.

In: a number of products. Out: on one port of this machine the token endpoint and the Admin GraphQL API, as far as a paged
read of products goes: the exact count, and pages of 250 by cursor, written to a file beforehand and sent as they lie.

Run by `serving`, in a process of its own: python -m bench.shop --products N --folder DIR
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

PAGE: Final = 250
_TOKEN: Final = b'{"access_token":"bench","expires_in":86399,"scope":"read_products,read_inventory"}'
_COST: Final = (
    b',"extensions":{"cost":{"requestedQueryCost":100,"actualQueryCost":100,'
    b'"throttleStatus":{"maximumAvailable":20000.0,"currentlyAvailable":19900,"restoreRate":1000.0}}}}'
)
_WORDS: Final = [
    "light",
    "frame",
    "acetate",
    "titanium",
    "hinge",
    "lens",
    "bridge",
    "temple",
    "colour",
    "case",
    "cloth",
    "every",
    "day",
    "sun",
    "sea",
    "city",
    "classic",
    "round",
    "square",
    "hand",
    "polished",
    "coated",
    "clear",
    "dark",
    "gradient",
    "mirror",
    "prescription",
    "ready",
    "fits",
    "narrow",
    "wide",
    "face",
    "spring",
    "screw",
    "nose",
    "pad",
]
_FIRST: Final = datetime(2025, 1, 1, tzinfo=UTC)


def _product(i: int, chance: random.Random) -> dict[str, Any]:
    """One product as the connector's query selects it: about 2 KB, one variant, one image, nothing left to drain."""
    number, changed = 7_000_000_000 + i, f"{_FIRST + timedelta(seconds=7 * i):%Y-%m-%dT%H:%M:%SZ}"
    words = " ".join(chance.choices(_WORDS, k=32))
    title = f"{words.split()[0].title()} {words.split()[1]} {i}"
    end = {"hasNextPage": False, "endCursor": None}
    one = f"{300_000_000_000 + i}"
    digit = (10 - sum(int(d) * (3 if n % 2 else 1) for n, d in enumerate(one)) % 10) % 10
    return {
        "id": f"gid://shopify/Product/{number}",
        "updatedAt": changed,
        "createdAt": "2024-03-01T10:00:00Z",
        "publishedAt": "2024-03-02T10:00:00Z",
        "title": title,
        "handle": f"frame-{i}",
        "descriptionHtml": f"<p>{words}</p>",
        "vendor": chance.choice(["Northwind", "Contoso", "Fabrikam"]),
        "productType": "Sunglasses",
        "status": "ACTIVE",
        "tags": chance.sample(_WORDS, 3),
        "isGiftCard": False,
        "onlineStoreUrl": None,
        "hasOnlyDefaultVariant": False,
        "totalInventory": i % 40,
        "tracksInventory": True,
        "templateSuffix": None,
        "seo": {"title": None, "description": None},
        "category": {"id": "gid://shopify/TaxonomyCategory/aa-2-27", "fullName": "Apparel & Accessories > Sunglasses"},
        "options": [
            {"id": f"gid://shopify/ProductOption/{number}", "name": "Colour", "position": 1, "values": ["Black"]}
        ],
        **{name: {"value": value} for name, value in _FACTS.items()},
        "variants": {"nodes": [_variant(i, title, changed, f"{one}{digit}")], "pageInfo": end},
        "images": {
            "nodes": [
                {
                    "id": f"gid://shopify/ProductImage/{8_000_000_000 + i}",
                    "altText": title,
                    "url": f"https://cdn.example.com/s/files/{i}/front.jpg",
                    "width": 1200,
                    "height": 600,
                }
            ],
            "pageInfo": end,
        },
    }


_FACTS: Final = {
    "frame_shape": "round",
    "rim": "full",
    "material": "acetate",
    "rx_able": "true",
    "polarised": "false",
    "uv_category": "3",
}
_SIZES: Final = {
    "lens_width_mm": "52",
    "bridge_mm": "18",
    "temple_mm": "145",
    "lens_height_mm": "41",
    "frame_width_mm": "138",
    "colour": "black",
    "weight_g": "25",
}


def _variant(i: int, title: str, changed: str, gtin: str) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/ProductVariant/{9_000_000_000 + i}",
        "updatedAt": changed,
        "createdAt": "2024-03-01T10:00:00Z",
        "title": "Black",
        "displayName": f"{title} - Black",
        "sku": f"NW-{i}",
        "barcode": gtin,
        "price": f"{50 + i % 200}.95",
        "compareAtPrice": None if i % 3 else "300.00",
        "position": 1,
        "taxable": True,
        "availableForSale": True,
        "inventoryPolicy": "DENY",
        "inventoryQuantity": i % 40,
        "selectedOptions": [{"name": "Colour", "value": "Black"}],
        "inventoryItem": {
            "id": f"gid://shopify/InventoryItem/{6_000_000_000 + i}",
            "updatedAt": changed,
            "sku": f"NW-{i}",
            "tracked": True,
            "requiresShipping": True,
            "countryCodeOfOrigin": "IT",
            "harmonizedSystemCode": "900410",
            "unitCost": {"amount": "21.5", "currencyCode": "USD"},
            "measurement": {"weight": {"unit": "GRAMS", "value": 25.0}},
        },
        **{name: {"value": value} for name, value in _SIZES.items()},
    }


def write_pages(path: Path, products: int) -> list[tuple[int, int]]:
    """Write every page's answer, one after another; returns where each begins and how long it is."""
    chance, encode, places, at = random.Random(20260101), msgspec.json.Encoder().encode, [], 0
    with path.open("wb") as file:
        for first in range(0, products, PAGE):
            last = min(first + PAGE, products)
            info = {"hasNextPage": last < products, "endCursor": f"{last // PAGE}"}
            nodes = [_product(i, chance) for i in range(first, last)]
            answer = encode({"data": {"page": {"nodes": nodes, "pageInfo": info}}})[:-1] + _COST
            file.write(answer)
            places.append((at, len(answer)))
            at += len(answer)
    return places


class _Shop:
    """The answer to a request's path and body."""

    def __init__(self, folder: Path, products: int) -> None:
        self._products = products
        self._places = write_pages(folder / "pages", products)
        self._file = os.open(folder / "pages", os.O_RDONLY)

    def answer(self, path: bytes, body: bytes) -> bytes:
        if path.endswith(b"/access_token"):
            return _TOKEN
        if b"productsCount(" in body:
            return b'{"data":{"count":{"count":%d,"precision":"EXACT"}}%s' % (self._products, _COST)
        variables = msgspec.json.decode(body)["variables"]
        at, size = self._places[int(variables.get("after") or 0)]
        return os.pread(self._file, size, at)


class _Wire(asyncio.Protocol):
    """HTTP/1.1 with kept connections and given lengths, and nothing else of it."""

    def __init__(self, shop: _Shop) -> None:
        self._shop, self._held = shop, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (cut := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:cut]
            lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
            end = cut + 4 + (int(lengths[0].split(b":")[1]) if lengths else 0)
            if len(self._held) < end:
                return
            body, self._held = self._held[cut + 4 : end], self._held[end:]
            answer = self._shop.answer(head.split(b" ", 2)[1], body)
            date = f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S GMT}".encode()
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Shopify-API-Version: 2026-10\r\n"
                b"Date: %s\r\nContent-Length: %d\r\n\r\n" % (date, len(answer))
            )
            self._transport.write(answer)


async def _serve(folder: Path, products: int) -> None:
    shop = _Shop(folder, products)
    server = await asyncio.get_running_loop().create_server(lambda: _Wire(shop), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def serving(folder: Path, products: int) -> Iterator[str]:
    """Serve a shop for as long as the block lasts; yields its address."""
    command = [sys.executable, "-m", "bench.shop", "--products", str(products), "--folder", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait(timeout=10)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    asyncio.run(_serve(given.folder, given.products))
