"""The hook surface of a region as a process of its own, and a vendor that tells it of changes."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from sandbox.servers import hook_surface
from tests.e2e.stack import Stack
from varai.kernel import utc_now
from varai.registry import inbox
from varai.registry.inbox import Event
from varai.river.drain import Drained, drain


@dataclass(frozen=True)
class Hooks:
    """A stack whose vendor has the address of its hook surface."""

    stack: Stack
    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def told(self, topic: str, body: Any = None, *, answered: int = 200, **options: Any) -> str:
        """Have the vendor tell; returns the event's name with the vendor."""
        asked = {"to": f"{self.url}/v1/hooks/shopify/{self.stack.key}", "topic": topic, "body": body or {"id": 1}}
        sent = httpx.post(f"{self.stack.vendor}/{self.stack.spec.name}/_webhooks", json=asked | options)
        found = sent.raise_for_status().json()
        assert set(found["answers"]) <= {answered}, found
        return str(found["event"])

    def kill(self) -> None:
        """End the surface as a crash does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=10)

    def drain(self) -> Drained:
        """One round, when a window can end after what was told."""
        wait_for_the_next_second()
        return drain(self.stack.settings, self.stack.region, holder="inbox", linger=timedelta(0))

    def events(self) -> list[Event]:
        """What the inbox keeps, newest first."""
        return inbox.events(self.stack.settings.scope(self.stack.region))


@contextmanager
def hooked(stack: Stack) -> Iterator[Hooks]:
    """Serve the hook surface of the stack's region."""
    folder = stack.home / "hook"
    folder.mkdir(exist_ok=True)
    with hook_surface(stack.region, stack.environment, folder) as (url, process):
        yield Hooks(stack, url, folder / "server.log", process)


def wait_for_the_next_second() -> None:
    """Windows end at whole seconds; what was told in this one is read when it is over."""
    began = utc_now().replace(microsecond=0)
    while utc_now().replace(microsecond=0) == began:
        pass
