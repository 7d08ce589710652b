"""Great Expectations as oracle: it and the compiled pass agree on every expectation in use, and what it documents is safe."""

from __future__ import annotations

import itertools
import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from varai.gate import Meta, Rule, Suite, evidence, judge, load_suites
from varai.gate.vocabulary import VOCABULARY
from varai.kernel import BatchRef, Scope, Window

EXPECTATIONS = Path(__file__).resolve().parents[3] / "expectations"
AT = datetime(2026, 11, 1, tzinfo=UTC)
SCHEMA = pa.schema({
    "a": pa.string(), "b": pa.string(), "n": pa.decimal128(18, 6), "m": pa.decimal128(18, 6), "i": pa.int64(), "j": pa.int64(),
    "yes": pa.bool_(), "no": pa.bool_(), "at": pa.timestamp("us", "UTC"), "till": pa.timestamp("us", "UTC"),
    "on": pa.date32(), "off": pa.date32(),
})  # fmt: skip
TYPES = {"a": "VARCHAR", "b": "VARCHAR", "n": "DECIMAL(18,6)", "m": "DECIMAL(18,6)", "i": "BIGINT", "j": "BIGINT", "yes": "BOOLEAN",
         "no": "BOOLEAN", "at": "TIMESTAMP WITH TIME ZONE", "till": "TIMESTAMP WITH TIME ZONE", "on": "DATE", "off": "DATE"}  # fmt: skip

TEXTS = [
    "", " ", "a", "A", "AB", "AB\n", "ab\nAB", "nan", "None", "NULL", "<script>", "< SCRIPT", "0", "\x00", "a\x00b", "\u212a", "k",
    "ß", "SS", "İ", "e\u0301", "é", "👩‍👩‍👧", "\U0001f453", "'", '"', "\\", "`", "\u00a0", "\r\n", "x" * 151,
]  # fmt: skip
NUMBERS = [Decimal(text) for text in ("0", "-0.000001", "0.5", "-0.5", "30", "29.999999", "80", "9007199254.740993", "999999999999.999999",
                                      "-999999999999.999999")]  # fmt: skip
WHOLE = [0, -1, 1, 4, 5, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]
TIMES = [AT, AT + timedelta(microseconds=1), AT - timedelta(days=40_000), datetime(9000, 1, 1, tzinfo=UTC)]
DAYS = [date(2026, 11, 1), date(2026, 11, 2), date(1, 1, 1), date(9999, 12, 31)]


def table_of(rng: Random, rows: int) -> pa.Table:
    """Rows of awkward values, ordinary ones and nulls; drawn by a seed, for Hypothesis would take longer than the judges."""

    def text() -> str:
        return (
            rng.choice(TEXTS)
            if rng.random() < 0.7
            else "".join(chr(rng.choice((rng.randrange(1, 0xD800), 97, 65))) for _ in range(3))
        )

    def number() -> Decimal:
        return rng.choice(NUMBERS) if rng.random() < 0.5 else Decimal(rng.randrange(-(10**8), 10**8)).scaleb(-6)

    def whole() -> int:
        return rng.choice(WHOLE) if rng.random() < 0.5 else rng.randrange(-10, 10)

    kinds: list[Any] = [text, text, number, number, whole, whole, *[lambda: rng.random() < 0.5] * 2,
                        *[lambda: rng.choice(TIMES)] * 2, *[lambda: rng.choice(DAYS)] * 2]  # fmt: skip
    nulls = [rng.choice((0.0, 0.1, 0.1, 0.1, 1.0)) for _ in kinds]
    columns = [
        pa.array([None if rng.random() < share else kind() for _ in range(rows)], field.type)
        for kind, share, field in zip(kinds, nulls, SCHEMA, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


BOUNDS = st.sampled_from([0, 1, -1, 4, 5, 30, 80, 0.5, -0.5, 2**53, -(2**53)])
PATTERNS = [
    "^[A-Z][A-Z]$", "(?i)<[ \\t\\r\\n]*script", "^$", "^a|b$", "[^a]", "(?i)k", "(?:ab)+", ".", "^.b", "(?i)SS", "[0-9]{1,3}",
    "^(?:a|[$)]b)?$|^k$", "B$", "\\$|^x",
]  # fmt: skip
PAIRS = st.sampled_from([("n", "m"), ("i", "j"), ("n", "i"), ("at", "till"), ("on", "off"), ("m", "n")])
CONDITIONS = st.none() | st.one_of(
    st.builds(
        lambda name, null: {"type": "nullity", "column": {"name": name}, "is_null": null},
        st.sampled_from(list(TYPES)), st.booleans(),
    ),
    st.builds(
        lambda name, operator, text: {"type": "comparison", "column": {"name": name}, "operator": operator, "parameter": text},
        st.sampled_from("ab"), st.sampled_from(["==", "!="]), st.sampled_from(["", "a", "AB", "nan", "None"]),
    ),
)  # fmt: skip


@st.composite
def bounded(draw: st.DrawFn, columns: str, bounds: st.SearchStrategy[Any]) -> dict[str, Any]:
    low, high = draw(st.none() | bounds), draw(st.none() | bounds)
    if low is None and high is None:
        low = draw(bounds)
    if low is not None and high is not None and low > high:
        low, high = high, low
    kwargs = {
        "column": draw(st.sampled_from(columns)),
        "strict_min": draw(st.booleans()),
        "strict_max": draw(st.booleans()),
    }
    return kwargs | ({} if low is None else {"min_value": low}) | ({} if high is None else {"max_value": high})


def on(columns: str | list[str], **rest: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"column": st.sampled_from(columns), **rest})


SETS = st.one_of(
    on(
        "ab",
        value_set=st.lists(st.sampled_from([text for text in TEXTS if "\x00" not in text]), min_size=1, max_size=4),
    ),
    on("ij", value_set=st.lists(st.sampled_from(WHOLE), min_size=1, max_size=4)),
    on(["yes", "no"], value_set=st.lists(st.booleans(), min_size=1, max_size=2)),
)
EITHER = st.just("either_value_is_missing")
KWARGS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "expect_column_values_to_not_be_null": on(list(TYPES)),
    "expect_column_values_to_be_unique": on("ab"),
    "expect_column_values_to_be_between": bounded("nmij", BOUNDS),
    "expect_column_values_to_be_in_set": SETS,
    "expect_column_values_to_not_be_in_set": SETS,
    "expect_column_values_to_match_regex": on("ab", regex=st.sampled_from(PATTERNS)),
    "expect_column_values_to_not_match_regex": on("ab", regex=st.sampled_from(PATTERNS)),
    "expect_column_value_lengths_to_be_between": bounded("ab", st.sampled_from([0, 1, 2, 3, 150])),
    "expect_column_pair_values_a_to_be_greater_than_b": st.builds(
        lambda pair, equal: {"column_A": pair[0], "column_B": pair[1], "or_equal": equal, "ignore_row_if": "either_value_is_missing"},
        PAIRS, st.booleans(),
    ),
    "expect_column_pair_values_to_be_equal": st.builds(
        lambda pair: {"column_A": pair[0], "column_B": pair[1], "ignore_row_if": "either_value_is_missing"},
        PAIRS | st.sampled_from([("a", "b"), ("yes", "no")]),
    ),
}  # fmt: skip


def suite_of(written: list[tuple[str, dict[str, Any]]]) -> Suite:
    """Each rule its own reason, so that verdicts are compared rule by rule."""
    rules = []
    for number, (expect, kwargs) in enumerate(written):
        meta = Meta(
            id=f"rows.{number}",
            reason=f"r{number}",
            severity="hard",
            dimension="validity",
            weight=1,
            about="a law to be held",
        )
        rules.append(Rule(expect, kwargs, VOCABULARY[expect].arguments.model_validate(kwargs), meta))
    return Suite("rows", "rows of every type", {}, tuple(rules), TYPES, "0")


@st.composite
def suites(draw: st.DrawFn) -> Suite:
    """Every expectation once, with arguments of its own."""
    written = []
    for expect, kwargs in KWARGS.items():
        condition = draw(CONDITIONS)
        written.append((expect, draw(kwargs) | ({} if condition is None else {"row_condition": condition})))
    return suite_of(written)


def compiled(suite: Suite, rows: pa.Table) -> dict[str, list[int]]:
    with duckdb.connect() as con:
        numbers = pa.array(range(rows.num_rows))
        table = rows.append_column("source_id", numbers.cast(pa.string())).append_column("position", numbers)
        con.register("rows", table)
        judge(con, suite, "rows", None, "failing")
        told = con.execute("SELECT position, reasons FROM failing ORDER BY position").fetchall()
    return {
        rule.meta.id: [position for position, reasons in told if rule.meta.reason in reasons] for rule in suite.rules
    }


@pytest.fixture(scope="module")
def oracle() -> Any:
    from varai.gate.document import Oracle

    return Oracle()


NAMES = (f"example-{number}" for number in itertools.count())


MANY = int(os.environ.get("VARAI_TEST_EXAMPLES", "10"))


# Without shrinking: an example costs a tenth of a second, and the message names rule and rows.
@settings(max_examples=MANY, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate],
          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])  # fmt: skip
@given(suite=suites(), seed=st.integers(0, 2**32), rows=st.sampled_from([300, 1]))
def test_compiled_and_great_expectations_agree_on_every_row_and_rule(
    oracle: Any, suite: Suite, seed: int, rows: int
) -> None:
    table = table_of(Random(seed), rows)
    assert_equal_verdicts(oracle, suite, table)


def assert_equal_verdicts(oracle: Any, suite: Suite, table: pa.Table) -> None:
    theirs, ours = oracle.failing(next(NAMES), suite.rules, table), compiled(suite, table)
    for rule in suite.rules:
        differ = sorted(set(ours[rule.meta.id]) ^ set(theirs[rule.meta.id]))
        assert not differ, f"{rule.expect} {rule.kwargs}: {table.take(differ).to_pylist()}"


def edges() -> list[tuple[str, dict[str, Any]]]:
    """Arguments at which a slip of the compiler shows, whatever chance draws."""
    found: list[tuple[str, dict[str, Any]]] = []
    for strict in ({}, {"strict_min": True}, {"strict_max": True}, {"strict_min": True, "strict_max": True}):
        found += [
            ("expect_column_value_lengths_to_be_between", {"column": "a", "min_value": 1, "max_value": 2, **strict})
        ]
        found += [
            ("expect_column_values_to_be_between", {"column": name, "min_value": 0, "max_value": 5, **strict})
            for name in "ni"
        ]
    found += [("expect_column_values_to_be_between", {"column": "i", "min_value": 2**53, "strict_min": True})]
    for pattern in PATTERNS:
        found += [
            (f"expect_column_values_to_{word}match_regex", {"column": "a", "regex": pattern}) for word in ("", "not_")
        ]
    for word in ("", "not_"):
        found += [
            (
                f"expect_column_values_to_{word}be_in_set",
                {"column": "a", "value_set": ["", "nan", "None", "\u212a", "'"]},
            )
        ]
        found += [(f"expect_column_values_to_{word}be_in_set", {"column": "i", "value_set": [0, 2**53 + 1, 2**63 - 1]})]
        found += [(f"expect_column_values_to_{word}be_in_set", {"column": "yes", "value_set": [True]})]
    for one, two in (("n", "m"), ("i", "j"), ("n", "i"), ("at", "till"), ("on", "off")):
        pair = {"column_A": one, "column_B": two, "ignore_row_if": "either_value_is_missing"}
        found += [("expect_column_pair_values_to_be_equal", pair)]
        found += [
            ("expect_column_pair_values_a_to_be_greater_than_b", {**pair, "or_equal": equal}) for equal in (False, True)
        ]
    found += [("expect_column_values_to_be_unique", {"column": "a"})]
    found += [("expect_column_values_to_not_be_null", {"column": name}) for name in TYPES]
    return found


def test_compiled_and_great_expectations_agree_at_the_edges(oracle: Any) -> None:
    table = table_of(Random(220), 600)
    assert all(0 < table[name].null_count < table.num_rows for name in TYPES), (
        "choose a seed that gives every column values and nulls"
    )
    assert_equal_verdicts(oracle, suite_of(edges()), table)
    # Without a null pandas would make them 64-bit numbers, and these bounds binary fractions.
    whole = table.filter(pa.compute.is_valid(table["i"]))
    above = ("expect_column_values_to_be_between", {"column": "i", "min_value": 2**53, "strict_min": True})
    assert_equal_verdicts(oracle, suite_of([above]), whole)


def test_every_expectation_of_the_vocabulary_and_of_the_suites_is_held_equal() -> None:
    used = {rule.expect for suite in load_suites(EXPECTATIONS).values() for rule in suite.rules}
    assert set(KWARGS) == set(VOCABULARY)
    assert used <= set(KWARGS), f"add a strategy for {used - set(KWARGS)} to KWARGS"


# --- the task -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    return Scope("eu", None, "commerce", str(tmp_path / "bucket"), "", "varai", "", "", secrets=None)


def ref(batch_id: str, tenant: str = "brillen-haus") -> BatchRef:
    window = Window(start=None, end=AT)
    return BatchRef(region="eu", tenant=tenant, feed="shop", stream="products", batch_id=batch_id, window=window, ingested_at=AT,
                    uri="-", records=1, lines=1, sha256="-", vendor_count=1, token=1)  # fmt: skip


VARIANTS = """
    SELECT (100 + i)::VARCHAR AS source_id, i AS position, 'p' AS product_id, 'title' AS title,
           CASE WHEN i = 8 THEN 'S7' WHEN i = 9 THEN NULL ELSE 'S' || i END AS sku,
           CASE WHEN i = 3 THEN '9520000000009' END AS gtin,
           CASE WHEN i = 4 THEN 0 ELSE 100 END::DECIMAL(18,6) AS price, CASE WHEN i = 5 THEN 50 END::DECIMAL(18,6) AS compare_at,
           'EUR' AS currency, NULL::DECIMAL(18,6) AS unit_cost, NULL::VARCHAR AS unit_cost_currency, 'black' AS colour,
           '52-18-145' AS size_label, CASE WHEN i = 6 THEN 520 ELSE 52 END::DECIMAL(18,6) AS lens_width_mm,
           18::DECIMAL(18,6) AS bridge_mm, 145::DECIMAL(18,6) AS temple_mm, 40::DECIMAL(18,6) AS lens_height_mm,
           135::DECIMAL(18,6) AS frame_width_mm, 25::DECIMAL(18,6) AS weight_g,
           CASE WHEN i = 2 THEN ['malformed_number:weight_g', 'nul_byte:title'] ELSE []::VARCHAR[] END AS faults
    FROM range($rows) t(i)
"""


def keep(scope: Scope, batch: BatchRef, *, rows: int = 12, spoil: str | None = None, sample: int = 50_000) -> Suite:
    """Judge a batch of variants and keep its evidence; `spoil` changes the verdict in between, as a wrong compiler would."""
    suite = load_suites(EXPECTATIONS)["variant"]
    with duckdb.connect() as con:
        con.execute("CREATE TABLE variants AS " + VARIANTS, {"rows": rows})
        con.execute("CREATE TABLE others AS SELECT '900' AS source_id, 'S10' AS sku, NULL::VARCHAR AS gtin")
        judge(con, suite, "variants", "others", "failing")
        if spoil:
            con.execute(spoil)
        evidence.keep(
            scope, con, suite, batch, rows="variants", holders="others", failing="failing", sealed=False, sample=sample
        )
    return suite


def test_document_agrees_writes_data_docs_and_removes_the_evidence(scope: Scope, tmp_path: Path) -> None:
    from varai.gate.document import document

    keep(scope, ref("a" * 32))
    keep(scope, ref("b" * 32, tenant="lakeside-optics"))  # the same SKUs in another tenant are no duplicates
    report = document(scope, None, EXPECTATIONS, tmp_path / "site")
    assert report.agreed, report.differences
    assert report.rows == {"variant": 24}
    assert report.index is not None
    assert report.index.is_file()
    assert list(evidence.pending(scope)) == []
    again = document(scope, None, EXPECTATIONS, tmp_path / "site")
    assert again.index is None
    assert report.index.is_file(), "a run without news leaves the Data Docs"


@pytest.mark.parametrize(
    ("spoil", "ours", "theirs"),
    [
        ("DELETE FROM failing WHERE source_id = '104'", (), ("price_not_positive", "?missing_gtin")),
        ("DELETE FROM failing WHERE source_id IN ('107', '108')", (), ("duplicate_sku", "?missing_gtin")),
        ("DELETE FROM failing WHERE source_id = '110'", (), ("duplicate_sku", "?missing_gtin")),
        (
            "UPDATE failing SET reasons = ['missing_price'] WHERE source_id = '101'",
            ("missing_price", "?missing_gtin"),
            ("?missing_gtin",),
        ),
    ],
    ids=["not told", "both holders not told", "holder outside not told", "told without cause"],
)
def test_document_reports_every_row_a_wrong_compiler_judged_otherwise(
    scope: Scope, tmp_path: Path, spoil: str, ours: tuple[str, ...], theirs: tuple[str, ...]
) -> None:
    from varai.gate.document import document

    keep(scope, ref("a" * 32), spoil=spoil)
    keep(scope, ref("b" * 32))
    report = document(scope, [ref("a" * 32), ref("b" * 32)], EXPECTATIONS, tmp_path / "site")
    assert not report.agreed
    assert {(one.compiled, one.great_expectations) for one in report.differences} == {(ours, theirs)}
    assert report.doubted == {("brillen-haus", "a" * 32)}
    kept = [path.name for path in (Path(scope.bucket) / "doubted").rglob("*") if path.is_file()]
    assert kept == [f"{'a' * 32}.parquet"], "the doubted batch is put aside, the other is not"
    assert list(evidence.pending(scope)) == []


def test_data_docs_hold_counts_and_no_value_of_any_row(scope: Scope, tmp_path: Path) -> None:
    from varai.gate.document import document

    keep(scope, ref("a" * 32))
    report = document(scope, None, EXPECTATIONS, tmp_path / "site")
    assert report.index is not None
    pages = "".join(path.read_text(encoding="utf-8") for path in report.index.parent.rglob("*.html"))
    assert "variant.gtin.check_digit" in pages or "gtin_valid" in pages
    for value in ("9520000000009", "S7", "S10"):
        assert value not in pages


def test_sample_is_bounded_and_failing_rows_are_all_there(scope: Scope) -> None:
    keep(
        scope,
        ref("a" * 32),
        rows=2000,
        spoil="UPDATE failing SET flags = []; DELETE FROM failing WHERE len(reasons) = 0",
        sample=100,
    )
    (found,) = evidence.pending(scope)
    judged = found.rows.filter(pa.compute.invert(found.rows["held"]))
    told = [bool(reasons) for reasons in judged["reasons"].to_pylist()]
    assert sum(told) == 8  # rows 2 to 8 but none twice, and 10 by its holder outside
    assert 60 < len(told) - sum(told) <= 100
    assert found.rows.num_rows > judged.num_rows, "the other holder of S10 is beside it"


def test_evidence_of_another_suite_version_is_put_away_unjudged(scope: Scope, tmp_path: Path) -> None:
    from varai.gate.document import document

    suite = keep(scope, ref("a" * 32))
    folder = tmp_path / "expectations" / "commerce"
    folder.mkdir(parents=True)
    text = (EXPECTATIONS / "commerce" / "variant.yml").read_text(encoding="utf-8")
    (folder / "variant.yml").write_text(text.replace("weight: 8", "weight: 9", 1), encoding="utf-8")
    report = document(scope, None, folder.parent, tmp_path / "site")
    assert load_suites(folder.parent)["variant"].version != suite.version
    assert report.outdated == [("brillen-haus", "variant", "a" * 32)]
    assert report.index is None
