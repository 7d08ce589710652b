"""A metric is a file that says exactly what its number means."""

from __future__ import annotations

from pathlib import Path

import pytest

from varai.kernel import Misconfigured
from varai.marts import load_metrics

_ORDERS = """
name: orders
title: Orders
definition: Orders sold.
unit: count
mart: daily_sales
column: orders
expression: sum(orders)
sums: true
source: the shop's own reports
version: 1
"""


def test_a_metric_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "orders.yml").write_text(_ORDERS)
    assert load_metrics(tmp_path)["orders"].expression == "sum(orders)"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("orders.yml", _ORDERS.replace("version: 1", "")),
        ("orders.yml", _ORDERS + "colour: red\n"),
        ("sales.yml", _ORDERS),
        ("orders.yml", "name: [orders"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises(Misconfigured, match=file):
        load_metrics(tmp_path)
