"""The matrix is whole: a row per connector, faults that every vendor's switch knows or says no to, and cells that can be named."""

from __future__ import annotations

import io
import json
from collections.abc import Collection
from importlib import import_module

import pytest
from rich.console import Console

from sandbox.prove import dropped
from sandbox.prove.columns import COLUMNS
from sandbox.prove.holdings import differences
from sandbox.prove.marks import CONVERGED, CRASHED, IDLE, LOST, SENSELESS, STOPPED, STUCK, Result
from sandbox.prove.matrix import Matrix, NoSuchCell, chosen
from sandbox.prove.rows import ROWS, WEBHOOKS
from sandbox.prove.shown import as_json, show
from sandbox.vendors import rest
from sandbox.vendors.faults import Faults, fault_of
from varai.sources import connectors, webhook_vendors


@pytest.mark.parametrize("name", connectors())
def test_every_connector_has_a_row(name: str) -> None:
    assert name in ROWS, f"Add an entry for {name} to sandbox/prove/rows.py."


@pytest.mark.parametrize("vendor", ROWS)
def test_a_vendors_switch_knows_every_fault_that_makes_sense(vendor: str) -> None:
    kinds: Collection[str] = dropped.FAULTS
    if ROWS[vendor].deliver is None:
        try:
            kinds = import_module(f"sandbox.vendors.{vendor}.faults").KINDS
        except ModuleNotFoundError:
            kinds = rest.KINDS
    wanted = {
        fault.kind for name, column in COLUMNS.items() if name not in ROWS[vendor].senseless for fault in column.faults
    }
    assert wanted <= set(kinds)
    assert ROWS[vendor].senseless.keys() <= COLUMNS.keys()
    assert all(reason.endswith(".") for reason in ROWS[vendor].senseless.values())


def test_whoever_sends_webhooks_tells_in_the_matrix_too() -> None:
    assert {name for name, column in COLUMNS.items() if column.comes} == set(WEBHOOKS)
    told = {name for name, row in ROWS.items() if row.topic is not None}
    assert told == {name for name in ROWS if name in webhook_vendors()}
    for name, row in ROWS.items():
        assert (row.senseless.keys() >= set(WEBHOOKS)) == (name not in told)
        assert row.senseless.keys().isdisjoint(WEBHOOKS) == (name in told)


def test_cells_are_chosen_by_row_and_column() -> None:
    assert chosen("") == {name: list(COLUMNS) for name in ROWS}
    assert chosen("magento") == {"magento": list(COLUMNS)}
    assert chosen("magento, missing page") == {"magento": ["missing page"]}
    assert chosen(",missing page") == {name: ["missing page"] for name in ROWS}
    for unknown in ("gremlin", ",gremlin"):
        with pytest.raises(NoSuchCell, match="gremlin"):
            chosen(unknown)


def test_a_connector_without_a_row_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.prove.matrix.connectors", lambda: ("gremlin", *ROWS))
    with pytest.raises(NoSuchCell, match=r"gremlin has no row.* sandbox/prove/rows\.py"):
        chosen("")


def test_a_row_that_is_missing_too_many_or_different_is_a_difference() -> None:
    truth = {"order": {"1": {"total": 5}, "2": {"total": 7}, "3": {"total": 9}}, "product": {}}
    assert differences(truth, truth) == []
    [lost, extra, changed] = differences({"order": {"1": {"total": 6}, "2": {"total": 7}, "4": {"total": 9}}}, truth)
    assert "1 lost (3)" in lost and "1 not at the vendor (4)" in extra
    assert "1 of other content (1: total)" in changed
    assert "6" not in changed  # values may be personal


@pytest.mark.parametrize("mark", [LOST, CRASHED, STUCK, IDLE])
def test_a_red_cell_is_told_with_its_reasons(mark: str) -> None:
    cells = [Result("magento", "cut body", CONVERGED), Result("magento", "missing page", STOPPED, ["it stopped"])]
    cells += [
        Result("magento", "expired token", SENSELESS, ["no tokens"]),
        Result("shopify", "cut body", mark, ["because"]),
    ]
    matrix = Matrix(cells, 12.0)
    assert [one.mark for one in matrix.red] == [mark]
    assert (matrix.lost, matrix.played) == (int(mark == LOST), 3)
    written = io.StringIO()
    show(matrix, Console(file=written, width=140))
    assert "because" in written.getvalue() and "4 cells, 3 played and 1 without sense" in written.getvalue()
    told = json.loads(as_json(matrix))
    assert (told["red"], told["silent_losses"]) == (1, int(mark == LOST))
    assert [one["why"] for one in told["results"]] == [[], ["it stopped"], ["no tokens"], ["because"]]


def test_a_fault_may_ask_for_several_texts() -> None:
    faults = Faults()
    faults.add(fault_of({"kind": "5xx", "match": ["orders?", "&page=2"]}, rest.KINDS))
    assert faults.strike("5xx", rest.ROUTE, "wc/v3/orders?per_page=5&page=1") is None
    assert faults.strike("5xx", rest.ROUTE, "wc/v3/products?per_page=5&page=2") is None
    assert faults.strike("5xx", rest.ROUTE, "wc/v3/orders?per_page=5&page=2") is not None
