"""Run the simulated BigCommerce: `python -m sandbox.vendors.bigcommerce --shops DIR --port P [--host 127.0.0.1]`."""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn

from sandbox.vendors.bigcommerce.api import answer
from sandbox.vendors.rest import create_app


def main() -> None:
    """Serve every shop of a folder until told to stop."""
    parser = argparse.ArgumentParser(prog="sandbox.vendors.bigcommerce", description=__doc__)
    parser.add_argument("--shops", type=Path, required=True, help="folder of <shop>.sqlite files")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    asked = parser.parse_args()
    uvicorn.run(
        create_app(asked.shops, answer),
        host=asked.host,
        port=asked.port,
        log_level="warning",
        access_log=False,
        date_header=False,  # every answer carries its own, which may be skewed
        server_header=False,
        lifespan="off",
    )


if __name__ == "__main__":
    main()
