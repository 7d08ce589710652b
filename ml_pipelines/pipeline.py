"""The one pipeline of every model: assemble -> train -> evaluate -> promote, for a batch of a region's tenants.

`python -m ml_pipelines.pipeline` compiles it into pipeline.yaml, which `varai.orchestration.pipelines` runs here or submits.
"""

from pathlib import Path
from typing import Any, Final

from kfp import compiler, dsl

from ml_pipelines import components

COMPILED: Final = Path(__file__).with_name("pipeline.yaml")


def _fresh(task: Any) -> Any:
    """Of equal names the data differ, so no step may be answered from a cache."""
    return task.set_caching_options(enable_caching=False).output


@dsl.pipeline(name="learn", description="Assemble, train, evaluate and promote a model for a batch of tenants.")
def learn(region: str, tenants: list[str], model: str, run: str) -> list[str]:
    """What is drawn: names go in, names of jobs go from step to step."""
    jobs: list[str] = _fresh(components.assemble(region=region, tenants=tenants, model=model, run=run))
    for step in (components.train, components.evaluate, components.promote):
        jobs = _fresh(step(region=region, jobs=jobs))
    return jobs


def compile_to(path: Path) -> None:
    """Write the pipeline as YAML."""
    compiler.Compiler().compile(learn, str(path))


if __name__ == "__main__":
    compile_to(COMPILED)
