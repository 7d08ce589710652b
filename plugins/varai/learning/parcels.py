"""What one step of training hands to the next: sealed objects of a run, `learning/{tenant}/{model}/{run}/`. They are swept.

Datasets and what was trained from them are personal data: arrays and JSON in one file, as a bundle is, never a pickle.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import numpy as np
from pydantic import TypeAdapter, ValidationError

from varai.kernel import Malformed, Scope, Word
from varai.learning.promote import Verdict
from varai.learning.words import Choice, Dataset, Fitted, Items, Neighbours, Report, Trained
from varai.privacy import create_object, open_object
from varai.settings import Settings
from varai.stores import objects

_W = TypeVar("_W", bound=Word)
PREFIX: Final = "learning/"
_META: Final = "meta"
_FITTED: Final = ("chosen", "floor")
_VERDICT: Final = TypeAdapter(Verdict)


@dataclass(frozen=True, slots=True)
class Job:
    """The training of one tenant's model in one run. A text names it, so that it can pass between processes."""

    tenant: str
    model: str
    run: str

    @classmethod
    def read(cls, text: str) -> Self:
        """From its text. Raises Malformed."""
        parts = text.split("/")
        if len(parts) != 3 or not all(parts):
            raise Malformed(f"'{text}' names no job.", "Write it tenant/model/run.")
        return cls(*parts)

    def __str__(self) -> str:
        return f"{self.tenant}/{self.model}/{self.run}"

    def key(self, name: str) -> str:
        """Key of one of its parcels."""
        return f"{PREFIX}{self}/{name}.sealed"


def cache_of(settings: Settings, region: str) -> Path:
    """Where copies of published marts lie while they are learned from; processes may share it."""
    return settings.home.resolve() / "cache" / "learning" / region


class _DatasetWords(Word):
    items: Items
    subjects: tuple[str, ...]
    snapshot_id: str
    as_of: datetime
    left_out: Mapping[str, int]
    lines: int
    kept: int


class _TrainedWords(Word):
    model: str
    items: Items
    subjects: tuple[str, ...]
    snapshot_id: str
    as_of: datetime
    report: Report
    chosen: Choice
    floor: Choice


def keep_dataset(scope: Scope, job: Job, data: Dataset) -> None:
    """Write the dataset of a job."""
    words = _DatasetWords(**{name: getattr(data, name) for name in _DatasetWords.model_fields})
    _write(scope, job.key("dataset"), words, {name: getattr(data, name) for name in ("subject", "item", "at")})


def dataset(scope: Scope, job: Job) -> Dataset | None:
    """The dataset of a job, if it got so far. Raises Malformed for a damaged one."""
    found = _read(scope, job.key("dataset"), _DatasetWords)
    return Dataset(**_fields(found[0]), **found[1]) if found else None


def keep_trained(scope: Scope, job: Job, trained: Trained) -> None:
    """Write what was trained."""
    words = _TrainedWords(
        **{name: getattr(trained, name) for name in _TrainedWords.model_fields if name not in _FITTED},
        chosen=trained.chosen.choice,
        floor=trained.floor.choice,
    )
    arrays = {"starts": trained.starts, "history": trained.history}
    for name in _FITTED:
        fitted: Fitted = getattr(trained, name)
        arrays[f"{name}_prior"] = fitted.prior
        for part in ("near", "alike"):
            near: Neighbours = getattr(fitted, part)
            arrays |= {f"{name}_{part}_indices": near.indices, f"{name}_{part}_weights": near.weights}
    _write(scope, job.key("trained"), words, arrays)


def trained(scope: Scope, job: Job) -> Trained | None:
    """What was trained, if the job got so far. Raises Malformed for a damaged one."""
    found = _read(scope, job.key("trained"), _TrainedWords)
    if found is None:
        return None
    words, arrays = found
    fitted = {
        name: Fitted(
            getattr(words, name),
            arrays[f"{name}_prior"],
            *(
                Neighbours(arrays[f"{name}_{part}_indices"], arrays[f"{name}_{part}_weights"])
                for part in ("near", "alike")
            ),
        )
        for name in _FITTED
    }
    return Trained(**_fields(words) | fitted, starts=arrays["starts"], history=arrays["history"])


def keep_verdict(scope: Scope, job: Job, verdict: Verdict) -> None:
    """Write the verdict."""
    with create_object(scope, job.key("verdict")) as file:
        file.write(_VERDICT.dump_json(verdict))


def verdict(scope: Scope, job: Job) -> Verdict | None:
    """The verdict, if the job got so far."""
    key = job.key("verdict")
    if not objects(scope).exists(key):
        return None
    with open_object(scope, key) as file:
        return _VERDICT.validate_json(file.read())


def sweep(scope: Scope, job: Job) -> int:
    """Remove the job's parcels; returns how many."""
    return objects(scope).delete_prefix(f"{PREFIX}{job}/")


def _fields(words: Word) -> dict[str, Any]:
    return {name: getattr(words, name) for name in type(words).model_fields}


def _write(scope: Scope, key: str, words: Word, arrays: Mapping[str, Any]) -> None:
    plain = io.BytesIO()
    np.savez_compressed(
        plain, allow_pickle=False, **arrays, **{_META: np.frombuffer(words.model_dump_json().encode(), np.uint8)}
    )
    with create_object(scope, key) as file:
        file.write(plain.getbuffer())


def _read(scope: Scope, key: str, kind: type[_W]) -> tuple[_W, dict[str, Any]] | None:
    if not objects(scope).exists(key):
        return None
    with open_object(scope, key) as file:
        whole = file.read()
    try:
        with np.load(io.BytesIO(whole), allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
        return kind.model_validate_json(arrays.pop(_META).tobytes()), arrays
    except (ValueError, KeyError, OSError, ValidationError) as error:
        raise Malformed(
            f"'{key}' is no parcel of this release.", "Run the training again; it makes its parcels anew."
        ) from error
