"""Connectors: one package per vendor. They are listed by their folders, without importing any, and loaded by name."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import cast

from varai.kernel import Feed, Misconfigured
from varai.sources.contract import (
    Connector,
    Deletion,
    EarlierZone,
    Extraction,
    FeedReport,
    Page,
    Session,
    ShopFacts,
    StreamSpec,
    TokenStore,
    stream_spec,
    streams_of,
)
from varai.sources.webhooks import Told, Webhooks

__all__ = [
    "Connector",
    "Deletion",
    "EarlierZone",
    "Extraction",
    "FeedReport",
    "Page",
    "Session",
    "ShopFacts",
    "StreamSpec",
    "TokenStore",
    "Told",
    "Webhooks",
    "connector",
    "connectors",
    "stream_names",
    "stream_spec",
    "streams_of",
    "webhook_vendors",
    "webhooks",
]


def connectors() -> tuple[str, ...]:
    """Names of the connectors there are, sorted: the packages in this folder. Imports none of them."""
    folder = Path(__file__).parent
    return tuple(sorted(path.parent.name for path in folder.glob("[a-z]*/__init__.py")))


def connector(name: str) -> Connector:
    """Load a connector; raises Misconfigured for a name that has no package, or a package that has no CONNECTOR."""
    if name not in connectors():
        raise Misconfigured(f"There is no connector '{name}', known: {', '.join(connectors())}.")
    module = import_module(f"varai.sources.{name}")
    try:
        return cast("Connector", module.CONNECTOR)
    except AttributeError as error:
        raise Misconfigured(
            f"The package varai.sources.{name} has no CONNECTOR.", "Write `CONNECTOR = ...` into its __init__.py."
        ) from error


def stream_names(of: str | Feed) -> tuple[str, ...]:
    """Streams of a connector, by its name, or of a feed; raises Misconfigured where there is no such connector."""
    found = connector(of).streams if isinstance(of, str) else streams_of(connector(of.connector), of)
    return tuple(one.name for one in found)


def webhook_vendors() -> tuple[str, ...]:
    """Names of the connectors whose vendors send webhooks, sorted. Imports none of them."""
    return tuple(name for name in connectors() if (Path(__file__).parent / name / "webhooks.py").is_file())


def webhooks(name: str) -> Webhooks:
    """Load what a vendor's webhooks are checked with; raises Misconfigured for a vendor that sends none."""
    if name not in webhook_vendors():
        raise Misconfigured(f"'{name}' sends no webhooks, known: {', '.join(webhook_vendors())}.")
    return cast("Webhooks", import_module(f"varai.sources.{name}.webhooks").WEBHOOKS)
