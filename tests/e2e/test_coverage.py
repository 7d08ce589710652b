"""A transformation says how far the orders had come before it began, and runs that bring nothing new keep the snapshot."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from tests.e2e.stack import Stack
from varai.marts import FeedCoverage, Reader
from varai.river import transform as room
from varai.river.transform import transform
from varai.stores import objects
from varai.warehouse.build import Finding

pytestmark = pytest.mark.slow


def test_coverage_follows_the_watermark_and_the_snapshot_stays(
    clean_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = clean_stack
    assert stack.run().failures == {}
    first = stack.state("orders").watermark()
    _transform_while_more_settles(stack, monkeypatch)
    assert _covered(stack) == _until(stack, first), "what settles while marts are built may not be in them"
    kept = objects(stack.scope).read(f"published/{stack.spec.name}/current.json")

    _transform_while_withheld(stack, monkeypatch)
    assert _covered(stack) == _until(stack, first), "more was read, and the figures are still those of before"
    transform(stack.settings, stack.region, holder="test")
    second = stack.state("orders").watermark()
    assert second is not None
    assert first is not None
    assert second > first
    assert _covered(stack) == _until(stack, second)
    assert objects(stack.scope).read(f"published/{stack.spec.name}/current.json") == kept


def _transform_while_more_settles(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    build = room.build

    def after_a_rival(*given: Any, **named: Any) -> Any:
        state, watermark = stack.state("orders"), stack.state("orders").watermark()
        assert watermark is not None
        data, version = objects(stack.scope).get(f"{state.key.prefix}watermark.json") or (b"", "")
        later = watermark.replace(year=watermark.year + 1)
        moved = data.replace(str(watermark.year).encode(), str(later.year).encode())
        objects(stack.scope).swap(f"{state.key.prefix}watermark.json", moved, version)
        return build(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(room, "build", after_a_rival)
        transform(stack.settings, stack.region, holder="test")


def _transform_while_withheld(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    build, found = room.build, Finding("a test", {stack.spec.name: 1}, withholds=True)
    with monkeypatch.context() as patch:
        patch.setattr(room, "build", lambda *given, **named: replace(build(*given, **named), findings=(found,)))
        transform(stack.settings, stack.region, holder="test")


def _covered(stack: Stack) -> dict[str, FeedCoverage]:
    with Reader(stack.scope, stack.home / "cache").current(stack.spec.name) as snapshot:
        return dict(snapshot.coverage)


def _until(stack: Stack, watermark: datetime | None) -> dict[str, FeedCoverage]:
    return {"shop": FeedCoverage(complete_until=watermark, timezone=stack.spec.timezone)}
