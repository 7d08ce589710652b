"""The worker that `bench.serving` measures: a region's serving on one port, with a plain-text route beside its own.

In: a home, the addresses of its stores. Out: a process that answers. Run: python -m bench.worker --port P --region R
"""

from __future__ import annotations

import argparse

import uvicorn
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute

from serving.allowance import Allowances
from serving.app import create_app
from serving.logs import configure
from varai.learning.champions import Champions
from varai.settings import load

PLAIN = "/plain"
EVERY_S = 0.5


async def plain() -> PlainTextResponse:
    """The least a route can do."""
    return PlainTextResponse("ok")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--region", required=True)
    given = parser.parse_args()
    configure()
    plenty = Allowances(reads=10**9, answers=10**9, events=10**9, tokens=10**9, addresses=10**9)
    app = create_app(load(), given.region, ["shop"], allowances=plenty)
    # First, so that it is found as soon as any route can be.
    app.router.routes.insert(0, APIRoute(PLAIN, plain))
    context = app.state.context
    context.__dict__["champions"] = Champions(context.tenant_scope, every_s=EVERY_S)
    uvicorn.run(app, host="127.0.0.1", port=given.port, log_config=None, access_log=False, server_header=False)


if __name__ == "__main__":
    main()
