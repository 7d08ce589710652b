"""What the demo prints of a report can be read in a narrow terminal, and says what its figures leave out."""

from __future__ import annotations

import pytest
from rich.console import Console

from sandbox.stack.merchant import LAST_DAY, sales
from varai.cli.tables import wide_console

ROW = {"period": "2026-10-01", "currency": "EUR", "orders": 174, "units": 290} | dict.fromkeys(
    ("gross", "discounts", "returns", "net", "tax", "shipping", "total"), "123456.78"
)


def printed(orders: int, unknown: int, returns: int, value: dict[str, str], *, simulated: bool = True) -> str:
    """The table of a month's report with so much withheld, as a terminal shows it, in one line."""
    withheld = {"orders": orders, "unknown_value": unknown, "value": value, "returns": {"count": returns}}
    known = {"as_of": "2026-11-10T12:00:00", "complete_until": None, "history_from": "2024-11-01T00:00:00"}
    console = wide_console()
    with console.capture() as capture:
        console.print(sales("sales", {**known, "withheld": withheld, "rows": [ROW]}, simulated=simulated))
    return " ".join(capture.get().split())


def test_no_cell_is_cut_in_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert Console().width == 80
    told = printed(0, 0, 0, {})
    assert "…" not in told
    assert "2026-10 " in told
    assert "2026-10-01" not in told  # a month is no day
    assert told.count("123456.78") == 7


@pytest.mark.parametrize(
    ("withheld", "sentence"),
    [
        ((11, 7, 1, {"USD": "840.95"}), "11 orders (4 worth 840.95 USD, 7 of unknown value) and 1 refund of theirs"),
        ((1, 0, 0, {"EUR": "5.00"}), "1 order (1 worth 5.00 EUR) and 0 refunds of theirs"),
        ((2, 2, 3, {}), "2 orders (2 of unknown value) and 3 refunds of theirs"),
        ((0, 0, 0, {}), "0 orders and 0 refunds of theirs"),
    ],
)
def test_orders_of_unknown_value_are_not_said_to_be_worth_what_the_others_are(
    withheld: tuple[int, int, int, dict[str, str]], sentence: str
) -> None:
    assert f"withheld over the whole history: {sentence}" in printed(*withheld)


def test_where_the_simulated_history_ends_is_said_of_simulated_shops_alone() -> None:
    assert f"{LAST_DAY:%Y-%m-%d}" in printed(0, 0, 0, {})
    assert f"{LAST_DAY:%Y-%m-%d}" not in printed(0, 0, 0, {}, simulated=False)
