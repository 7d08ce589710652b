"""Every model says what a row is, every column what it means, and every metric is a column of a mart."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from varai.canonical import ENTITIES
from varai.kernel import Misconfigured
from varai.marts import load_metrics, publish
from varai.warehouse import connect
from varai.warehouse.build import build, docs

pytestmark = pytest.mark.slow
PROJECT = Path(__file__).resolve().parents[2] / "dbt"
MODELS = sorted((PROJECT / "models").rglob("*.sql"))
UNSTORED = {"source", "root_id", "batch_id", "content_hash", "deleted", "source_id"}


def _described(model: Path) -> dict[str, Any]:
    beside = model.with_suffix(".yml")
    assert beside.exists(), f"{model.name} needs {beside.name} beside it, with its description and columns."
    found: dict[str, Any] = yaml.safe_load(beside.read_text())["models"][0]
    return found


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_a_model_says_what_it_is_and_ends_with_its_grain(model: Path) -> None:
    facts = _described(model)
    assert facts["name"] == model.stem
    assert re.search(r"One row per [^.]+\.$", facts["description"]), (
        f"{model.stem}: the description ends with its grain, 'One row per ...'."
    )
    assert all(column.get("description") for column in facts["columns"])


def test_what_is_described_is_what_is_there(built: Any) -> None:
    there: dict[str, set[str]] = {}
    for table, column in built.query(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema IN ('staging', 'intermediate', 'marts')"
    ):
        there.setdefault(table, set()).add(column)
    described = {model.stem: {column["name"] for column in _described(model)["columns"]} for model in MODELS}
    assert described == there


@pytest.mark.parametrize("entity", sorted(ENTITIES))
def test_staging_gives_every_stored_field(entity: str) -> None:
    columns = {
        column["name"]: column for column in _described(PROJECT / "models" / "staging" / f"stg_{entity}.sql")["columns"]
    }
    for field in ENTITIES[entity].stored:
        if field.name in UNSTORED:
            continue
        assert field.name in columns, f"stg_{entity} lacks {field.name}: add it to the SQL and the .yml beside it."
        stated = columns[field.name].get("config", {}).get("meta", {}).get("data_class")
        expected = field.data_class if field.data_class in ("personal", "health") else None
        assert stated == expected, f"stg_{entity}.{field.name}: data_class is {expected} in varai.canonical."


def test_published_marts_name_their_key_and_class(built: Any) -> None:
    marts = {mart.name: mart for mart in built.report.marts}
    assert set(marts) == {"daily_sales", "dim_product", "fct_order_line", "fct_refund_line"}
    assert {name: mart.data_class for name, mart in marts.items()} == {
        "daily_sales": "internal",
        "dim_product": "internal",
        "fct_order_line": "personal",
        "fct_refund_line": "internal",
    }
    assert all(mart.key[:2] == ("tenant", "feed") for mart in marts.values())


def test_metrics_are_computed_from_what_is_there(built: Any) -> None:
    metrics = load_metrics(PROJECT / "metrics")
    for metric in metrics.values():
        assert built.query(f"SELECT {metric.expression} FROM marts.{metric.mart}")[0][0] is not None, metric.name
        if metric.column:
            assert built.query(f"SELECT {metric.column} FROM marts.{metric.mart} LIMIT 1"), metric.name
    assert {"gross_sales", "net_sales", "total_sales", "orders"} <= set(metrics)


def test_the_marts_are_published_and_the_withheld_tenant_is_not(built: Any) -> None:
    with connect(built.scope) as warehouse:
        current = publish(built.scope, warehouse.connection, built.report.marts, built.report.withheld)
    assert set(current) == {"brille", "lake"}


def test_a_second_build_gives_the_file_back_and_the_docs_need_no_network(built: Any, tmp_path: Path) -> None:
    page = docs(built.scope, PROJECT, built.target, built.logs, tmp_path / "site" / "index.html").read_text()
    assert "daily_sales" in page
    assert not re.findall(r'<(?:script|link)[^>]+(?:src|href)="https?://', page)
    code = f"import duckdb; duckdb.connect({built.scope.warehouse!r})"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_model_that_does_not_build_is_named(built: Any, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    (project / "dbt_project.yml").write_text(
        json.dumps({"name": "varai", "version": "1.0.0", "config-version": 2, "profile": "varai"})
    )
    (project / "models" / "wrong.sql").write_text("select no_such_column from raw.product")
    with pytest.raises(Misconfigured, match=r"wrong.*no_such_column"):
        build(built.scope, project, tmp_path / "target", tmp_path / "logs")
