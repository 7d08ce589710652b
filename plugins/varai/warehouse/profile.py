"""dbt's profile of one region, written beside what dbt compiles: a fact of config/, so it is kept nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from varai.kernel import Misconfigured, Scope
from varai.warehouse.bigquery import SCHEME, parse_address

_THREADS = 2


def write_profile(scope: Scope, folder: Path, location: str = "") -> str:
    """Write profiles.yml for the scope's region (JSON is YAML) and return the target's name, `<region>_embedded` or `_cloud`.

    Raises:
        Misconfigured: a BigQuery dataset without a location.
    """
    cloud = scope.warehouse.startswith(SCHEME)
    name = f"{scope.region}_{'cloud' if cloud else 'embedded'}"
    output = _bigquery(scope, location) if cloud else _duckdb(scope)
    profile = {"varai": {"target": name, "outputs": {name: output}}}
    (folder / "profiles.yml").write_text(json.dumps(profile, indent=2), encoding="utf-8")
    return name


def _duckdb(scope: Scope) -> dict[str, Any]:
    return {
        "type": "duckdb",
        "path": scope.warehouse,
        "schema": "main",
        "threads": _THREADS,
        "settings": {"TimeZone": "UTC", "memory_limit": "2GB", "preserve_insertion_order": False},
    }


def _bigquery(scope: Scope, location: str) -> dict[str, Any]:
    if not location:
        raise Misconfigured(
            f"The BigQuery dataset of region '{scope.region}' has no location.",
            "Pass the region's `location` of config/regions.toml.",
        )
    project, dataset = parse_address(scope.warehouse)
    return {
        "type": "bigquery",
        "method": "oauth",  # the workload's own identity
        "project": project,
        "dataset": dataset,
        "location": location,
        "threads": _THREADS,
    }
