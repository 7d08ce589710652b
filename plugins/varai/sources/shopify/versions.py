"""Versions of the Admin API: until when the vendor serves the one that is asked for, and what of it is marked to go.

A version appears each quarter, is named by its month and served for twelve months at least; afterwards the oldest one served answers in its
place, which `client` refuses to read. https://shopify.dev/docs/api/usage/versioning
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

_NOTICE: Final = timedelta(days=92)
"""A quarter: the next version is out by then."""

DEPRECATED: Final[Mapping[str, str]] = {
    "Product.images": "`media` names pictures by other ids, so that every picture would be another row",
}
"""Fields that are read though the vendor has marked them to go, and why still; a test finds every other one in the official schemas."""


def served_until(version: str) -> datetime:
    """The first instant at which a version need not be served any more, UTC: `2026-10` -> October 2027."""
    year, month = version.split("-")
    return datetime(int(year) + 1, int(month), 1, tzinfo=UTC)


def version_problems(version: str, now: datetime, served: Collection[str]) -> list[str]:
    """Sentences with their cure where a version ends soon, or is none of those that the vendor says it serves."""
    cure = "Upgrade VARAi, whose connector names the version."
    end = served_until(version)
    if version not in served:
        return [f"Shopify does not name {version} among the versions of its API that it supports. {cure}"]
    if now >= end - _NOTICE:
        return [f"Shopify promises version {version} of its API only until {end:%Y-%m-%d}. {cure}"]
    return []
