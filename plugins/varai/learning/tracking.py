"""The registry of models (MLflow): versions that point at sealed bundles, the champion among them, and the way back.

Pointers, figures and words go in; no personal datum does. The only module that imports MLflow, and only when it is used: that
takes seconds. Serving asks the same server over HTTP.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import httpx

from varai.kernel import Gone, InUse, Malformed, Misconfigured, Scope, Unavailable
from varai.learning.bundle import Stored, mapping_version
from varai.learning.registered import ALIAS
from varai.learning.words import Pointer

LOADER: Final = "varai.learning.pyfunc"
POINTER: Final = "pointer.json"
CLEANED: Final = "varai.cleaned"
"""Tag of a version whose bundle was written anew without somebody who asked to be forgotten."""
_HISTORY, _HELD = "varai.history", "varai.held"
_PAGE: Final = 200
_PATIENCE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Version:
    """One registered version.

    Attributes:
        name: "{region}.{tenant}.{model}". run_id: of the run that made it.
        tags: those of its Pointer, with their prefix `varai.`.
    """

    name: str
    number: int
    run_id: str
    champion: bool
    tags: Mapping[str, str]

    @property
    def pointer(self) -> Pointer:
        """What it points at. Raises Malformed where a tag is missing."""
        return Pointer.read(self.tags)


class Registry:
    """The registry of one region.

    Raises:
        Misconfigured: at construction, where no address is set. Unavailable: at any call, where the server does not answer.
    """

    def __init__(self, scope: Scope) -> None:
        if not scope.registry_url:
            raise Misconfigured(
                f"VARAI_STORES__{scope.region.upper()}__REGISTRY_URL is not set, so region '{scope.region}' keeps no models.",
                "Start the embedded stack with `make up`, or set the variable to the address of an MLflow server.",
            )
        self._url, self._region = scope.registry_url, scope.region

    def register(self, name: str, pointer: Pointer, card: str, figures: Mapping[str, float]) -> Version:
        """Add a version whose files are a pointer, a signature, an input example and the card. It is no champion yet."""
        with self._told(), tempfile.TemporaryDirectory() as folder:
            model = _write_model(Path(folder), pointer, card)
            found = self._client.get_experiment_by_name(name)
            experiment = found.experiment_id if found else self._client.create_experiment(name)
            recipe = json.loads(pointer.recipe)
            title = f"{recipe['candidate']}, {pointer.trained_at[:10]}"
            run = self._client.create_run(experiment, run_name=title, tags=pointer.tags())
            run_id = str(run.info.run_id)
            for key, value in figures.items():
                self._client.log_metric(run_id, key, value)
            for key, value in recipe.items():
                self._client.log_param(run_id, key, json.dumps(value))
            self._client.log_artifacts(run_id, str(model), "model")
            self._client.set_terminated(run_id)
            if not self._exists(name):
                self._client.create_registered_model(
                    name, description="Its versions point at bundles sealed in the region."
                )
            made = self._client.create_model_version(
                name,
                source=f"{run.info.artifact_uri}/model",
                run_id=run_id,
                tags=pointer.tags(),
                description=pointer.decision,
                await_creation_for=0,  # the server has made it when it answers
            )
            return Version(name, int(made.version), run_id, champion=False, tags=pointer.tags())

    def names(self, tenant: str | None = None) -> list[str]:
        """Names of the region's models, or of one tenant's."""
        prefix = f"{self._region}.{tenant}." if tenant else f"{self._region}."
        with self._told():
            pages = self._pages(self._client.search_registered_models, filter_string=f"name LIKE '{prefix}%'")
            return sorted(found.name for found in pages if found.name.startswith(prefix))

    def versions(self, name: str) -> list[Version]:
        """All versions, newest first; none of a model that was never registered."""
        with self._told():
            champion = self._champion_of(name)
            found = self._pages(self._client.search_model_versions, filter_string=f"name = '{name}'")
            made = [
                Version(name, int(one.version), one.run_id, int(one.version) == champion, dict(one.tags))
                for one in found
            ]
        return sorted(made, key=lambda one: -one.number)

    def version(self, name: str, number: int) -> Version:
        """One version; raises Gone."""
        for one in self.versions(name):
            if one.number == number:
                return one
        raise Gone(f"{name} has no version {number}.", "See `varai models list`.")

    def champion(self, name: str) -> Version | None:
        """The version that is served, if there is one."""
        return next((one for one in self.versions(name) if one.champion), None)

    def held(self, name: str) -> str | None:
        """Why training may not replace the champion, if a person has said so by rolling back."""
        with self._told():
            return self._tags(name).get(_HELD) or None

    def promote(self, name: str, number: int, *, release: bool = True) -> None:
        """Make a version the champion, within a turn (`varai.learning.turns`).

        Args:
            release: let training replace it again, though somebody rolled back; for a person to say.

        Raises:
            Gone: there is no such version. Malformed: it was trained by another mapping of the fields, so nothing could serve it.
        """
        _must_fit(self.version(name, number))
        with self._told():
            history = [one for one in self._history(name) if one != number]
            self._point(name, number, [*history, number])
            if release and self._tags(name).get(_HELD):
                self._client.delete_registered_model_tag(name, _HELD)

    def rollback(self, name: str, reason: str) -> Version:
        """Make the champion before this one the champion again, and keep it so until somebody promotes; within a turn.

        Raises:
            Gone: there was none before. Malformed: it was trained by another mapping of the fields, so nothing could serve it.
        """
        known = self.versions(name)
        earlier = self._earlier(name, known)
        if not earlier:
            raise Gone(
                f"{name} had no champion before this one.",
                "`varai models list` shows its versions; where there is one alone, the next training on new sales makes another.",
            )
        _must_fit(next(one for one in known if one.number == earlier[-1]))
        with self._told():
            self._client.set_registered_model_tag(name, _HELD, reason)
            self._point(name, earlier[-1], earlier)
        return self.version(name, earlier[-1])

    def repoint(self, version: Version, stored: Stored) -> None:
        """Let a version point at its bundle without somebody who asked to be forgotten; it is `CLEANED` then."""
        tags = replace(version.pointer, bundle=stored.key, sha256=stored.sha256).tags()
        with self._told(), tempfile.TemporaryDirectory() as folder:
            self._client.log_artifact(version.run_id, str(_write_pointer(Path(folder), tags)), "model/data")
            # Whoever reads between the two sees a bundle that is not the one named, and keeps what it has for a round.
            for name in ("varai.sha256", "varai.bundle"):
                self._client.set_model_version_tag(version.name, str(version.number), name, tags[name])
            self._client.set_model_version_tag(version.name, str(version.number), CLEANED, "true")

    def delete(self, name: str, number: int) -> Version:
        """Remove a version and its run; returns what it was.

        Raises:
            InUse: it, or another version of the same run, is a champion. Gone: there is no such version.
        """
        found = self.version(name, number)
        with self._told():
            same = self._pages(self._client.search_model_versions, filter_string=f"run_id = '{found.run_id}'")
            for one in same:
                if self._champion_of(one.name) == int(one.version):
                    raise InUse(
                        f"Version {one.version} of {one.name} is its champion, so its run may not be deleted.",
                        "Promote another version first, or roll back.",
                    )
            self._client.delete_model_version(name, str(number))
            self._client.delete_run(found.run_id)
        return found

    @cached_property
    def _client(self) -> Any:
        # Asked first without MLflow, whose client would wait for minutes for a server that is down.
        try:
            httpx.get(f"{self._url}/health", timeout=_PATIENCE_S).raise_for_status()
        except httpx.HTTPError as error:
            raise self._unavailable() from error
        import mlflow.environment_variables as variables
        from mlflow import MlflowClient
        from mlflow.telemetry.client import set_telemetry_client

        variables.MLFLOW_DISABLE_TELEMETRY.set(True)
        set_telemetry_client()  # MLflow made one at import; this puts it away
        variables.MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set(False)
        variables.MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.set(True)
        variables.MLFLOW_HTTP_REQUEST_MAX_RETRIES.set(2)
        return MlflowClient(tracking_uri=self._url, registry_uri=self._url)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """MLflow's failures as sentences."""
        client = self._client
        del client
        from mlflow.exceptions import MlflowException

        try:
            yield
        except MlflowException as error:
            raise self._unavailable(str(error.error_code)) from error

    def _unavailable(self, code: str = "no answer") -> Unavailable:
        return Unavailable(
            f"The registry of models of region '{self._region}' refused or did not answer ({code}).",
            "Look at the log of `registry-<region>`; what is served stays as it is.",
        )

    def _pages(self, ask: Any, **question: str) -> Iterator[Any]:
        token = None
        while True:
            page = ask(max_results=_PAGE, page_token=token, **question)
            yield from page
            token = page.token
            if not token:
                return

    def _exists(self, name: str) -> bool:
        return any(found.name == name for found in self._client.search_registered_models(f"name = '{name}'"))

    def _registered(self, name: str) -> Any | None:
        return next(iter(self._client.search_registered_models(f"name = '{name}'")), None)

    def _champion_of(self, name: str) -> int | None:
        found = self._registered(name)
        number = found.aliases.get(ALIAS) if found else None
        return int(number) if number else None

    def _tags(self, name: str) -> Mapping[str, str]:
        found = self._registered(name)
        return dict(found.tags) if found else {}

    def _history(self, name: str) -> list[int]:
        """Versions that were champions, in order; the last is or was the champion."""
        return [int(one) for one in json.loads(self._tags(name).get(_HISTORY, "[]"))]

    def _point(self, name: str, number: int, history: Sequence[int]) -> None:
        # The alias moves last: what was served is in the history before anything else is.
        self._client.set_registered_model_tag(name, _HISTORY, json.dumps(list(history)))
        self._client.set_registered_model_alias(name, ALIAS, str(number))

    def retire(self, name: str, number: int) -> None:
        """Let the champion serve no more, and nothing in its place until one is promoted; a hold ends with what it held.

        Raises:
            Gone: this version is not the champion.
        """
        with self._told():
            if self._champion_of(name) != number:
                raise Gone(f"Version {number} is not the champion of {name}.", "See `varai models list`.")
            history = [one for one in self._history(name) if one != number]
            self._client.set_registered_model_tag(name, _HISTORY, json.dumps(history))
            if self._tags(name).get(_HELD):
                self._client.delete_registered_model_tag(name, _HELD)
            self._client.delete_registered_model_alias(name, ALIAS)

    def before(self, name: str, known: Sequence[Version]) -> int | None:
        """The one of a model's versions that a rollback would make the champion, if there is one."""
        earlier = self._earlier(name, known)
        return earlier[-1] if earlier else None

    def _earlier(self, name: str, known: Sequence[Version]) -> list[int]:
        """Those of a model's versions that were champions before the present one, in order."""
        numbers, current = {one.number for one in known}, next((one.number for one in known if one.champion), None)
        with self._told():
            history = [one for one in self._history(name) if one in numbers]
        return history[: history.index(current)] if current in history else history


def _must_fit(version: Version) -> None:
    """Raise Malformed for a version that serving would refuse."""
    if version.tags.get("varai.mapping") != mapping_version():
        raise Malformed(
            f"Version {version.number} of {version.name} was trained by another mapping of the fields than today's.",
            "Train it again with `varai models train`, or promote a version of this release by its number.",
        )


def _write_model(folder: Path, pointer: Pointer, card: str) -> Path:
    """A model directory that MLflow can load where the region's keys are: it holds no weights."""
    import pandas as pd
    from mlflow import pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    path = _write_pointer(folder, pointer.tags())
    asked = [ColSpec("string", name, required=False) for name in ("subject", "product")]
    answered = [
        ColSpec("long", "row"),
        ColSpec("string", "item"),
        ColSpec("double", "score"),
        ColSpec("string", "reason"),
    ]
    model = folder / "model"
    pyfunc.save_model(
        model,
        loader_module=LOADER,
        data_path=str(path),
        signature=ModelSignature(Schema([*asked, ColSpec("long", "limit")]), Schema(answered)),
        input_example=pd.DataFrame([{"subject": "0" * 32, "product": "shop/1", "limit": 10}]),
        pip_requirements=["varai"],
    )
    (model / "card.md").write_text(card)
    return model


def _write_pointer(folder: Path, tags: Mapping[str, str]) -> Path:
    path = folder / POINTER
    path.write_text(json.dumps(tags, indent=1, sort_keys=True))
    return path
