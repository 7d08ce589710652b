"""`python -m serving --region R --surfaces shop,report,hook --port P`: serve a region on this machine."""

from __future__ import annotations

from typing import Annotated

import typer
import uvicorn

from serving.app import create_app
from serving.logs import configure
from varai.settings import load


def serve(
    region: Annotated[str, typer.Option(help="Region, as config/regions.toml names it.")],
    port: Annotated[int, typer.Option(help="Port to listen on.")],
    surfaces: Annotated[str, typer.Option(help="Which surfaces, separated by commas.")] = "shop,report,hook",
    host: Annotated[str, typer.Option(help="Address to listen on; a container listens on its own.")] = "127.0.0.1",
) -> None:
    """Serve until the process is told to stop."""
    configure()
    app = create_app(load(), region, [name.strip() for name in surfaces.split(",") if name.strip()])
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    typer.run(serve)
