"""The whole of UCI Online Retail: the shop's figures equal a recount in SQL from the daily files, to the penny."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import orjson
import pytest

from sandbox.stores.countries import CODES
from sandbox.stores.line_kinds import LineKinds, load_rules

Read = Callable[[Path, str], dict[str, dict[str, Any]]]
_LINES = """
CREATE TABLE line AS
SELECT InvoiceNo AS invoice, StockCode AS code, CAST(Quantity AS INTEGER) AS quantity, InvoiceDate AS moment,
       CAST(UnitPrice AS DECIMAL(12, 3)) AS price, CustomerID AS customer, Country AS country
FROM read_csv(?, all_varchar = true, header = true, delim = ',', quote = '"')
"""
# Thousandths of a pound, rounded half-even to pennies in whole numbers.
_PENNIES = """
CREATE MACRO pennies(milli) AS milli // 10 + CASE WHEN milli % 10 > 5 OR (milli % 10 = 5 AND (milli // 10) % 2 = 1)
                                                  THEN 1 ELSE 0 END
"""
_ACCEPTED = """
CREATE VIEW accepted AS
SELECT *, pennies(CAST(price * 1000 AS BIGINT) * quantity) AS pence FROM line
WHERE NOT regexp_matches(invoice, '^[CA]') AND quantity > 0 AND price > 0
"""
# Along time the balance of pieces a customer holds of a code at a price falls below its own lowest point by exactly the
# pieces of a credit line that no earlier sale answers for; at one timestamp credits come before sales, for a sale must
# be strictly earlier.
_MATCHED = """
WITH moves AS (
    SELECT customer, code, price, moment, 1 AS side, quantity AS pieces FROM accepted WHERE customer IS NOT NULL
    UNION ALL
    SELECT customer, code, price, moment, 0, quantity FROM line WHERE invoice LIKE 'C%' AND customer IS NOT NULL
), numbered AS (SELECT *, row_number() OVER () AS place FROM moves),
held AS (
    SELECT *, sum(pieces) OVER along AS balance FROM numbered
    WINDOW along AS (PARTITION BY customer, code, price ORDER BY moment, side, place ROWS UNBOUNDED PRECEDING)
), lowest AS (
    SELECT *, least(0, min(balance) OVER along) AS low FROM held
    WINDOW along AS (PARTITION BY customer, code, price ORDER BY moment, side, place ROWS UNBOUNDED PRECEDING)
), lost AS (
    SELECT *, coalesce(lag(low) OVER along, 0) - low AS missing FROM lowest
    WINDOW along AS (PARTITION BY customer, code, price ORDER BY moment, side, place)
)
SELECT sum((-pieces - missing) * price), count(*) FROM lost WHERE side = 0 AND -pieces > missing
"""


@pytest.fixture(scope="module")
def recount(invoice_files: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The daily files in a DuckDB of their own."""
    with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as db:
        db.execute(_LINES, [str(invoice_files / "*.csv")])
        db.execute(_PENNIES)
        db.execute(_ACCEPTED)
        yield db


class Line(NamedTuple):
    """A line item of the store."""

    sku: str
    quantity: int
    current: int
    price: str
    total: str


@pytest.fixture(scope="module")
def lines(loaded: Any) -> dict[str, Line]:
    """gid -> line, read once: there are half a million."""
    found: dict[str, Line] = {}
    with sqlite3.connect(loaded.path) as db:
        for gid, text in db.execute("SELECT gid, body FROM node WHERE type = 'LineItem'"):
            body = orjson.loads(text)
            amounts = (body[name]["shopMoney"]["amount"] for name in ("originalUnitPriceSet", "originalTotalSet"))
            found[gid] = Line(body["sku"], body["quantity"], body.get("currentQuantity", body["quantity"]), *amounts)
    return found


def one(db: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    found = db.execute(sql).fetchone()
    assert found is not None
    return found


def test_accepted_lines_and_gross(loaded: Any, recount: Any) -> None:
    lines, pence = one(recount, "SELECT count(*), sum(pence) FROM accepted")
    assert (loaded.ledger.accepted.lines, loaded.ledger.accepted.value) == (lines, Decimal(pence) / 100)
    assert (lines, pence) == (530_103, 1_065_562_248)


def test_orders_and_their_totals_in_the_store(loaded: Any, recount: Any, read: Read) -> None:
    orders, pence = one(recount, "SELECT count(DISTINCT invoice), sum(pence) FROM accepted")
    bodies = read(loaded.path, "Order").values()
    assert len(bodies) == loaded.ledger.orders == orders == 19_959
    assert sum(Decimal(b["totalPriceSet"]["shopMoney"]["amount"]) for b in bodies) == Decimal(pence) / 100


def test_lines_in_the_store_carry_each_price_of_the_files(lines: dict[str, Line], recount: Any) -> None:
    stored = Counter((i.sku, i.quantity, Decimal(i.price), Decimal(i.total)) for i in lines.values())
    files = recount.execute("SELECT code, quantity, price, pence, count(*) FROM accepted GROUP BY ALL").fetchall()
    assert stored == {(code, n, price, Decimal(pence) / 100): count for code, n, price, pence, count in files}


def test_codes_that_do_not_start_with_five_digits(loaded: Any, recount: Any) -> None:
    other = "FROM accepted WHERE NOT regexp_matches(code, '^[0-9]{5}')"
    lines, pence = one(recount, f"SELECT count(*), sum(pence) {other}")
    assert (loaded.ledger.other_codes.lines, loaded.ledger.other_codes.value) == (lines, Decimal(pence) / 100)
    assert (lines, pence) == (2_378, 38_458_787)


def test_every_code_of_the_files_has_a_line_kind(recount: Any) -> None:
    kinds = LineKinds(load_rules("uci"))
    codes = [row[0] for row in recount.execute("SELECT DISTINCT code FROM line").fetchall()]
    assert "unknown" not in {kinds.of(code) for code in codes}
    odd = [code for code in codes if not re.match(r"\d{5}", code)]
    assert len(odd) == 33
    assert {kinds.of(code) for code in odd} == {"product", "postage", "fee", "adjustment", "gift_card", "manual"}


def test_refused_lines(loaded: Any) -> None:
    assert {reason: tally.lines for reason, tally in loaded.ledger.refused.items()} == {
        "quantity not positive": 1_336, "price not positive": 1_179, "adjustment of bad debt (A)": 3,
    }  # fmt: skip
    assert (loaded.ledger.credits.lines, loaded.ledger.credits.value) == (9_288, Decimal("896812.49"))


def test_credit_notes_matched_agree_with_sql_and_with_the_store(loaded: Any, recount: Any, read: Read) -> None:
    amount, lines = one(recount, _MATCHED)
    ledger = loaded.ledger
    assert (ledger.matched.value, ledger.matched_lines) == (amount.quantize(Decimal("0.01")), lines)
    assert (amount, lines) == (Decimal("464214.270"), 7_232)
    rows = read(loaded.path, "RefundLineItem").values()
    assert sum(Decimal(row["subtotalSet"]["shopMoney"]["amount"]) for row in rows) == ledger.matched.value
    refunds = read(loaded.path, "Refund").values()
    assert sum(Decimal(r["totalRefundedSet"]["shopMoney"]["amount"]) for r in refunds) == ledger.matched.value
    left = sum(tally.value for tally in ledger.unmatched.values())
    assert ledger.credits.value == ledger.matched.value + left


def test_refunds_come_after_their_sale_and_never_exceed_it(loaded: Any, lines: dict[str, Line], read: Read) -> None:
    orders, refunds = read(loaded.path, "Order"), read(loaded.path, "Refund")
    assert all(r["processedAt"] > orders[r["order"]["id"]]["processedAt"] for r in refunds.values())
    taken: Counter[str] = Counter()
    for row in read(loaded.path, "RefundLineItem").values():
        taken[row["lineItem"]["id"]] += row["quantity"]
    for gid, pieces in taken.items():
        assert lines[gid].current == lines[gid].quantity - pieces >= 0


def test_two_timestamps_and_duplicates_of_the_files_are_kept(lines: dict[str, Line], recount: Any) -> None:
    (late,) = one(
        recount, "SELECT count(*) FROM (SELECT invoice FROM accepted GROUP BY 1 HAVING count(DISTINCT moment) > 1)"
    )
    (twice,) = one(
        recount,
        "SELECT sum(n - 1) FROM (SELECT count(*) AS n FROM accepted GROUP BY invoice, code, quantity, moment, price,"
        " customer, country)",
    )
    assert late > 0
    assert twice > 5_000
    assert len(lines) == 530_103


def test_every_country_has_an_entry(recount: Any) -> None:
    names = {row[0] for row in recount.execute("SELECT DISTINCT country FROM line").fetchall()}
    assert names == set(CODES)
