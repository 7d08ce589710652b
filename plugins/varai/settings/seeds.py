"""Seeds of the tenant registry: config/tenants/<tenant>.toml -> tenants and feeds."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from varai.kernel import Feed, Misconfigured, Tenant, Word
from varai.settings.toml import explain, read_toml


class Seed(Word):
    """A tenant with its feeds, as a file states them."""

    tenant: Tenant
    feeds: tuple[Feed, ...]


def load_seeds(folder: Path, regions: Collection[str]) -> tuple[Seed, ...]:
    """Read every seed of a folder, in name order; raises Misconfigured naming file, key and cure."""
    return tuple(load_seed(path, regions) for path in sorted(folder.glob("*.toml")))


def load_seed(path: Path, regions: Collection[str]) -> Seed:
    """Read one seed; the file's name is the tenant's name."""
    raw = read_toml(path)
    feeds: dict[str, dict[str, Any]] = raw.pop("feeds", {})
    try:
        tenant = Tenant(name=path.stem, **raw)
    except (ValidationError, TypeError) as error:
        raise _as_sentence(path, error, "") from error
    if tenant.region not in regions:
        raise Misconfigured(
            f"{path}: key `region`: tenant '{tenant.name}' names region '{tenant.region}', known: {', '.join(sorted(regions))}.",
            "Name a region of config/regions.toml.",
        )
    if not feeds:
        raise Misconfigured(f"{path}: tenant '{tenant.name}' has no feed.", "Add a table [feeds.<name>].")
    return Seed(tenant=tenant, feeds=tuple(_feed(path, tenant.name, name, feed) for name, feed in feeds.items()))


def _feed(path: Path, tenant: str, name: str, raw: dict[str, Any]) -> Feed:
    try:
        return Feed(tenant=tenant, name=name, **raw)
    except (ValidationError, TypeError) as error:
        raise _as_sentence(path, error, f"feeds.{name}") from error


def _as_sentence(path: Path, error: ValidationError | TypeError, under: str) -> Misconfigured:
    if isinstance(error, ValidationError):
        return explain(path, error, under)
    return Misconfigured(
        f"{path}: {under or 'top level'}: a key is given twice or is reserved.", "Remove `name` and `tenant`."
    )
