"""The components of the pipeline. Each hands its names to the verb of `varai.learning.steps`; no data pass between them."""

from typing import Final

from kfp import dsl

IMAGE: Final = "varai/platform:0.1.0"
"""Holds the library, its dependencies and kfp, so nothing is installed when a component runs."""

_component = dsl.component(base_image=IMAGE, install_kfp_package=False)


@_component
def assemble(region: str, tenants: list[str], model: str, run: str) -> list[str]:
    """Assemble the batch's datasets; what is too little is a state."""
    from varai.learning import steps
    from varai.settings import load

    return steps.assemble(load(), region, tenants, model, run)


@_component
def train(region: str, jobs: list[str]) -> list[str]:
    """Train where there is a dataset."""
    from varai.learning import steps
    from varai.settings import load

    return steps.train(load(), region, jobs)


@_component
def evaluate(region: str, jobs: list[str]) -> list[str]:
    """Judge what was trained against floor and champion."""
    from varai.learning import steps
    from varai.settings import load

    return steps.evaluate(load(), region, jobs)


@_component
def promote(region: str, jobs: list[str]) -> list[str]:
    """Register and promote what was judged; fails at the end, naming the tenants that failed in any step."""
    from varai.learning import steps
    from varai.settings import load

    return steps.promote(load(), region, jobs)
