"""What a process serves: one region's settings, scopes, keys, marts and metrics, made once and handed to every route."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Literal

from fastapi import Request

from serving.allowance import Allowances
from serving.auth.tokens import Tokens
from serving.counters import Counters
from serving.door import Door
from serving.loads import Loads
from varai.kernel import Scope, utc_now
from varai.learning.champions import Champions
from varai.marts import Metric, Reader, load_metrics
from varai.settings import Settings

Surface = Literal["shop", "report", "hook"]
SURFACES: tuple[Surface, ...] = ("shop", "report", "hook")
_TENANTS = 4096


@dataclass(frozen=True)
class Context:
    """The region a process serves; `scope` is the region's own, for accounts and keys. Nothing is connected before a request asks."""

    settings: Settings
    scope: Scope
    surfaces: tuple[Surface, ...]
    allowances: Allowances
    clock: Callable[[], datetime] = utc_now
    counters: Counters = field(default_factory=Counters)

    @property
    def region(self) -> str:
        """Name of the region."""
        return self.scope.region

    @cached_property
    def tokens(self) -> Tokens:
        """Gives and checks this region's tokens."""
        return Tokens(self.scope, self.clock)

    @cached_property
    def door(self) -> Door:
        """Takes this region's webhooks."""
        return Door(self.scope, self.tenant_scope, self.clock, self.settings.base_url)

    @cached_property
    def champions(self) -> Champions:
        """The models that answer, by tenant."""
        return Champions(self.tenant_scope)

    @cached_property
    def loads(self) -> Loads:
        """Loads those that do not answer yet."""
        return Loads(lambda tenant, model: self.champions.load(tenant, model))  # noqa: PLW0108 - those of the moment

    def close(self) -> None:
        """End what works behind the requests."""
        if "loads" in self.__dict__:
            self.loads.close()
        if "champions" in self.__dict__:
            self.champions.close()

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """What each number means."""
        return load_metrics(self.settings.dbt / "metrics")

    @cached_property
    def _scopes(self) -> Callable[[str], Scope]:
        return lru_cache(_TENANTS)(lambda tenant: self.settings.scope(self.region, tenant))

    def tenant_scope(self, tenant: str) -> Scope:
        """The scope of one tenant; with it nothing of another can be read."""
        return self._scopes(tenant)

    def reader(self, tenant: str) -> Reader:
        """Reads the tenant's published marts, and no other's, through a cache on this machine's disk."""
        return Reader(self.tenant_scope(tenant), self.settings.home.resolve() / "serving" / self.region / "marts")


def context_of(request: Request) -> Context:
    """The context of the app that answers a request."""
    found: Context = request.app.state.context
    return found
