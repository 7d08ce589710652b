"""Single laws of the UCI shop, each on a handful of lines."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.stores import uci

Archive = Callable[[Sequence[str]], Path]
Read = Callable[[Path, str], dict[str, dict[str, Any]]]


def line(invoice: str, code: str, quantity: int, when: str, price: str, customer: str = "17850.0") -> str:
    return f"{invoice},{code},THING {code},{quantity},2011-{when}:00,{price},{customer},United Kingdom"


@pytest.fixture
def load(archive: Archive, tmp_path: Path) -> Callable[..., tuple[Path, Any]]:
    def run(*lines: str) -> tuple[Path, Any]:
        path = tmp_path / "uci.sqlite"
        return path, uci.load(path, archive(lines), client_id="id", client_secret="secret")

    return run


def test_london_summer_time_becomes_utc_and_the_earliest_timestamp_wins(load: Any, read: Read) -> None:
    path, _ = load(
        line("540001", "85123A", 1, "07-01 10:01", "2.55"),
        line("540001", "71053", 1, "07-01 10:00", "2.55"),
        line("540002", "71053", 1, "01-15 10:00", "2.55"),
    )
    orders = read(path, "Order")
    assert orders["gid://shopify/Order/540001"]["processedAt"] == "2011-07-01T09:00:00Z"
    assert orders["gid://shopify/Order/540002"]["processedAt"] == "2011-01-15T10:00:00Z"


def test_duplicates_stay_and_prices_keep_their_text(load: Any, read: Read) -> None:
    path, ledger = load(*[line("540001", "85123A", 3, "07-01 10:00", "0.001")] * 2)
    lines = list(read(path, "LineItem").values())
    assert [i["originalUnitPriceSet"]["shopMoney"]["amount"] for i in lines] == ["0.001", "0.001"]
    assert [i["originalTotalSet"]["shopMoney"]["amount"] for i in lines] == ["0.00", "0.00"]
    assert (ledger.accepted.lines, ledger.accepted.value) == (2, Decimal("0.00"))


def test_amounts_round_half_even_once_per_line(load: Any, read: Read) -> None:
    path, _ = load(
        line("540001", "71053", 5, "07-01 10:00", "0.001"), line("540001", "71054", 15, "07-01 10:00", "0.001")
    )
    assert [i["originalTotalSet"]["shopMoney"]["amount"] for i in read(path, "LineItem").values()] == ["0.00", "0.02"]
    assert read(path, "Order")["gid://shopify/Order/540001"]["totalPriceSet"]["shopMoney"]["amount"] == "0.02"


def test_refused_lines_go_to_the_ledger_and_make_no_order(load: Any, read: Read) -> None:
    path, ledger = load(
        line("540001", "71053", -2, "07-01 10:00", "0.0"),
        line("540002", "71053", 2, "07-01 10:00", "0.0"),
        line("A540003", "B", 1, "07-01 10:00", "-11062.06"),
        line("540004", "71053", 2, "07-01 10:00", "1.25"),
    )
    assert list(read(path, "Order")) == ["gid://shopify/Order/540004"]
    assert {reason: tally.lines for reason, tally in ledger.refused.items()} == {
        "quantity not positive": 1, "price not positive": 1, "adjustment of bad debt (A)": 1,
    }  # fmt: skip
    with path.with_suffix(".ledger.csv").open(newline="") as file:
        assert [row["invoice"] for row in csv.DictReader(file)] == ["540001", "540002", "A540003"]


def test_products_are_products_and_other_codes_are_custom_lines(load: Any, read: Read) -> None:
    path, _ = load(
        line("540001", "85123A", 1, "07-01 10:00", "2.55"),
        line("540001", "POST", 1, "07-01 10:00", "18.0"),
        line("540001", "gift_0001_20", 1, "07-01 10:00", "16.67"),
    )
    lines = {i["sku"]: i for i in read(path, "LineItem").values()}
    assert [v["sku"] for v in read(path, "ProductVariant").values()] == ["85123A"]
    assert lines["85123A"]["variant"]["id"] in read(path, "ProductVariant")
    assert all(lines[code].get("variant") is None for code in ("POST", "gift_0001_20"))
    assert lines["gift_0001_20"]["isGiftCard"]
    assert not lines["POST"].get("isGiftCard")


def test_a_code_without_a_kind_is_refused_with_the_file_to_mend(load: Any) -> None:
    with pytest.raises(ValueError, match=r"'WHAT'.*uci\.toml"):
        load(line("540001", "WHAT", 1, "07-01 10:00", "1.0"))


def test_credit_takes_the_latest_earlier_sale_first_and_uses_pieces_up(load: Any, read: Read) -> None:
    path, ledger = load(
        line("540001", "71053", 5, "07-01 10:00", "2.0"),
        line("540002", "71053", 2, "07-02 10:00", "2.0"),
        line("C540003", "71053", -3, "07-03 10:00", "2.0"),
        line("540004", "71053", 9, "07-03 10:00", "2.0"),  # at the same time: not earlier
        line("C540005", "71053", -6, "07-03 10:00", "2.0"),
    )
    refunds = read(path, "Refund")
    given = [(r["order"]["id"], r["note"], r["totalRefundedSet"]["shopMoney"]["amount"]) for r in refunds.values()]
    order = "gid://shopify/Order/"
    assert sorted(given) == [
        (f"{order}540001", "C540003", "2.00"),
        (f"{order}540001", "C540005", "8.00"),
        (f"{order}540002", "C540003", "4.00"),
    ]
    assert (ledger.matched_lines, ledger.matched.value) == (2, Decimal("14.00"))
    assert {why: (t.lines, t.value) for why, t in ledger.unmatched.items()} == {
        "more pieces than were sold": (1, Decimal("4.0"))
    }
    states = {gid: body["displayFinancialStatus"] for gid, body in read(path, "Order").items()}
    assert states == {f"{order}540001": "REFUNDED", f"{order}540002": "REFUNDED", f"{order}540004": "PAID"}


@pytest.mark.parametrize(
    "credit",
    [
        line("C540003", "71053", -1, "07-03 10:00", "2.0", "12345.0"),
        line("C540003", "71053", -1, "07-03 10:00", "2.1"),
        line("C540003", "71054", -1, "07-03 10:00", "2.0"),
        line("C540003", "71053", -1, "06-30 10:00", "2.0"),
    ],
    ids=["another customer", "another price", "another code", "before the sale"],
)
def test_credit_that_answers_no_sale_stays_in_the_ledger(load: Any, read: Read, credit: str) -> None:
    path, ledger = load(line("540001", "71053", 5, "07-01 10:00", "2.0"), credit)
    assert read(path, "Refund") == {}
    assert list(ledger.unmatched) == ["no earlier sale"]


def test_an_unknown_customer_never_matches(load: Any, read: Read) -> None:
    path, ledger = load(
        line("540001", "71053", 5, "07-01 10:00", "2.0", ""), line("C540003", "71053", -1, "07-03 10:00", "2.0", "")
    )
    assert read(path, "Refund") == {}
    assert list(ledger.unmatched) == ["customer unknown"]
    assert read(path, "Order")["gid://shopify/Order/540001"]["customer"] is None


def test_customers_are_a_number_and_a_country(load: Any, read: Read) -> None:
    path, _ = load(line("540001", "71053", 5, "07-01 10:00", "2.0"))
    (customer,) = read(path, "Customer").values()
    assert customer["legacyResourceId"] == "17850"
    assert (customer["email"], customer["phone"], customer["lastName"]) == (None, None, None)
    assert customer["defaultAddress"]["countryCodeV2"] == "GB"


def test_a_missing_archive_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="give the folder"):
        uci.load(tmp_path / "uci.sqlite", tmp_path, client_id="id", client_secret="secret")
