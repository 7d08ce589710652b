"""Nobody is learned from who may not be, every line is accounted for, and too little is said in a sentence."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.learning.shops import END, LINES, PRODUCTS, Row, line, product, publish_marts, sales, table
from varai.kernel import Gone, Malformed, Misconfigured, Scope
from varai.learning.assemble import REASONS, assemble, gather
from varai.learning.spec import Least, ModelSpec, specs
from varai.learning.words import Dataset, TooLittle
from varai.privacy import Ledger
from varai.settings import FolderSecrets

ERASED = f"{3:032x}"
FAULTS: dict[str, Row] = {
    "guest": {"subject": None, "trainable": False},
    "erased": {"subject": ERASED},
    "no consent to training": {"trainable": False},
    "test order": {"test": True},
    "cancelled order": {"cancelled": True},
    "not a product": {"line_kind": "postage"},
    "product unknown": {"product_id": None},
    "gift card": {"product_id": "p9"},
    "without a date": {"processed_at": None},
    "dated after the snapshot": {"processed_at": END + timedelta(seconds=1)},
}
ANY_AMOUNT = replace(specs()["recommender"], least=Least(subjects=0, purchases=0, judged=0))
OFFERED = [product(number, gift_card=number == 9) for number in range(10)]


def collect(
    lines: Sequence[Row], spec: ModelSpec, erased: Sequence[str] = (ERASED,), offered: Sequence[Row] = OFFERED
) -> Any:
    tables = (table(list(lines), LINES), table(list(offered), PRODUCTS))
    return gather(*tables, erased, spec, snapshot_id="s1", as_of=END)


def test_every_reason_has_a_fault() -> None:
    assert set(FAULTS) == set(REASONS)


@given(st.lists(st.sets(st.sampled_from(sorted(FAULTS)), max_size=2), min_size=1, max_size=40), st.randoms())
@settings(deadline=None, max_examples=60)
def test_lines_balance_and_only_faultless_ones_teach(faults: list[set[str]], dice: random.Random) -> None:
    rows = [line(0, subject=f"{99:032x}")]
    for number, chosen in enumerate(faults, 1):
        row = line(number, subject=f"{number % 3:032x}")
        for fault in sorted(chosen):
            row |= FAULTS[fault]
        rows.append(row)
    data = collect(rows, ANY_AMOUNT)
    assert data.lines == len(rows) == data.kept + sum(data.left_out.values())
    assert data.kept == 1 + sum(not chosen for chosen in faults)
    for number, chosen in enumerate(faults, 1):
        if len(chosen) == 1:
            assert data.left_out[next(iter(chosen))] >= 1, number
    shuffled = list(rows)
    dice.shuffle(shuffled)
    again = collect(shuffled, ANY_AMOUNT)
    assert again.subjects == data.subjects
    assert again.items.ids == data.items.ids
    for name in ("subject", "item", "at"):
        assert getattr(again, name).tobytes() == getattr(data, name).tobytes()


def test_a_product_twice_in_an_order_is_bought_once_and_in_two_orders_twice() -> None:
    who, at = f"{1:032x}", END
    rows = [
        line(number, order_id=order, subject=who, product_id=bought, processed_at=at)
        for number, (order, bought) in enumerate([("a", "p1"), ("a", "p1"), ("b", "p1"), ("b", "p2")])
    ]
    data = collect(rows, ANY_AMOUNT)
    assert [data.items.ids[code] for code in data.item] == ["shop/p1", "shop/p1", "shop/p2"]
    assert (data.lines, data.kept) == (4, 4)


def test_items_are_what_is_on_offer_and_what_was_sold_with_what_is_known() -> None:
    offered = [
        product(1, variant_id="a", frame_shape="round", colour="red", frame_width_mm=130.0, price=Decimal("99.5"), created_at=END),
        product(1, variant_id="b", frame_shape="round", colour="black", frame_width_mm=140.0, price=Decimal(80)),
        product(1, feed="other", lens_width_mm=52.0),
        product(2, gift_card=True),
    ]  # fmt: skip
    data = collect([line(0, product_id="gone", subject=f"{1:032x}")], ANY_AMOUNT, offered=offered)
    items = data.items
    assert items.ids == ("other/p1", "shop/gone", "shop/p1")
    assert items.shape == (None, None, "round")
    assert items.colours == ((), (), ("black", "red"))
    assert items.width_mm == (52.0, None, 135.0)
    assert items.price == (None, None, 80.0)
    assert items.created_at == (None, None, END)


@pytest.mark.parametrize(
    ("rows", "least", "said"),
    [
        ([], Least(), "0 of at least 50 customers"),
        (sales(1, taste=True)[:200], Least(20, 500, 10), "200 of at least 500 purchases"),
        (sales(1, taste=True), Least(20, 100, 5000), "of at least 5,000 returning customers"),
        (
            [line(n, processed_at=END - timedelta(minutes=n)) for n in range(900)],
            Least(5, 100, 1),
            "0 of at least 1 returning",
        ),
    ],
    ids=["nothing", "purchases", "judged", "one day"],
)
def test_too_little_is_a_state_with_a_sentence(spec: ModelSpec, rows: list[Row], least: Least, said: str) -> None:
    found = collect(rows, replace(spec, least=least), erased=(), offered=[product(1)])
    assert isinstance(found, TooLittle)
    assert said in found.sentence
    assert found.sentence.endswith(".")


def test_an_order_of_a_year_to_come_stops_no_shop_from_learning(spec: ModelSpec) -> None:
    rows = sales(1, taste=True)
    far = line(len(rows), subject=f"{1:032x}", processed_at=END.replace(year=2035))
    plain, beside = (collect(each, spec, erased=()) for each in (rows, [*rows, far]))
    assert isinstance(beside, Dataset)
    assert beside.left_out == plain.left_out | {"dated after the snapshot": 1}
    assert beside.at.tobytes() == plain.at.tobytes()


class TestFromTheBucket:
    """The snapshot that was published and the ledger of the region, both real."""

    @pytest.fixture
    def region(self, tmp_path: Path, mongodb_uri: str, mongodb: str) -> Scope:
        return Scope(
            region="eu", tenant=None, plane="commerce", bucket=str(tmp_path / "bucket"), documents_uri=mongodb_uri,
            database=mongodb, cache_url="", warehouse="", secrets=FolderSecrets(tmp_path / "secrets"),
        )  # fmt: skip

    @pytest.fixture
    def scope(self, region: Scope) -> Scope:
        publish_marts(region, [*sales(1, taste=True)], [product(n, price=Decimal(n + 1)) for n in range(42)])
        return replace(region, tenant="acme")

    def test_the_current_snapshot_is_read(self, scope: Scope, spec: ModelSpec, tmp_path: Path) -> None:
        data = assemble(scope, spec, tmp_path / "cache")
        assert isinstance(data, Dataset)
        assert (data.lines, len(data.subjects), len(data.items)) == (1080, 120, 42)
        assert data.snapshot_id

    def test_who_is_in_the_ledger_is_not_learned_from(self, scope: Scope, spec: ModelSpec, tmp_path: Path) -> None:
        before = assemble(scope, spec, tmp_path / "cache")
        Ledger(scope).add(f"{17:032x}", "asked by letter")
        Ledger(replace(scope, tenant="zenith")).add(f"{18:032x}", "asked another shop")
        after = assemble(scope, spec, tmp_path / "cache")
        assert isinstance(before, Dataset)
        assert isinstance(after, Dataset)
        assert set(before.subjects) - set(after.subjects) == {f"{17:032x}"}
        assert after.left_out == {"erased": 9}

    def test_another_tenants_sales_teach_nothing(self, scope: Scope, spec: ModelSpec, tmp_path: Path) -> None:
        with pytest.raises(Gone):
            assemble(replace(scope, tenant="zenith"), spec, tmp_path / "cache")

    def test_a_region_is_no_tenant(self, region: Scope, spec: ModelSpec, tmp_path: Path) -> None:
        with pytest.raises(Misconfigured):
            assemble(region, spec, tmp_path / "cache")

    def test_a_snapshot_that_does_not_say_who_may_be_learned_from_is_refused(
        self, region: Scope, spec: ModelSpec, tmp_path: Path
    ) -> None:
        publish_marts(region, sales(1, taste=True), [product(1)], leave_out=", trainable")
        with pytest.raises(Malformed, match="transform"):
            assemble(replace(region, tenant="acme"), spec, tmp_path / "cache")
