"""Node bodies of the catalogue: locations, products, variants, images, inventory items and levels.

In: frames of the world. Out: dicts with Shopify's GraphQL field names and wire scalars.
"""

from __future__ import annotations

from sandbox.world.frames import Product, Variant
from sandbox.world.people import COUNTRIES
from sandbox.world.spec import WorldSpec
from sandbox.world.wire import Body, cents, gid, instant, money

_CITY = {"US": "Chicago", "DE": "Berlin", "AT": "Wien"}
_ROLE = ("Warehouse", "Main street", "Station")
VIEWS = ("front", "angle", "side")


def location_body(spec: WorldSpec, place: int, position: int) -> Body:
    """A warehouse or a shop floor."""
    number = place
    return {
        "id": gid("Location", number),
        "legacyResourceId": str(number),
        "name": f"{_CITY[spec.country]} {_ROLE[position]}",
        "isActive": True,
        "fulfillsOnlineOrders": position == 0,
        "shipsInventory": position == 0,
        "hasActiveInventory": True,
        "isFulfillmentService": False,
        "deactivatedAt": None,
        "address": {
            "city": _CITY[spec.country],
            "country": COUNTRIES[spec.country],
            "countryCode": spec.country,
            "formatted": [_CITY[spec.country], COUNTRIES[spec.country]],
        },
    }


def product_body(product: Product) -> Body:
    """A product without its variants and images."""
    stock = sum(sum(variant.stock.values()) for variant in product.variants)
    frame = product.kind != "gift_card"
    return {
        "id": gid("Product", product.id),
        "legacyResourceId": str(product.id),
        "title": product.title,
        "handle": product.handle,
        "vendor": product.brand,
        "descriptionHtml": _description(product),
        "productType": {"sun": "Sunglasses", "optical": "Glasses", "gift_card": "Gift card"}[product.kind],
        "status": "ACTIVE",
        "isGiftCard": not frame,
        "publishedAt": instant(product.created),
        "tags": _tags(product),
        "hasOnlyDefaultVariant": False,
        "tracksInventory": frame,
        "totalInventory": stock,
        "options": _options(product),
        "onlineStoreUrl": None,
        "templateSuffix": None,
        "metafields": _product_facts(product) if frame else {},
    }


def _description(product: Product) -> str:
    if product.kind == "gift_card":
        return "<p>A gift card for frames and lenses.</p>"
    use = "sunglasses" if product.kind == "sun" else "glasses"
    return (
        f"<p>{product.title}: {product.shape} {use} in {product.material}, {product.rim} rim.</p>"
        "<p>Comes with a case and a cloth.</p>"
    )


def _tags(product: Product) -> list[str]:
    words = (product.kind.replace("_", "-"), product.shape, product.material, "polarised" if product.polarised else "")
    return sorted(word for word in words if word)


def _options(product: Product) -> list[Body]:
    if product.kind == "gift_card":
        return [_option(product, 1, "Value", [cents(v.price) for v in product.variants])]
    colours = list(dict.fromkeys(variant.colour for variant in product.variants))
    sizes = list(dict.fromkeys(variant.size for variant in product.variants))
    return [_option(product, 1, "Colour", colours), _option(product, 2, "Size", sizes)]


def _option(product: Product, position: int, name: str, values: list[str]) -> Body:
    return {
        "id": gid("ProductOption", product.id * 10 + position),
        "name": name,
        "position": position,
        "values": values,
    }


def _product_facts(product: Product) -> dict[str, str]:
    facts = {
        "eyewear.frame_shape": product.shape,
        "eyewear.rim": product.rim,
        "eyewear.material": product.material,
        "eyewear.rx_able": str(product.rx_able).lower(),
        "eyewear.polarised": str(product.polarised).lower(),
    }
    if product.uv_category is not None:
        facts["eyewear.uv_category"] = str(product.uv_category)
    return facts


def variant_body(product: Product, variant: Variant, currency: str) -> Body:
    """A variant; its inventory item is named with cost and weight, as a nested read gives it."""
    frame = product.kind != "gift_card"
    title = f"{variant.colour} / {variant.size}" if frame else cents(variant.price)
    chosen = {"Colour": variant.colour, "Size": variant.size} if frame else {"Value": cents(variant.price)}
    stock = sum(variant.stock.values())
    return {
        "id": gid("ProductVariant", variant.id),
        "legacyResourceId": str(variant.id),
        "title": title,
        "displayName": f"{product.title} - {title}",
        "sku": variant.sku,
        "barcode": variant.gtin,
        "price": cents(variant.price),
        "compareAtPrice": None if variant.compare_at is None else cents(variant.compare_at),
        "position": variant.position,
        "taxable": frame,
        "inventoryPolicy": "DENY",
        "inventoryQuantity": stock,
        "sellableOnlineQuantity": stock,
        "availableForSale": stock > 0 or not frame,
        "requiresComponents": False,
        "selectedOptions": [{"name": name, "value": value} for name, value in chosen.items()],
        "product": {"id": gid("Product", product.id)},
        "inventoryItem": {"id": gid("InventoryItem", variant.item_id), **_cost_and_weight(variant, currency)},
        "metafields": _variant_facts(variant) if frame else {},
    }


def _variant_facts(variant: Variant) -> dict[str, str]:
    return {
        "eyewear.lens_width_mm": str(variant.lens_width),
        "eyewear.bridge_mm": str(variant.bridge),
        "eyewear.temple_mm": str(variant.temple),
        "eyewear.lens_height_mm": str(variant.lens_height),
        "eyewear.frame_width_mm": str(variant.frame_width),
        "eyewear.colour": variant.colour,
        "eyewear.weight_g": str(variant.weight_g),
    }


def _cost_and_weight(variant: Variant, currency: str) -> Body:
    weight = {"unit": "GRAMS", "value": float(variant.weight_g)}
    return {
        "unitCost": money(cents(variant.cost), currency) if variant.cost else None,
        "measurement": {"id": gid("InventoryItemMeasurement", variant.item_id), "weight": weight},
    }


def item_body(product: Product, variant: Variant, currency: str) -> Body:
    """The inventory item of a variant."""
    frame = product.kind != "gift_card"
    return {
        "id": gid("InventoryItem", variant.item_id),
        "legacyResourceId": str(variant.item_id),
        "sku": variant.sku,
        "tracked": frame,
        "requiresShipping": frame,
        "duplicateSkuCount": 0,
        "variant": {"id": gid("ProductVariant", variant.id)},
        **_cost_and_weight(variant, currency),
    }


def level_body(level: str, item: int, place: int, available: int) -> Body:
    """Stock of an item at a location."""
    counts = {"available": available, "on_hand": available, "committed": 0}
    return {
        "id": level,
        "isActive": True,
        "canDeactivate": True,
        "location": {"id": gid("Location", place)},
        "item": {"id": gid("InventoryItem", item)},
        "quantities": [
            {"id": f"{level}&name={name}", "name": name, "quantity": count} for name, count in counts.items()
        ],
    }


def image_body(spec: WorldSpec, product: Product, position: int) -> Body:
    """A picture of a product; the address is of example.com and answers nobody."""
    view = VIEWS[position]
    return {
        "id": gid("ProductImage", product.id * 10 + position),
        "altText": f"{product.title}, {view}",
        "url": f"https://cdn.example.com/{spec.name}/{product.handle}-{view}.jpg",
        "width": 1200,
        "height": 800,
    }
