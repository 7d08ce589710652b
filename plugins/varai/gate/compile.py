"""The compiled gate: a suite and a table of mapped rows in, one SQL statement, a table of the rows that fail something out."""

from __future__ import annotations

import duckdb

from varai.gate.derive import levels
from varai.gate.score import score_sql
from varai.gate.suite import Rule, Severity, Suite
from varai.gate.vocabulary import Unique
from varai.kernel import identifier, literal


def judge(con: duckdb.DuckDBPyConnection, suite: Suite, rows: str, holders: str | None, into: str) -> None:
    """Judge every row of `rows` in one pass and create table `into`, one row for each that fails something.

    Args:
        con: where the tables are.
        suite: the rules of the rows' entity.
        rows: table or view with `source_id` (unique), `position`, the mapped columns and `faults`.
        holders: table or view of `source_id` and the suite's `set_keys`: current rows of the stream that are not in `rows`.
        into: table to create or replace: source_id, position, reasons VARCHAR[] (hard rules broken: quarantine), flags
            VARCHAR[] (soft rules broken), score DOUBLE from 0 to 100. Both lists are sorted and hold each reason once.

    Raises:
        duckdb.Error: a column is missing or of another type than the entity's.
    """
    con.execute(f"CREATE OR REPLACE TABLE {identifier(into)} AS {verdicts_sql(suite, rows, holders)}")


def verdicts_sql(suite: Suite, rows: str, holders: str | None) -> str:
    """The SELECT of `judge`.

    Rows that keep every rule are put aside by one cheap filter; which rules a row breaks is worked out for the rest alone.
    """
    uniques = [rule for rule in suite.rules if isinstance(rule.arguments, Unique)]
    ctes = [f"derived AS ({derived_sql(suite, rows, ('source_id', 'position', *suite.judged))})"]
    ctes += [f"{_shared(rule)} AS ({_shared_sql(rule, rows, holders)})" for rule in uniques]
    marks = [
        f"{identifier(rule.arguments.columns[0])} IN (SELECT held FROM {_shared(rule)}) AS {_shared(rule)}"
        for rule in uniques
    ]
    broken = [f"coalesce({_fails(rule)}, false)" for rule in suite.rules]
    ctes.append(f"marked AS (SELECT {', '.join(['*', *marks])} FROM derived)")
    ctes.append(f"failing AS (SELECT * FROM marked WHERE {' OR '.join(_fails(rule) for rule in suite.rules)})")
    return (
        f"WITH {', '.join(ctes)} SELECT source_id, position, {_reasons(suite, 'hard', broken)} AS reasons, "
        f"{_reasons(suite, 'soft', broken)} AS flags, {score_sql(suite.rules, broken)} AS score FROM failing"
    )


def derived_sql(suite: Suite, rows: str, keep: tuple[str, ...]) -> str:
    """SELECT of `keep` (own and derived columns) of the rows; derived columns are computed level by level.

    In one flat list a column would be computed again wherever a later one names it.
    """
    sql = identifier(rows)
    for level in levels({name: derived.sql for name, derived in suite.derive.items()}):
        columns = ", ".join(f"({suite.derive[name].sql}\n) AS {identifier(name)}" for name in level)
        sql = f"(SELECT *, {columns} FROM {sql})"
    return f"SELECT {', '.join(identifier(name) for name in keep)} FROM {sql}"


def _reasons(suite: Suite, severity: Severity, broken: list[str]) -> str:
    pairs = zip(suite.rules, broken, strict=True)
    cases = [
        f"CASE WHEN {test} THEN {literal(rule.meta.reason)} END"
        for rule, test in pairs
        if rule.meta.severity == severity
    ]
    return f"list_sort(list_distinct([{', '.join(cases)}]::VARCHAR[]))"


def _fails(rule: Rule) -> str:
    """True where the rule is broken; false or null elsewhere."""
    test = _shared(rule) if isinstance(rule.arguments, Unique) else rule.arguments.fails()
    condition = rule.arguments.row_condition
    return f"(({condition.sql()}) AND {test})" if condition else f"({test})"


def _shared(rule: Rule) -> str:
    """Names the values of a uniqueness rule that are held more than once, and the mark of rows that hold one."""
    return identifier(f"shared {rule.meta.id}")


def _shared_sql(rule: Rule, rows: str, holders: str | None) -> str:
    """Values held more than once. Counting 8-byte hashes first keeps a million distinct texts out of memory."""
    column = rule.arguments.columns[0]
    tables = [rows, *([holders] if holders else [])]
    condition = rule.arguments.row_condition
    test = f"{identifier(column)} IS NOT NULL" + (f" AND ({condition.sql()})" if condition else "")
    held = " UNION ALL ".join(
        f"SELECT {identifier(column)} AS held FROM {identifier(table)} WHERE {test}" for table in tables
    )
    hashes = f"SELECT hash(held) FROM ({held}) GROUP BY 1 HAVING count(*) > 1"
    return f"SELECT held FROM ({held}) WHERE hash(held) IN ({hashes}) GROUP BY held HAVING count(*) > 1"
