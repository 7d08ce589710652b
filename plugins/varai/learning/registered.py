"""Which version of a model is to serve: the registry of a region (MLflow) is asked over its REST interface; its word comes out.

Asked for is the version that has the alias `champion`; its tags point to the bundle in the region's bucket. What was found is
kept in the bucket too, so that a process that starts while the registry is down has something to start with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import httpx

from varai.kernel import Malformed, Misconfigured, Scope, Unavailable
from varai.learning.bundle import folder, mapping_version
from varai.stores import objects

ALIAS: Final = "champion"
PATIENCE_S: Final = 3.0
_PATH: Final = "/api/2.0/mlflow/registered-models/alias"
_TAGS: Final = ("bundle", "sha256", "snapshot", "mapping", "trained_at", "metric", "floor", "decision")


@dataclass(frozen=True, slots=True)
class Version:
    """A registered version, as its tags `varai.*` describe it; texts, as they were registered.

    Attributes:
        bundle: key of the bundle. sha256: of its plaintext, hex.
        snapshot: what it learned from. mapping: see `varai.learning.bundle.mapping_version`.
        trained_at: ISO 8601. metric, floor: what it scored beside the floor. decision: why it serves.
    """

    model: str
    number: str
    bundle: str
    sha256: str
    snapshot: str
    mapping: str
    trained_at: str
    metric: str
    floor: str
    decision: str


def registered_name(scope: Scope, model: str) -> str:
    """How the registry calls a tenant's model. Raises Misconfigured for the scope of a region."""
    if scope.tenant is None:
        raise Misconfigured("A model belongs to one tenant.", "Pass a scope of one tenant.")
    return f"{scope.region}.{scope.tenant}.{model}"


def champion(scope: Scope, model: str, client: httpx.Client) -> Version | None:
    """The version that serves; None: nothing was promoted yet. Asked once: whoever asks, asks again later.

    Raises:
        Misconfigured: the region has no registry. Unavailable: it does not answer.
        Malformed: its answer is none, or the version is not one that may serve this tenant.
    """
    if scope.registry_url is None:
        raise Misconfigured(
            f"Region '{scope.region}' has no registry of models.",
            f"Set VARAI_STORES__{scope.region.upper()}__REGISTRY_URL to the address of its MLflow.",
        )
    asked = {"name": registered_name(scope, model), "alias": ALIAS}
    try:
        answer = client.get(scope.registry_url + _PATH, params=asked)
    except httpx.HTTPError as error:
        raise Unavailable(f"The registry of models does not answer ({type(error).__name__}).") from error
    body = _json(answer)
    if _is_absent(answer.status_code, body):
        return None
    if answer.status_code != httpx.codes.OK:
        raise Unavailable(f"The registry of models answered {answer.status_code}.")
    return _version(scope, model, body)


def _is_absent(status: int, body: Mapping[str, Any]) -> bool:
    """Whether MLflow 3 says that there is no such model (404), or that it has no such alias (400, told in words alone)."""
    code, said = body.get("error_code"), str(body.get("message", ""))
    return (status, code) == (404, "RESOURCE_DOES_NOT_EXIST") or (
        (status, code) == (400, "INVALID_PARAMETER_VALUE") and f"alias {ALIAS} not found" in said
    )


def _json(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Unavailable(f"The registry of models answered {answer.status_code}, and not in JSON.")
    return body


def _version(scope: Scope, model: str, body: Mapping[str, Any]) -> Version:
    try:
        found = body["model_version"]
        given = {one["key"]: one["value"] for one in found["tags"]}
        tags = {name: str(given[f"varai.{name}"]) for name in _TAGS}
        number, name = str(found["version"]), found["name"]
    except (KeyError, TypeError) as error:
        raise Malformed(
            "The registry's champion is not one of ours.", "Register it with `varai models train`."
        ) from error
    own = name == registered_name(scope, model) and tags["bundle"].startswith(folder(str(scope.tenant), model))
    if not own:
        raise Malformed("The registry's champion is another tenant's model.", "Roll it back.")
    if tags["mapping"] != mapping_version():
        raise Malformed(
            "The registry's champion was trained by another mapping of the fields than today's.",
            "Run transform, then train it again.",
        )
    return Version(model, number, **tags)


def remember(scope: Scope, version: Version) -> None:
    """Keep what serves, for `recalled`. Raises DiskFull."""
    objects(scope).write(_kept(scope, version.model), json.dumps(asdict(version)).encode())


def recalled(scope: Scope, model: str) -> Version | None:
    """What served last as far as the bucket knows; None where nothing did, or it cannot be read."""
    found = objects(scope).get(_kept(scope, model))
    try:
        return Version(**json.loads(found[0])) if found else None
    except (ValueError, TypeError):
        return None


def _kept(scope: Scope, model: str) -> str:
    return f"{folder(str(scope.tenant), model)}served.json"
