"""Suites: what is shipped is whole, and every mistake in one is a sentence with file, rule and cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from varai.canonical import ENTITIES
from varai.gate import Suite, load_suite, load_suites
from varai.kernel import Misconfigured

EXPECTATIONS = Path(__file__).resolve().parents[3] / "expectations"
PLANTED = {
    "product": {"missing_title", "html_script", "description_too_long", "nul_byte", "malformed_date"},
    "variant": {
        "gtin_check_digit",
        "duplicate_sku",
        "price_not_positive",
        "compare_at_not_above_price",
        "impossible_mm",
    },
    "order": {"malformed_date", "unknown_currency"},
}
SUITES = load_suites(EXPECTATIONS)
RULE: dict[str, Any] = {
    "expect": "expect_column_values_to_be_between",
    "kwargs": {"column": "price", "min_value": 0},
    "meta": {
        "id": "variant.price", "reason": "price", "severity": "hard", "dimension": "validity", "weight": 1, "about": "a price is a number",
    },
}  # fmt: skip


def test_the_entities_of_the_issue_have_suites() -> None:
    assert set(SUITES) >= {"product", "variant", "order", "order_line", "refund"}


@pytest.mark.parametrize("path", sorted(EXPECTATIONS.glob("*/*.yml")), ids=lambda path: path.stem)
def test_every_shipped_rule_is_whole(path: Path) -> None:
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    for rule in written["rules"]:
        assert set(rule) == {"expect", "kwargs", "meta"}
        assert set(rule["meta"]) == {"id", "reason", "severity", "dimension", "weight", "about"}
        assert rule["meta"]["about"].endswith("."), f"{rule['meta']['id']}: `about` is a sentence"
    for name, derived in written.get("derive", {}).items():
        assert derived["about"].endswith("."), f"derive.{name}: `about` is a sentence"
    assert path.stem in ENTITIES


@pytest.mark.parametrize("entity", sorted(PLANTED))
def test_known_defects_are_held_back_under_their_names(entity: str) -> None:
    assert PLANTED[entity] <= set(SUITES[entity].reasons("hard"))


@pytest.mark.parametrize("entity", ["order", "order_line", "refund"])
def test_facts_of_money_are_withheld_only_when_they_cannot_be_parsed(entity: str) -> None:
    unparsed = {"malformed_date", "unknown_currency", "amount_unknown"}
    assert {name for name in SUITES[entity].reasons("hard") if not name.startswith("missing_")} <= unparsed


def test_set_keys_are_what_the_river_keeps_in_its_hashes() -> None:
    assert SUITES["variant"].set_keys == ("gtin", "sku")
    assert SUITES["product"].set_keys == ()


def written(tmp_path: Path, *rules: dict[str, Any], entity: str = "variant", **rest: Any) -> Path:
    path = tmp_path / "commerce" / f"{entity}.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump({"about": "a suite of a test", "rules": list(rules), **rest}), encoding="utf-8")
    return path


def changed(**parts: Any) -> dict[str, Any]:
    return {
        **RULE,
        **{key: {**RULE[key], **value} if isinstance(value, dict) else value for key, value in parts.items()},
    }


def test_version_moves_with_the_content_and_only_with_it(tmp_path: Path) -> None:
    first = load_suite(written(tmp_path, RULE)).version
    assert load_suite(written(tmp_path, RULE)).version == first
    assert load_suite(written(tmp_path, changed(meta={"weight": 2}))).version != first
    assert load_suite(written(tmp_path, changed(kwargs={"min_value": 1}))).version != first


PAIR = {"column_A": "compare_at", "column_B": "price"}
MISTAKES: list[tuple[dict[str, Any], str]] = [
    (changed(expect="expect_column_mean_to_be_between"), "does not know `expect_column_mean_to_be_between`"),
    (changed(kwargs={"column": "prise"}), "there is no column `prise`"),
    (changed(kwargs={"column": "sku"}), "column `sku` is VARCHAR"),
    (changed(kwargs={"mostly": 0.9}), "key `mostly`"),
    (changed(kwargs={"min_value": 0.1}), "use a fraction such as 0.5"),
    (changed(kwargs={"min_value": 2**53 + 1}), "differently"),
    (changed(kwargs={"min_value": float("nan")}), "differently"),
    (changed(kwargs={"max_value": -1}), "min_value is greater"),
    (changed(meta={"severity": "fatal"}), "rule `variant.price`"),
    (changed(meta={"weight": 0}), "rule `variant.price`"),
    (changed(meta={"id": "price"}), "rule `price`"),
    (changed(meta={"id": "product.price"}), "does not name its entity"),
    ({key: RULE[key] for key in ("expect", "kwargs")}, "rule `1`"),
    ({**RULE, "expect": "expect_column_pair_values_to_be_equal", "kwargs": PAIR}, "ignore_row_if"),
    ({**RULE, "expect": "expect_column_pair_values_to_be_equal",
      "kwargs": {"column_A": "sku", "column_B": "price", "ignore_row_if": "either_value_is_missing"}}, "`sku` is VARCHAR"),
    ({**RULE, "expect": "expect_column_values_to_be_in_set", "kwargs": {"column": "sku", "value_set": [1]}}, "the set is not"),
    ({**RULE, "expect": "expect_column_values_to_be_in_set", "kwargs": {"column": "sku", "value_set": ["a\0"]}}, "NUL"),
    ({**RULE, "expect": "expect_column_values_to_not_be_null", "kwargs": {"column": "faults"}}, "is a list"),
    ({**RULE, "expect": "expect_column_values_to_be_unique", "kwargs": {"column": "sku", "row_condition": {
        "type": "nullity", "column": {"name": "gtin"}, "is_null": False}}}, "one column of the entity"),
    ({**RULE, "expect": "expect_column_values_to_not_be_null", "kwargs": {"column": "sku", "row_condition": "sku != ''"}}, "row_condition"),
    ({**RULE, "expect": "expect_column_values_to_not_be_null", "kwargs": {"column": "sku", "row_condition": {
        "type": "comparison", "column": {"name": "price"}, "operator": "==", "parameter": "1"}}}, "which is no text"),
    *[({**RULE, "expect": "expect_column_values_to_match_regex", "kwargs": {"column": "sku", "regex": pattern}}, part)
      for pattern, part in (
        ("\\d+", "[0-9]"), ("(?=a)", "RE2"), ("(", "does not compile"), ("(a$)b", "end of the pattern"), ("a$b", "end of the pattern"),
        ("(?i)a$", "read differently"), ("ä", "ASCII"))],
]  # fmt: skip


@pytest.mark.parametrize(("rule", "part"), MISTAKES, ids=[part for _, part in MISTAKES])
def test_a_mistake_names_file_rule_and_what_is_wrong(tmp_path: Path, rule: dict[str, Any], part: str) -> None:
    path = written(tmp_path, rule)
    with pytest.raises(Misconfigured) as raised:
        load_suite(path)
    assert str(path) in raised.value.what
    assert part in raised.value.what + (raised.value.cure or "")
    assert raised.value.cure


@pytest.mark.parametrize(
    ("sql", "part"),
    [
        ("(SELECT 1)", "subquery"),
        ("1) FROM read_text('/etc/passwd') --", "parse"),
        ("1 AS a, 2", "parse"),
        ("price > random()", "more than the row"),
        ("price >", "parse"),
        ("prise + 1", "prise"),
        ("count(*) OVER ()", "window"),
        ("1); SELECT (1", "more than one"),
        ("1); DROP TABLE rows; SELECT (1", "parse"),
    ],
)
def test_a_derived_column_is_one_expression_over_the_row(tmp_path: Path, sql: str, part: str) -> None:
    derive = {"made": {"sql": sql, "about": "a derived column"}}
    rule = {**RULE, "expect": "expect_column_values_to_not_be_null", "kwargs": {"column": "made"}}
    with pytest.raises(Misconfigured, match=r"derive\.made") as raised:
        load_suite(written(tmp_path, rule, derive=derive))
    assert part in raised.value.what


def test_what_is_there_twice_or_for_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="there 2 times"):
        load_suite(written(tmp_path, RULE, RULE))
    unused = {"made": {"sql": "price + 1", "about": "a derived column"}}
    with pytest.raises(Misconfigured, match="used by no rule"):
        load_suite(written(tmp_path, RULE, derive=unused))
    taken = {"sku": {"sql": "price + 1", "about": "a derived column"}}
    with pytest.raises(Misconfigured, match="column of that name"):
        load_suite(written(tmp_path, RULE, derive=taken))
    other = tmp_path / "channels"
    other.mkdir()
    (other / "variant.yml").write_text(written(tmp_path, RULE).read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(Misconfigured, match="another domain"):
        load_suites(tmp_path)


def test_a_folder_without_suites_and_a_file_that_is_no_yaml_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="holds no suite"):
        load_suites(tmp_path)
    path = written(tmp_path, RULE)
    path.write_text("rules: [", encoding="utf-8")
    with pytest.raises(Misconfigured, match="cannot be read as YAML"):
        load_suite(path)


def test_reasons_are_sorted_and_told_once() -> None:
    suite: Suite = SUITES["variant"]
    assert list(suite.reasons("hard")) == sorted(set(suite.reasons("hard")))
    assert "impossible_mm" in suite.reasons("hard")
