"""Files that nobody here wrote: a shop's catalogue as CSV, and a year of its invoices, day by day, to the last penny."""

from __future__ import annotations

import csv
import io
import tarfile
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pytest

from tests.unit.sources.files.conftest import Desk

CATALOGUE = {
    "files": "*.csv",
    "kind": "full",
    "symbol": "$",
    "thousands": ",",
    "id": ["img"],
    "fields": {"title": "name", "price": "listPrice", "product_id": "modelName", "colour": "localizedColorLabel"},
}
LINES = {
    "files": "*.csv",
    "kind": "delta",
    "dated": "%Y-%m-%d",
    "id": ["InvoiceNo", "StockCode", "Quantity", "UnitPrice"],
    "subject": "CustomerID",
    "fields": {
        "order_id": "InvoiceNo",
        "sku": "StockCode",
        "title": "Description",
        "quantity": "Quantity",
        "unit_price": "UnitPrice",
    },
}


@pytest.mark.parametrize("name", ["products-men-raw.1f58cce.csv", "products-women-raw.0b2d72f.csv"])
def test_a_catalogue_with_a_mark_and_dollars_is_read_as_it_is(shared_data: Path, name: str) -> None:
    text = (shared_data / "catalog_sunglasses" / name).read_bytes()
    with (shared_data / "catalog_sunglasses" / name).open(encoding="utf-8-sig", newline="") as file:
        known = list(csv.DictReader(file))
    desk = Desk("variants", CATALOGUE)
    desk.drop.lay(name, text)
    read = desk.read()
    assert read.cells == known
    assert read.refused == []
    rows, lost = desk.mapped(read.data)
    assert (len(rows), lost) == (len(known), [])
    prices = [Decimal(row["listPrice"].replace("$", "").replace(",", "")) for row in known]
    assert [row["price"] for row in rows] == prices


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_year_of_invoices_comes_to_its_control_total(shared_data: Path) -> None:
    """541,909 lines, of which 530,103 are sales, worth GBP 10,655,622.48, each rounded half-even by itself."""
    desk = Desk("order-lines", LINES)
    with tarfile.open(shared_data / "orders_uci" / "by-day.tar.gz") as packed:
        for member in packed:
            file = packed.extractfile(member)
            if file is not None:
                desk.drop.lay(Path(member.name).name, file.read())
    read = desk.read()
    assert (len(read.lines), read.refused) == (541_909, [])
    days = [one["file"] for one in read.lines]
    assert days == sorted(days)
    first = next(iter(desk.drop.held.values()))[0].decode()
    known = list(csv.DictReader(io.StringIO(first, newline="")))
    landed = [one["cells"] | one["person"] for one in read.lines if one["file"] == next(iter(desk.drop.held))]
    assert landed == known
    rows, lost = desk.mapped(read.data)
    assert (len(rows), lost) == (541_909, [])
    sold = [row for row in rows if row["order_id"][0] not in "CA" and row["quantity"] > 0 and row["unit_price"] > 0]
    assert (len(sold), sum(row["gross_minor"] for row in sold)) == (530_103, 1_065_562_248)
    exact = sum(
        (row["unit_price"] * row["quantity"]).quantize(Decimal("0.01"), ROUND_HALF_EVEN) for row in sold[:2_000]
    )
    assert exact * 100 == sum(row["gross_minor"] for row in sold[:2_000])
