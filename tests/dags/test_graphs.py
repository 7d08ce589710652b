"""Every graph parses, is the one reviewed, keeps to its region, and nothing of the library is executed as a plugin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from varai.learning.spec import specs
from varai.settings import load
from varai.sources import connectors

SNAPSHOT = Path(__file__).with_name("graphs.json")


def test_every_file_parses_and_gives_the_graphs_of_its_regions(parsed: dict[str, Any]) -> None:
    regions = sorted(load({}).regions)
    wanted = {f"ingest__{region}__{vendor}" for region in regions for vendor in connectors()}
    wanted |= {f"{name}__{region}" for region in regions for name in ("transform", "operate")}
    wanted |= {f"train__{region}__{model}" for region in regions for model in specs()}
    assert parsed["errors"] == {}
    assert set(parsed["graphs"]) == wanted
    assert len(wanted) >= 6


def test_the_graphs_are_those_that_were_reviewed(parsed: dict[str, Any]) -> None:
    """A change of ids, edges, schedules, pools or assets shows here."""
    now = json.dumps(dict(sorted(parsed["graphs"].items())), indent=1) + "\n"
    if now != SNAPSHOT.read_text():
        written = REPOSITORY / ".cache" / "graphs.json"
        written.parent.mkdir(exist_ok=True)
        written.write_text(now)
        pytest.fail("Graphs changed: look at .cache/graphs.json, then put it in the place of tests/dags/graphs.json.")


def test_a_region_is_bound_and_never_a_parameter(parsed: dict[str, Any]) -> None:
    for name, graph in parsed["graphs"].items():
        assert graph["params"] == [], name


def test_the_assets_of_a_graph_are_those_of_its_region(parsed: dict[str, Any]) -> None:
    seen = 0
    for name, graph in parsed["graphs"].items():
        region = name.split("__")[1]
        assets = [one for one in graph["schedule"] if "://" in one]
        assets += [uri for task in graph["tasks"].values() for uri in task["outlets"]]
        seen += len(assets)
        assert all(uri.startswith(f"varai://{region}/") for uri in assets), name
        assert all(task["pool"] in ("default_pool", f"warehouse-{region}") for task in graph["tasks"].values()), name
    assert seen


def test_every_graph_says_what_it_does_who_owns_it_and_runs_once_at_a_time(parsed: dict[str, Any]) -> None:
    for name, graph in parsed["graphs"].items():
        assert graph["documented"], name
        assert graph["tags"], name
        assert (graph["max_active_runs"], graph["catchup"]) == (1, False), name
        assert {task["owner"] for task in graph["tasks"].values()} == {"commerce"}, name


def test_the_warehouse_pool_guards_every_task_that_opens_the_warehouse(parsed: dict[str, Any]) -> None:
    # `prove` is none of them: it reads vendors for long, holds the warehouse for a moment, and waits for that by itself.
    opening = {"load", "build_and_publish", "docs", "reconcile", "erase_due"}
    guarded = {
        task
        for graph in parsed["graphs"].values()
        for task, found in graph["tasks"].items()
        if found["pool"].startswith("warehouse-")
    }
    assert guarded == opening


def test_the_library_is_no_plugin_and_shadows_nothing(parsed: dict[str, Any]) -> None:
    """Without plugins/.airflowignore Airflow executes every file of the library and shadows stdlib modules."""
    assert parsed["plugin_errors"] == {}
    assert "varai" in parsed["plugins"]
    assert all("site-packages" not in path and "varai" not in path for path in parsed["stdlib"].values())
    assert Path(parsed["varai"]) == REPOSITORY / "plugins" / "varai" / "__init__.py"
