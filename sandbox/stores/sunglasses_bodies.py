"""Node bodies of the sunglasses shop. In: pairs. Out: dicts as Shopify's GraphQL writes them, money in USD.

One product per GTIN with one variant; their numbers are the GTIN's own, so a GTIN keeps its gids for ever.
"""

from __future__ import annotations

from sandbox.stores.captures import Pair
from sandbox.world.spec import ANCHOR
from sandbox.world.wire import Body, gid, instant, level_gid

CURRENCY = "USD"
LOCATION = 1
IN_STOCK = 1
"""The lists say only whether a pair is out of stock: 0 pieces then, else 1, the least that is true."""


def number(gtin: str) -> int:
    """The number of a GTIN's product, variant and inventory item."""
    return int(gtin)


def product_gid(gtin: str) -> str:
    """The gid of a GTIN's product."""
    return gid("Product", number(gtin))


def pieces(pair: Pair) -> int:
    """Stock at the one location."""
    return 0 if pair.out_of_stock else IN_STOCK


def location_body() -> Body:
    """The one place that holds stock."""
    return {
        "id": gid("Location", LOCATION),
        "name": "Online warehouse",
        "isActive": True,
        "fulfillsOnlineOrders": True,
        "shipsInventory": True,
        "hasActiveInventory": True,
        "isFulfillmentService": False,
        "deactivatedAt": None,
        "address": {"country": "United States", "countryCode": "US", "formatted": ["United States"]},
    }


def product_body(pair: Pair) -> Body:
    """The product: name, brand and what holds for all its lenses."""
    identity = number(pair.gtin)
    flags = (("customisable", pair.customisable), ("engravable", pair.engravable), ("junior", pair.junior))
    facts = {"eyewear.rx_able": str(bool(pair.rx_label)).lower(), "eyewear.polarised": str(pair.polarised).lower()}
    options = (("Colour", pair.colour), ("Lens colour", pair.lens_colour))
    return {
        "id": gid("Product", identity),
        # Shopify refuses a product without a title; the one that the files leave unnamed is called by brand and GTIN.
        "title": pair.name or f"{pair.brand} {pair.gtin}",
        "handle": f"sunglasses-{pair.gtin}",
        "vendor": pair.brand,
        "productType": "Sunglasses",
        "descriptionHtml": "",
        "status": "ACTIVE",
        "isGiftCard": False,
        "publishedAt": instant(ANCHOR),
        "tags": [*(name for name, on in flags if on), *([pair.rx_label] if pair.rx_label else [])],
        "hasOnlyDefaultVariant": False,
        "tracksInventory": True,
        "totalInventory": pieces(pair),
        "metafields": facts,
        "options": [
            {
                "id": gid("ProductOption", identity * 10 + position),
                "name": name,
                "position": position,
                "values": [value],
            }
            for position, (name, value) in enumerate(options, 1)
        ],
    }


def variant_body(pair: Pair) -> Body:
    """The variant: GTIN, price and list price, colours."""
    identity, stock = number(pair.gtin), pieces(pair)
    title = f"{pair.colour} / {pair.lens_colour}"
    return {
        "id": gid("ProductVariant", identity),
        "title": title,
        "displayName": f"{pair.name} - {title}",
        "sku": pair.digits,
        "barcode": pair.gtin,
        "price": f"{pair.price:.2f}",
        "compareAtPrice": None if pair.compare_at is None else f"{pair.compare_at:.2f}",
        "position": 1,
        "taxable": True,
        "inventoryPolicy": "DENY",
        "inventoryQuantity": stock,
        "sellableOnlineQuantity": stock,
        "availableForSale": stock > 0,
        "requiresComponents": False,
        "product": {"id": gid("Product", identity)},
        "selectedOptions": [
            {"name": "Colour", "value": pair.colour},
            {"name": "Lens colour", "value": pair.lens_colour},
        ],
        "inventoryItem": {"id": gid("InventoryItem", identity), "unitCost": None},
        "metafields": {"eyewear.colour": pair.colour, "eyewear.lens_colour": pair.lens_colour},
    }


def image_body(pair: Pair) -> Body:
    """The picture the list links; nobody fetches it."""
    return {
        "id": gid("ProductImage", number(pair.gtin)),
        "url": pair.image,
        "altText": pair.name,
        "width": 640,
        "height": None,
    }


def item_body(pair: Pair) -> Body:
    """The inventory item."""
    return {
        "id": gid("InventoryItem", number(pair.gtin)),
        "sku": pair.digits,
        "tracked": True,
        "requiresShipping": True,
        "unitCost": None,
    }


def stock_gid(pair: Pair) -> str:
    """The inventory level's gid."""
    return level_gid(number(pair.gtin), number(pair.gtin))


def level_body(pair: Pair) -> Body:
    """Stock at the one location."""
    stock = pieces(pair)
    return {
        "id": stock_gid(pair),
        "isActive": True,
        "canDeactivate": True,
        "location": {"id": gid("Location", LOCATION)},
        "item": {"id": gid("InventoryItem", number(pair.gtin))},
        "quantities": [
            {"name": "available", "quantity": stock},
            {"name": "on_hand", "quantity": stock},
            {"name": "committed", "quantity": 0},
        ],
    }
