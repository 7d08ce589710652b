"""Run the compiled pipeline: in this process's own machine by KFP's local runner, or submitted to Kubeflow or Vertex AI Pipelines.

Which of them is a setting; the steps are the same. Names go in. What a run did is read from the tenants' states, wherever it ran.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from varai.kernel import Misconfigured, Unavailable
from varai.settings import RegionStores, Settings


def run(settings: Settings, region: str, model: str, tenants: Sequence[str], run: str) -> str:
    """Train a batch; returns where the run can be seen, or nothing when it ran here and is over.

    Raises:
        Misconfigured: an address of the service is missing. Unavailable: it refused.
        A step that failed here raises nothing: the tenants' states say what happened.
    """
    arguments = {"region": region, "tenants": list(tenants), "model": model, "run": run}
    stores = settings.stores.get(region, RegionStores())
    return {"local": _here, "kubeflow": _kubeflow, "vertex": _vertex}[settings.pipelines](
        settings, region, stores, arguments
    )


def _here(settings: Settings, region: str, stores: RegionStores, arguments: dict[str, Any]) -> str:
    del region, stores
    from kfp import components, local

    with tempfile.TemporaryDirectory() as names, warnings.catch_warnings():
        # This environment is what the image holds: both are made from the same lock.
        warnings.filterwarnings("ignore", "You may be attemping to run a task that uses custom", RuntimeWarning)
        local.init(local.SubprocessRunner(use_venv=False), pipeline_root=names, raise_on_error=False)
        components.load_component_from_file(str(settings.ml_pipelines / "pipeline.yaml"))(**arguments)
    return ""


def _kubeflow(settings: Settings, region: str, stores: RegionStores, arguments: dict[str, Any]) -> str:
    if not stores.pipelines_url:
        raise _missing(region, "PIPELINES_URL", "the address of Kubeflow Pipelines")
    import kfp

    try:
        client = kfp.Client(host=stores.pipelines_url)
        with _of_region(settings, stores) as package:
            made = client.create_run_from_pipeline_package(
                package, arguments=arguments, run_name=_name(arguments), experiment_name=region, enable_caching=False
            )
    except Exception as error:
        raise Unavailable(f"Kubeflow Pipelines of region '{region}' refused ({type(error).__name__}).") from error
    return f"{stores.pipelines_url}/#/runs/details/{made.run_id}"


def _vertex(settings: Settings, region: str, stores: RegionStores, arguments: dict[str, Any]) -> str:
    if not stores.pipelines_root.startswith("gs://"):
        raise _missing(region, "PIPELINES_ROOT", "a gs:// folder of the region")
    if not settings.google_project:
        raise Misconfigured("VARAI_GOOGLE_PROJECT is not set, so no job can be submitted to Vertex AI.")
    from google.api_core.exceptions import GoogleAPIError
    from google.cloud import aiplatform

    with _of_region(settings, stores) as package:
        job = aiplatform.PipelineJob(
            display_name=_name(arguments),
            template_path=package,
            pipeline_root=stores.pipelines_root,
            parameter_values=arguments,
            project=settings.google_project,
            location=settings.region(region).location,
            enable_caching=False,
        )
        try:
            job.submit()
        except GoogleAPIError as error:
            raise Unavailable(f"Vertex AI of region '{region}' refused ({type(error).__name__}).") from error
    return str(job.resource_name)


@contextmanager
def _of_region(settings: Settings, stores: RegionStores) -> Iterator[str]:
    """A file with the pipeline, its steps in the image that has the region's settings, where one is named."""
    found = yaml.safe_load((settings.ml_pipelines / "pipeline.yaml").read_text(encoding="utf-8"))
    if stores.pipelines_image:
        for executor in found["deploymentSpec"]["executors"].values():
            executor["container"]["image"] = stores.pipelines_image
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        path.write_text(yaml.safe_dump(found), encoding="utf-8")
        yield str(path)


def _name(arguments: dict[str, Any]) -> str:
    return f"{arguments['model']}-{arguments['region']}-{arguments['run']}"


def _missing(region: str, key: str, what: str) -> Misconfigured:
    variable = f"VARAI_STORES__{region.upper()}__{key}"
    return Misconfigured(f"{variable} is not set, so nothing can be submitted.", f"Set it to {what}.")
