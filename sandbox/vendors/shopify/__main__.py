"""Run the simulated Shopify: `python -m sandbox.vendors.shopify --shops DIR --port P`."""

from __future__ import annotations

import gc
from pathlib import Path

from starlette.applications import Starlette

from sandbox.vendors.serve import serve
from sandbox.vendors.shopify.server import create_app


def application(folder: Path) -> Starlette:
    """The application, its schema set apart from what is collected."""
    app = create_app(folder)
    gc.freeze()  # the schema stays; what a page allocates holds no cycles, so it need not be looked through often
    gc.set_threshold(100_000, 50, 50)
    return app


if __name__ == "__main__":
    serve("shopify", application)
