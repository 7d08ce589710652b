"""create_app: settings, a region and surfaces in; the HTTP application out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime

from fastapi import APIRouter, Depends, FastAPI
from starlette.concurrency import run_in_threadpool

from serving.allowance import Allowances
from serving.auth.access import signed_in
from serving.context import SURFACES, Context, Surface
from serving.envelope import Envelope
from serving.openapi import describe
from serving.problems import handle_problems
from serving.routes import (
    docs,
    events,
    health,
    hooks,
    metrics,
    models,
    products,
    recommendations,
    reports,
    sync,
    tokens,
)
from varai import __version__
from varai.kernel import Misconfigured, utc_now
from varai.settings import Settings

_ABOUT = (
    "What a merchant's shop sells, how it sold, what to show its shoppers, and how far its data have come. "
    "Sign in with your client id and secret "
    "at `/v1/auth/token`, and send the token with every request. A token is good in its own region and for its own "
    "tenant alone. Every error is a problem document (RFC 9457)."
)
_PUBLIC = (health.router, metrics.router, tokens.router, docs.router)
_GUARDED: dict[Surface, tuple[APIRouter, ...]] = {
    # What shoppers wait for stands first: a request is held against one route after the other.
    "shop": (recommendations.router, events.router, products.router, models.router),
    "report": (reports.router, sync.router),
    "hook": (),
}
_SIGNED: dict[Surface, tuple[APIRouter, ...]] = {"hook": (hooks.router,)}
"""Asked without a token: each request is signed by whoever sends it."""


def create_app(
    settings: Settings,
    region: str,
    surfaces: Iterable[str] = SURFACES,
    *,
    allowances: Allowances | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> FastAPI:
    """The application of a region with these surfaces; nothing is connected until the first request.

    Health, figures, tokens, keys and documentation are on all of them; every other route takes a token, or a vendor's signature.

    Raises:
        Misconfigured: an unknown region or surface, or a region without stores.
    """
    chosen = _surfaces(surfaces)
    context = Context(settings, settings.scope(region), chosen, allowances or Allowances(), clock)
    app = FastAPI(
        title=f"VARAi Commerce Studio · {context.region}",
        version=__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=_until_told(context),
    )
    app.state.context = context
    if "hook" in chosen:
        context.door  # noqa: B018 - what its vendors need is imported now: a first delivery has a deadline too
    guarded = APIRouter(dependencies=[Depends(signed_in)])
    for surface in chosen:
        for router in _GUARDED[surface]:
            guarded.include_router(router)
    app.include_router(guarded)
    for router in (*_PUBLIC, *(router for surface in chosen for router in _SIGNED.get(surface, ()))):
        app.include_router(router)
    handle_problems(app)
    ids = frozenset(getattr(route, "unique_id", "") for route in guarded.routes)
    describe(app, context.region, ids)
    app.add_middleware(Envelope, region=context.region, counters=context.counters)
    return app


def _until_told(context: Context) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lives(app: FastAPI) -> AsyncIterator[None]:
        del app
        yield
        await run_in_threadpool(context.close)

    return lives


def _surfaces(names: Iterable[str]) -> tuple[Surface, ...]:
    wanted = set(names)
    unknown = sorted(wanted - set(SURFACES))
    if unknown or not wanted:
        raise Misconfigured(f"There is no surface '{', '.join(unknown)}'.", f"Name some of {', '.join(SURFACES)}.")
    return tuple(surface for surface in SURFACES if surface in wanted)
