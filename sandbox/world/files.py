"""A shop of the world as a retailer's own system exports it: spec in, a folder of files out, with its truth ledger beside it.

What a till and stock system writes in the United States: CSV in Windows' letters with dollar signs and dates by month first, a TSV for a
spreadsheet, a workbook of customers, orders as NDJSON by year, and Parquet from whoever wrote the last part.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.world.baskets import Line, Sale
from sandbox.world.build import random_of, trade
from sandbox.world.files_defects import Planted, plant
from sandbox.world.frames import Product, Variant
from sandbox.world.people import Person
from sandbox.world.returns import Return
from sandbox.world.spec import DefectRates, WorldSpec
from sandbox.world.truth import Truth
from sandbox.world.wire import cents, instant

Cells = dict[str, str]


def build(path: Path, spec: WorldSpec) -> Truth:
    """Write the files of `spec` into the folder `path` and its ledger beside it; returns the ledger. Equal specs give equal rows."""
    products, people, sales, returns = trade(spec)
    truth = Truth(spec.name)
    planted = plant(products, spec.defects, truth, random_of(spec, "defects"))
    path.mkdir(parents=True, exist_ok=True)
    writer = _Writer(path, spec, planted)
    writer.shop(products, people)
    for year in sorted({sale.when.year for sale in sales}):
        writer.orders(year, [sale for sale in sales if sale.when.year == year], truth)
    writer.refunds([(sale, returns[sale.id]) for sale in sales if sale.id in returns], truth)
    for file in path.iterdir():  # written when the world ends: nobody is writing them any more
        os.utime(file, (spec.anchor.timestamp(), spec.anchor.timestamp()))
    truth.save(path)
    return truth


def write_day(
    folder: Path,
    spec: WorldSpec,
    products: Sequence[Product],
    people: Sequence[Person],
    sales: Sequence[Sale],
    returns: Mapping[int, Return],
) -> None:
    """Write all that a shop knows on a day, the anchor of `spec`, into a folder: a file of each kind, without defects."""
    truth = Truth(spec.name)
    writer = _Writer(folder, spec, plant([], DefectRates.none(), truth, random_of(spec, "defects")))
    writer.shop(products, people)
    writer.orders(spec.anchor.year, sales, truth)
    writer.refunds([(sale, returns[sale.id]) for sale in sales if sale.id in returns], truth)


class _Writer:
    def __init__(self, folder: Path, spec: WorldSpec, planted: Planted) -> None:
        self._folder, self._spec, self._planted = folder, spec, planted
        self._zone = ZoneInfo(spec.timezone)
        self._day = f"{spec.anchor:%Y%m%d}"

    def shop(self, products: Sequence[Product], people: Sequence[Person]) -> None:
        self.locations(products)
        self.products(products)
        self.stock(products)
        self.customers(people)

    def locations(self, products: Sequence[Product]) -> None:
        stores = sorted({place for product in products for variant in product.variants for place in variant.stock})
        rows = [{"Store": f"{place:03}", "Name": f"Store {place}", "Country": self._spec.country} for place in stores]
        self._write("locations", ".csv", _delimited(rows, ","), "utf-8-sig")

    def products(self, products: Sequence[Product]) -> None:
        rows = [self._style(product) | self._item(variant) for product in products for variant in product.variants]
        self._write("products", ".csv", _delimited(rows, ","), "cp1252")

    def _style(self, product: Product) -> Cells:
        found = {
            "Style No": str(product.id),
            "Style Name": product.title,
            "Description": f"<p>{product.title},\n“{product.material}”, by {product.brand}.</p>",
            "Brand": product.brand,
            "Category": product.kind,
            "Tags": f"{product.kind}|{product.shape}",
            "Shape": product.shape,
            "Rim": product.rim,
            "Material": product.material,
            "Rx Able": "Y" if product.rx_able else "N",
            "Polarized": "Y" if product.polarised else "N",
            "UV Cat": "" if product.uv_category is None else str(product.uv_category),
            "Gift Card": "Y" if product.kind == "gift_card" else "N",
            "Status": "A",
            "Created": f"{product.created.astimezone(self._zone):%m/%d/%Y}",
        }
        return self._planted.spoil_product(product.id, found)

    def _item(self, variant: Variant) -> Cells:
        found = {
            "Item No": str(variant.id),
            "SKU": variant.sku,
            "UPC": variant.gtin or "",
            "Color": variant.colour,
            "Size": variant.size,
            "Price": _dollars(variant.price),
            "List Price": _dollars(variant.compare_at) if variant.compare_at else "",
            "Cost": _dollars(variant.cost),
            "A": str(variant.lens_width or ""),
            "B": str(variant.lens_height or ""),
            "DBL": str(variant.bridge or ""),
            "Temple": str(variant.temple or ""),
            "Front": str(variant.frame_width or ""),
            "Weight": str(variant.weight_g or ""),
        }
        return self._planted.spoil_variant(variant.id, found)

    def stock(self, products: Sequence[Product]) -> None:
        rows = [
            {"ITEM": str(variant.id), "STORE": f"{place:03}", "ON_HAND": str(pieces), "AVAIL": str(pieces)}
            for product in products
            for variant in product.variants
            for place, pieces in sorted(variant.stock.items())
        ]
        self._write("stock", ".tsv", _delimited(rows, "\t"), "utf-16")

    def customers(self, people: Sequence[Person]) -> None:
        from openpyxl import Workbook  # takes a while, and only this file needs it

        book = Workbook(write_only=True)
        sheet = book.create_sheet("Customers")
        rows = [self._customer(one) for one in people]
        for row in (list(rows[0]), *(list(row.values()) for row in rows)):
            sheet.append(row)
        book.save(self._folder / f"customers-{self._day}.xlsx")

    def _customer(self, one: Person) -> dict[str, Any]:
        return {
            "Customer No": number_of(one.id),
            "First": one.first,
            "Last": one.last,
            "E-mail": one.email,
            "Phone": one.phone,
            "Street": one.street,
            "City": one.city,
            "State": one.province_code,
            "ZIP": one.postcode,
            "Country": one.country,
            "Newsletter": one.marketing,
            "Since": one.joined.astimezone(self._zone).replace(tzinfo=None, microsecond=0),
        }

    def orders(self, year: int, sales: Sequence[Sale], truth: Truth) -> None:
        """A file a year; those of past years are packed, and the newest has a line that was cut."""
        lines = [json.dumps(self._order(sale), ensure_ascii=False) for sale in sales]
        past = year < self._spec.anchor.year
        name = f"orders-{year}1231.ndjson.gz" if past else f"orders-{self._day}.ndjson"
        if not past and self._planted.any:
            lines.insert(len(lines) // 2, lines[0][:40])
            truth.add("order", f"{name}/{len(lines) // 2 + 1}", "invalid_json")
        text = "".join(line + "\n" for line in lines).encode()
        (self._folder / name).write_bytes(gzip.compress(text, mtime=0) if past else text)

    def _order(self, sale: Sale) -> dict[str, Any]:
        buyer = sale.buyer
        return {
            "id": sale.id,
            "number": f"M-{sale.number}",
            "sold_at": instant(sale.when),
            "currency": self._spec.currency,
            "customer": {
                "no": None if sale.guest else number_of(buyer.id),
                "name": f"{buyer.first} {buyer.last}",
                "email": buyer.email,
            },
            "ship_to": {
                "street": buyer.street,
                "city": buyer.city,
                "state": buyer.province_code,
                "country": buyer.country,
            },
            "payment": "paid",
            "cancelled_at": instant(sale.cancelled) if sale.cancelled else None,
            "cancel_reason": sale.cancel_reason,
            "totals": {
                "goods": _money(sale.subtotal),
                "discount": _money(sum(line.discount for line in sale.lines)),
                "shipping": _money(sale.shipping),
                "tax": _money(sale.tax),
                "paid": _money(sale.total),
            },
            "lines": [_line(line) for line in sale.lines],
        }

    def refunds(self, found: Sequence[tuple[Sale, Return]], truth: Truth) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = [self._refund(sale, back) for sale, back in found]
        text = _delimited(rows, ",")
        if self._planted.any:
            text += f"*** {len(rows)} refunds\r\n"
            truth.add("refund", f"refunds-{self._day}.csv/{len(rows) + 2}", "ragged_row")
        self._write("refunds", ".csv", text, "utf-8")
        given = [
            {
                "line": one.id,
                "refund": back.id,
                "order": sale.id,
                "order_line": one.line.id,
                "qty": one.quantity,
                "goods": cents(one.subtotal),
                "tax": cents(one.tax),
                "reason": back.note or None,
            }
            for sale, back in found
            for one in back.lines
        ]
        pq.write_table(pa.Table.from_pylist(given), self._folder / f"refund-lines-{self._day}.parquet")

    def _refund(self, sale: Sale, back: Return) -> Cells:
        return {
            "Refund No": str(back.id),
            "Order": str(sale.id),
            "Refunded": f"{back.when.astimezone(self._zone):%m/%d/%Y %H:%M:%S}",
            "Paid Back": cents(back.total),
            "Shipping": cents(back.shipping),
            "Shipping Tax": cents(back.shipping_tax),
            "Adjustment": cents(back.adjustment.amount if back.adjustment else 0),
            "Adjustment Tax": cents(back.adjustment.tax if back.adjustment else 0),
        }

    def _write(self, name: str, ending: str, text: str, encoding: str) -> None:
        (self._folder / f"{name}-{self._day}{ending}").write_bytes(text.encode(encoding))


def _line(line: Line) -> dict[str, Any]:
    properties = {key.lower(): value for key, value in line.properties}
    return {
        "id": line.id,
        "style": line.product.id,
        "item": line.variant.id,
        "sku": line.variant.sku,
        "name": line.product.title,
        "qty": line.quantity,
        "price": _money(line.unit_price),
        "discount": _money(line.discount),
        "tax": _money(line.tax),
        "rx": bool(properties),
        "lens": properties.get("lens type"),
    }


def _money(amount: int) -> float:
    """Cents as JSON writers of tills write them: a number, and no text."""
    return amount / 100


def _dollars(amount: int) -> str:
    return f"${amount // 100:,}.{amount % 100:02}"


def number_of(id: int) -> str:
    """A customer's number as the till has it, with its leading zeros."""
    return f"{id:016}"


def _delimited(rows: Iterable[Cells], delimiter: str) -> str:
    text = io.StringIO(newline="")
    made = list(rows)
    writer = csv.DictWriter(text, list(made[0]), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(made)
    return text.getvalue()
