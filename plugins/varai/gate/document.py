"""Great Expectations as record and oracle: evidence in; its own verdicts compared with ours, and Data Docs out.

The only file that imports Great Expectations: an import costs seconds, so it is a task of its own. The hot path decides by the
compiled pass; here every failing row and a sample of the others is judged again, and any difference is reported.
Data Docs hold counts alone: values of rows (third-party text, money facts) are taken out before anything is stored.
"""

from __future__ import annotations

import random
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import great_expectations as gx
import pandas as pd
import pyarrow as pa
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from great_expectations.expectations.registry import get_expectation_impl

from varai.gate.data_docs import Validation, make_self_contained
from varai.gate.evidence import SAMPLE, Evidence, pending, settle
from varai.gate.suite import Rule, Suite, load_suites
from varai.gate.vocabulary import Unique
from varai.kernel import BatchRef, Scope

_SITE = "quality"
_COUNTS = ("element_count", "missing_count", "missing_percent", "unexpected_count", "unexpected_percent",
           "unexpected_percent_total", "unexpected_percent_nonmissing")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """A row on which the two judges disagree: the reasons and flags each gave."""

    tenant: str
    entity: str
    batch_id: str
    source_id: str
    compiled: tuple[str, ...]
    great_expectations: tuple[str, ...]


@dataclass(slots=True)
class DocumentReport:
    """What was documented.

    Attributes:
        differences: every row on which the judges disagree; any of them must fail the task.
        doubted: (tenant, batch_id) of batches with a difference; their evidence lies under doubted/.
        outdated: (tenant, entity, batch_id) judged by another version of the suite than the present one; not compared.
        rows: rows compared, per entity.
        index: first page of the Data Docs; None when there was no evidence.
    """

    differences: list[Difference] = field(default_factory=list)
    doubted: set[tuple[str, str]] = field(default_factory=set)
    outdated: list[tuple[str, str, str]] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    index: Path | None = None

    @property
    def agreed(self) -> bool:
        """No row was judged differently."""
        return not self.differences


def document(
    scope: Scope,
    batches: Iterable[BatchRef] | None,
    expectations: Path,
    site_dir: Path,
    *,
    sample: int = SAMPLE,
    seed: int = 0,
) -> DocumentReport:
    """Judge the evidence of these batches (None: all that waits in the region) with Great Expectations and write Data Docs.

    Evidence on which both agree is removed; the rest is put aside, so that the next run does not stumble over it.

    Args:
        scope: of the region.
        expectations: folder of the suites.
        site_dir: folder of the Data Docs; replaced when there is evidence, left alone otherwise.
        sample: at most so many rows that fail nothing, per entity.
        seed: draws the sample.

    Raises:
        Misconfigured: a suite is wrong.
        RuntimeError: Great Expectations could not compute an expectation.
    """
    suites = load_suites(expectations)
    report = DocumentReport()
    by_entity: dict[str, list[Evidence]] = defaultdict(list)
    for evidence in pending(scope, None if batches is None else tuple(batches)):
        if evidence.entity in suites and suites[evidence.entity].version == evidence.suite_version:
            by_entity[evidence.entity].append(evidence)
        else:
            report.outdated.append((evidence.tenant, evidence.entity, evidence.batch_id))
            settle(scope, evidence, agreed=True)
    if not by_entity:
        return report
    oracle = Oracle()
    for entity, found in sorted(by_entity.items()):
        differences = _compare(oracle, suites[entity], found, report, sample=sample, seed=seed)
        report.differences += differences
        doubted = {(one.tenant, one.batch_id) for one in differences}
        report.doubted |= doubted
        for evidence in found:
            settle(scope, evidence, agreed=(evidence.tenant, evidence.batch_id) not in doubted)
    report.index = oracle.publish(site_dir)
    return report


class Oracle:
    """One in-memory context of Great Expectations; gathers validations until they are published as Data Docs."""

    def __init__(self) -> None:
        self._context = gx.get_context(mode="ephemeral")
        self._context.enable_analytics(enable=False)
        self._context.variables.progress_bars = {"globally": False}
        self._source = self._context.data_sources.add_pandas("rows")
        self._run = RunIdentifier(run_name="gate", run_time=datetime.now(UTC))
        self._validations: list[Validation] = []

    def failing(self, name: str, rules: Sequence[Rule], rows: pa.Table) -> dict[str, list[int]]:
        """Validate `rules` on `rows` and keep the counts under `name`; returns row numbers that fail, by rule id.

        Raises RuntimeError, naming the rule, when Great Expectations cannot compute one.
        """
        suite = gx.ExpectationSuite(name=name)
        for rule in rules:
            implementation = get_expectation_impl(rule.expect)
            suite.add_expectation(
                implementation(**_plain(rule.kwargs), meta=rule.meta.model_dump(), notes=rule.meta.about)
            )
        self._context.suites.add(suite)
        definition = self._source.add_dataframe_asset(name).add_batch_definition_whole_dataframe(name)
        batch = definition.get_batch(batch_parameters={"dataframe": frame(rows)})
        result = batch.validate(suite, result_format={"result_format": "COMPLETE"})
        found = {}
        for one in result.results:
            rule_id = one.expectation_config.meta["id"]
            if _raised(one.exception_info):
                raise RuntimeError(f"Great Expectations could not compute rule '{rule_id}': {one.exception_info}")
            found[rule_id] = [int(index) for index in one.result.get("unexpected_index_list") or ()]
            one.result = {key: one.result[key] for key in _COUNTS if key in one.result}
        self._keep(name, batch.id, result)
        failing = sum(1 for numbers in found.values() if numbers)
        told = Validation(name, rows.num_rows, len(found), failing, _sentences(rules))
        self._validations.append(told)
        return found

    def publish(self, folder: Path) -> Path:
        """Replace `folder` by Data Docs of all validations kept; returns its first page."""
        staged = folder.with_name(f".{folder.name}.staged")
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
        self._context.add_data_docs_site(
            _SITE,
            {
                "class_name": "SiteBuilder",
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
                "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(staged)},
            },
        )
        self._context.build_data_docs(site_names=[_SITE])
        make_self_contained(staged, self._validations, f"{self._run.run_time:%Y-%m-%d %H:%M} UTC")
        shutil.rmtree(folder, ignore_errors=True)
        staged.rename(folder)
        return folder / "index.html"

    def _keep(self, name: str, batch: str, result: Any) -> None:
        result.meta |= {"run_id": self._run, "validation_time": self._run.run_time}
        key = ValidationResultIdentifier(ExpectationSuiteIdentifier(name), self._run, batch)
        self._context.validation_results_store.add(key, result)


def frame(rows: pa.Table) -> pd.DataFrame:
    """The rows as pandas gives them to Great Expectations: decimals and whole numbers as Python's own, exact; nulls null."""
    found = rows.to_pandas(date_as_object=True, integer_object_nulls=True)
    whole = [field.name for field in rows.schema if pa.types.is_integer(field.type)]
    # As 64-bit numbers they would be compared with bounds as binary fractions, which do not hold every one of them.
    exact: pd.DataFrame = found.astype(dict.fromkeys(whole, object))
    return exact


def _compare(
    oracle: Oracle, suite: Suite, found: Sequence[Evidence], report: DocumentReport, *, sample: int, seed: int
) -> list[Difference]:
    """Judge the evidence of one entity: rows of all batches together, uniqueness batch by batch with the other holders."""
    judged, owners = _judged(found, sample, seed)
    report.rows[suite.entity] = judged.num_rows
    broken: list[set[str]] = [set() for _ in range(judged.num_rows)]
    alone = [rule for rule in suite.rules if not isinstance(rule.arguments, Unique)]
    _mark(broken, range(judged.num_rows), oracle.failing(suite.entity, alone, judged.select(list(suite.judged))))
    sets = [rule for rule in suite.rules if isinstance(rule.arguments, Unique)]
    ids = judged["source_id"].to_pylist()
    if sets:
        places = {
            (owner.key, source_id): place for place, (owner, source_id) in enumerate(zip(owners, ids, strict=True))
        }
        for evidence in found:
            names = [places.get((evidence.key, source_id)) for source_id in evidence.rows["source_id"].to_pylist()]
            name = f"{suite.entity}-set-{evidence.tenant}-{evidence.batch_id}"
            _mark(broken, names, oracle.failing(name, sets, evidence.rows.select(list(suite.set_keys))))
    compiled = zip(judged["reasons"].to_pylist(), judged["flags"].to_pylist(), strict=True)
    rows = zip(owners, ids, compiled, broken, strict=True)
    differences = []
    for owner, source_id, (reasons, flags), failed in rows:
        ours, theirs = _told(reasons, flags), _told(*_reasons(suite.rules, failed))
        if ours != theirs:
            differences.append(Difference(owner.tenant, suite.entity, owner.batch_id, source_id, ours, theirs))
    return differences


def _judged(found: Sequence[Evidence], sample: int, seed: int) -> tuple[pa.Table, list[Evidence]]:
    """Rows to compare, other holders left out, those that fail nothing drawn down to `sample`; and whose each row is."""
    own = [evidence.rows.filter(pa.compute.invert(evidence.rows["held"])) for evidence in found]
    owners = [evidence for evidence, rows in zip(found, own, strict=True) for _ in range(rows.num_rows)]
    table = pa.concat_tables([rows.replace_schema_metadata() for rows in own])
    told = zip(table["reasons"].to_pylist(), table["flags"].to_pylist(), strict=True)
    clean = [place for place, (reasons, flags) in enumerate(told) if not reasons and not flags]
    if len(clean) > sample:
        # S311: a sample to look at, not a secret.
        dropped = set(clean) - set(random.Random(seed).sample(clean, sample))  # noqa: S311 - a seeded sample, no secret
        kept = [place for place in range(table.num_rows) if place not in dropped]
        return table.take(kept), [owners[place] for place in kept]
    return table, owners


def _mark(broken: list[set[str]], places: Sequence[int | None], failing: Mapping[str, Sequence[int]]) -> None:
    for rule_id, numbers in failing.items():
        for number in numbers:
            place = places[number]
            if place is not None:
                broken[place].add(rule_id)


def _reasons(rules: Sequence[Rule], failed: set[str]) -> tuple[set[str], set[str]]:
    hard = {rule.meta.reason for rule in rules if rule.meta.id in failed and rule.meta.severity == "hard"}
    soft = {rule.meta.reason for rule in rules if rule.meta.id in failed and rule.meta.severity == "soft"}
    return hard, soft


def _told(reasons: Iterable[str], flags: Iterable[str]) -> tuple[str, ...]:
    """Reasons as they are, flags after a question mark: the two must not be taken for each other."""
    return (*sorted(reasons), *(f"?{flag}" for flag in sorted(flags)))


def _sentences(rules: Iterable[Rule]) -> dict[str, str]:
    """By column, what a rule means whose expectation says only that the column must be true."""
    return {
        str(rule.kwargs["column"]): f"{rule.meta.about} Reason given otherwise: {rule.meta.reason}."
        for rule in rules
        if rule.kwargs.get("value_set") == [True]
    }


def _raised(info: Mapping[str, Any] | None) -> bool:
    """Whether Great Expectations caught an error: one flag, or one per metric."""
    if not info:
        return False
    if "raised_exception" in info:
        return bool(info["raised_exception"])
    return any(_raised(one) for one in info.values() if isinstance(one, Mapping))


def _plain(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """A copy: Great Expectations keeps and changes what it is given."""
    return {key: list(value) if isinstance(value, list) else value for key, value in kwargs.items()}
