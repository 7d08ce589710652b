"""The compiled pass: planted defects get their reasons, nulls pass, uniqueness looks at the whole stream, scores add up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varai.canonical import ENTITIES
from varai.gate import judge, load_suites, score
from varai.gate.compile import derived_sql
from varai.gate.derive import columns_of

SUITES = load_suites(Path(__file__).resolve().parents[3] / "expectations")
GOOD: dict[str, dict[str, Any]] = {
    "product": {
        "title": "Aster 10", "handle": "aster-10", "description_html": "<p>Try it on: one = two.</p>", "brand": "Aster", "status": "active",
        "product_type": "Sunglasses", "frame_shape": "Cat-Eye", "rim": "full", "material": "acetate", "polarised": True, "uv_category": 3,
        "created_at": "2026-01-01", "published_at": "2026-01-02", "faults": [],
    },
    "variant": {
        "product_id": "1", "title": "Black / M", "sku": "AST-1", "gtin": "4006381333931", "price": "129.00", "compare_at": "159.00",
        "currency": "EUR", "unit_cost": "50.00", "unit_cost_currency": "EUR", "colour": "black", "size_label": "52-18-145",
        "lens_width_mm": "52", "bridge_mm": "18", "temple_mm": "145", "lens_height_mm": "40", "frame_width_mm": "135", "weight_g": "25",
        "faults": [],
    },
    "order": {
        "currency": "EUR", "presentment_currency": "EUR", "processed_at": "2026-01-02", "created_at": "2026-01-02", "total_minor": 12900,
        "ship_country": "DE", "source_updated_at": "2026-01-02", "faults": [],
    },
    "order_line": {
        "order_id": "1", "sku": "AST-1", "line_kind": "product", "quantity": 1, "unit_price": "129.00", "currency": "EUR",
        "gross_minor": 12900, "discount_minor": 0, "faults": [],
    },
    "refund": {
        "order_id": "1", "created_at": "2026-01-02", "processed_at": "2026-01-02", "total_minor": 12900, "currency": "EUR", "faults": [],
    },
}  # fmt: skip


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def load(con: duckdb.DuckDBPyConnection, entity: str, rows: list[dict[str, Any]]) -> None:
    """Table `rows` in the shape of mapped rows, from good ones with changes."""
    columns = columns_of(ENTITIES[entity]) | {"position": "BIGINT"}
    con.execute(
        "CREATE OR REPLACE TABLE rows (" + ", ".join(f'"{name}" {kind}' for name, kind in columns.items()) + ")"
    )
    for number, change in enumerate(rows):
        given_ = {"source_id": str(number), "position": number, **GOOD[entity], **change}
        names = ", ".join(f'"{name}"' for name in given_)
        con.execute(f"INSERT INTO rows ({names}) VALUES ({', '.join('?' * len(given_))})", list(given_.values()))


def verdicts(
    con: duckdb.DuckDBPyConnection, entity: str, rows: list[dict[str, Any]], holders: str | None = None
) -> dict[str, Any]:
    load(con, entity, rows)
    judge(con, SUITES[entity], "rows", holders, "failing")
    return {
        row[0]: (row[1], row[2], row[3])
        for row in con.execute("SELECT source_id, reasons, flags, score FROM failing").fetchall()
    }


DEFECTS: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("product", {"title": None}, ["missing_title"], []),
    ("product", {"title": ""}, ["missing_title"], []),
    ("product", {"title": " \t\n\u00a0"}, ["missing_title"], []),
    ("product", {"title": None, "faults": ["nul_byte:title"]}, ["nul_byte"], []),
    ("product", {"faults": ["nul_byte:handle"]}, ["nul_byte"], []),
    ("product", {"title": "a\0b"}, ["nul_byte"], []),
    ("product", {"description_html": "<p>x</p><SCRIPT src=//e>"}, ["html_script"], []),
    ("product", {"description_html": "<img src=x\nonerror = alert(1)>"}, ["html_script"], []),
    ("product", {"description_html": "<a href=' javascript:alert(1)'>"}, ["html_script"], []),
    ("product", {"title": "<script>alert(1)</script>"}, ["html_script"], []),
    ("product", {"description_html": "x" * 1_048_577}, ["description_too_long"], ["description_too_long"]),
    ("product", {"description_html": "<p>" + "é" * 5001}, [], ["description_too_long"]),
    ("product", {"description_html": "<p>" + "é" * 5000}, [], []),
    ("product", {"faults": ["malformed_date:published_at"]}, ["malformed_date"], []),
    ("product", {"faults": ["malformed_number:uv_category"], "uv_category": None}, [], ["missing_uv_category", "unreadable_field"]),
    ("product", {"title": "Polarized Aster", "polarised": False}, [], ["polarised_contradiction"]),
    ("product", {"rim": "rimless"}, [], ["rim_contradicts_material"]),
    ("product", {"published_at": "2025-12-31"}, [], ["published_before_created"]),
    ("variant", {"gtin": "4006381333932"}, ["gtin_check_digit"], []),
    ("variant", {"gtin": "40063813339"}, ["gtin_check_digit"], []),
    ("variant", {"gtin": "400638133393x"}, ["gtin_check_digit"], []),
    ("variant", {"gtin": "04006381333931"}, [], []),
    ("variant", {"gtin": "2000000000008"}, [], ["gtin_restricted_prefix"]),
    ("variant", {"gtin": None}, [], ["missing_gtin"]),
    ("variant", {"gtin": ""}, [], ["missing_gtin"]),
    ("variant", {"price": "0.00", "unit_cost": None}, ["price_not_positive"], []),
    ("variant", {"price": "-1.00", "compare_at": None}, ["price_not_positive"], ["price_not_above_cost"]),
    ("variant", {"price": None}, ["missing_price"], []),
    ("variant", {"price": None, "faults": ["malformed_number:price"]}, ["malformed_number"], []),
    ("variant", {"compare_at": "129.00"}, ["compare_at_not_above_price"], []),
    ("variant", {"compare_at": "1.00"}, ["compare_at_not_above_price"], []),
    ("variant", {"faults": ["unknown_currency:currency"], "currency": "XXX"}, ["unknown_currency"], []),
    ("variant", {"unit_cost": "129.00", "unit_cost_currency": "USD"}, [], []),
    *[("variant", {"size_label": None, "frame_width_mm": None, **change}, ["impossible_mm"], flags) for change, flags in (
        ({"lens_width_mm": "520"}, ["unusual_lens_width"]), ({"lens_width_mm": "-52"}, ["unusual_lens_width"]),
        ({"bridge_mm": "1.8"}, ["unusual_bridge"]), ({"temple_mm": "14.5"}, ["unusual_temple"]),
        ({"temple_mm": "1450"}, ["unusual_temple"]), ({"lens_height_mm": "4"}, ["unusual_lens_height"]))],
    ("variant", {"frame_width_mm": "125"}, [], ["frame_width_mismatch"]),
    ("variant", {"size_label": "52□20-145"}, [], ["size_label_mismatch"]),
    ("variant", {"size_label": "52/18/145"}, [], []),
    ("variant", {"size_label": "M"}, [], []),
    ("order", {"processed_at": None, "faults": ["malformed_date:processed_at"]}, ["malformed_date"], []),
    ("order", {"processed_at": None}, ["missing_processed_at"], []),
    ("order", {"created_at": None, "faults": ["malformed_date:created_at"]}, [], ["malformed_date"]),
    ("order", {"currency": "XXX", "total_minor": None, "faults": ["unknown_currency:currency"]}, ["unknown_currency"], ["missing_total"]),
    ("order", {"faults": ["unknown_currency:presentment_currency"]}, [], ["unknown_currency"]),
    ("order", {"total_minor": -1}, [], ["negative_total"]),
    ("order", {"faults": ["nul_byte:name"]}, [], ["nul_byte"]),
    ("order_line", {"unit_price": None, "faults": ["malformed_number:unit_price"]}, ["amount_unknown"], []),
    ("order_line", {"faults": ["unknown_currency:currency"]}, ["amount_unknown"], []),
    ("order_line", {"unit_price": "-5.00", "quantity": 0}, [], ["negative_price", "quantity_not_positive"]),
    ("order_line", {"sku": None}, [], ["missing_sku"]),
    ("order_line", {"sku": None, "line_kind": "postage"}, [], []),
    ("order_line", {"discount_minor": 12901}, [], ["discount_above_gross"]),
    ("refund", {"processed_at": None, "faults": ["malformed_date:processed_at"]}, ["malformed_date"], ["missing_processed_at"]),
    ("refund", {"currency": "XXX", "faults": ["unknown_currency:currency"]}, ["amount_unknown"], []),
    ("refund", {"total_minor": -1}, [], ["negative_refund"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("entity", "change", "reasons", "flags"),
    DEFECTS,
    ids=[f"{row[0]}-{'+'.join(row[2] + row[3]) or 'good'}" for row in DEFECTS],
)
def test_a_defect_gets_its_reason_and_no_other(
    con: duckdb.DuckDBPyConnection, entity: str, change: dict[str, Any], reasons: list[str], flags: list[str]
) -> None:
    found = verdicts(con, entity, [change])
    assert {name: (told[0], told[1]) for name, told in found.items()} == (
        {"0": (reasons, flags)} if reasons or flags else {}
    )


@pytest.mark.parametrize("entity", sorted(GOOD))
def test_a_good_row_fails_nothing_and_faults_may_be_null(con: duckdb.DuckDBPyConnection, entity: str) -> None:
    rows: list[dict[str, Any]] = [
        {},
        {"faults": None, **({"sku": "other", "gtin": "96385074"} if entity == "variant" else {})},
    ]
    assert verdicts(con, entity, rows) == {}


def test_all_holders_of_a_sku_are_told_and_empty_ones_hold_nothing(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "CREATE TABLE others AS SELECT * FROM "
        "(VALUES ('x', 'C', NULL), ('y', 'D', '4006381333931'), ('z', NULL, NULL)) t(source_id, sku, gtin)"
    )
    keys = ["A", "A", "B", "C", "", "", None, None, "a"]
    rows = [{"sku": sku, "gtin": "4006381333931" if sku == "B" else None} for sku in keys]
    found = verdicts(con, "variant", rows, "others")
    assert {name for name, told in found.items() if "duplicate_sku" in told[0]} == {"0", "1", "3"}
    assert {name for name, told in found.items() if "duplicate_gtin" in told[1]} == {"2"}, (
        "GTIN is shared with a holder outside"
    )
    assert "duplicate_sku" not in found["4"][0]


def test_the_table_has_what_the_river_reads(con: duckdb.DuckDBPyConnection) -> None:
    verdicts(con, "order", [{}])
    shape = {row[0]: row[1] for row in con.execute("DESCRIBE failing").fetchall()}
    assert shape == {
        "source_id": "VARCHAR",
        "position": "BIGINT",
        "reasons": "VARCHAR[]",
        "flags": "VARCHAR[]",
        "score": "DOUBLE",
    }


def test_score_is_the_share_of_weight_kept() -> None:
    suite = SUITES["variant"]
    rules = suite.rules
    assert score(rules, []) == 100.0
    assert score(rules, [rule.meta.id for rule in rules]) == 0.0
    heavy = next(rule for rule in rules if rule.meta.id == "variant.price.positive")
    assert score(rules, [heavy.meta.id]) == pytest.approx(100 - 100 * heavy.meta.weight / suite.weight)


def test_scores_in_sql_are_those_of_the_formula(con: duckdb.DuckDBPyConnection) -> None:
    found = verdicts(
        con, "variant", [{"frame_width_mm": "125"}, {"sku": None, "gtin": None, "price": "0", "compare_at": None}]
    )
    several = ["sku.present", "gtin.present", "price.positive", "price.above_cost"]
    for name, broken in (("0", ["frame_width.adds_up"]), ("1", several)):
        assert found[name][2] == pytest.approx(score(SUITES["variant"].rules, [f"variant.{rule}" for rule in broken]))


def true_gtin(code: str) -> bool:
    """GS1 General Specifications, figure 7.9-1."""
    if len(code) not in (8, 12, 13, 14) or not (code.isascii() and code.isdigit()):
        return False
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(code))) % 10 == 0


@settings(max_examples=25, deadline=None)
@given(
    codes=st.lists(
        st.from_regex(r"\A[0-9]{7,15}\Z") | st.text("0123456789 +-e_x١", min_size=1, max_size=14),
        min_size=1,
        max_size=60,
    )
)
def test_gtin_valid_is_the_check_of_gs1(codes: list[str]) -> None:
    codes += [code[:-1] + str(digit) for code in codes[:3] for digit in range(10)]
    with duckdb.connect() as con:
        load(con, "variant", [])
        con.execute(
            "INSERT INTO rows (source_id, gtin) SELECT i::VARCHAR, code FROM (SELECT unnest(range(len($c))) i, unnest($c) code)",
            {"c": codes},
        )
        found = dict(con.execute(derived_sql(SUITES["variant"], "rows", ("gtin", "gtin_valid"))).fetchall())
    assert found == {code: true_gtin(code) for code in codes}
