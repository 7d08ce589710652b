"""The metrics: what each number means, read from dbt/metrics/*.yml by documentation, the API and tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError

from varai.kernel import Misconfigured, Word


class Metric(Word):
    """One number with its exact definition.

    Attributes:
        expression: SQL over the mart's columns, an aggregate; summable when `sums`.
        version: raised whenever the definition changes, so that a figure can say which one made it.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    definition: str
    unit: Literal["minor", "count", "share"]
    mart: str
    column: str | None = None
    expression: str
    sums: bool
    source: str
    version: int = Field(ge=1)


def load_metrics(folder: Path) -> Mapping[str, Metric]:
    """Every metric of a folder, by name; raises Misconfigured naming the file and the key."""
    found: dict[str, Metric] = {}
    for path in sorted(folder.glob("*.yml")):
        try:
            metric = Metric.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (ValidationError, yaml.YAMLError) as error:
            raise Misconfigured(
                f"{path} is not a metric: {str(error).splitlines()[0]}.", "Compare it with its neighbours."
            ) from error
        if metric.name != path.stem:
            raise Misconfigured(f"{path} names the metric '{metric.name}'.", "Give file and metric the same name.")
        found[metric.name] = metric
    return found
