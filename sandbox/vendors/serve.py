"""Run a simulated vendor as a program of its own: `python -m sandbox.vendors.<vendor> --shops DIR --port P [--host 127.0.0.1] [--tls DIR]`.

With `--tls` it speaks TLS only, by a certificate for its host that is made at start; `authority.pem` of that folder is what clients trust.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from sandbox.vendors.tls import certify


def serve(vendor: str, application: Callable[[Path], Starlette]) -> None:
    """Serve every shop of the folder that the command line names, until told to stop."""
    parser = argparse.ArgumentParser(prog=f"sandbox.vendors.{vendor}", description=__doc__)
    parser.add_argument("--shops", type=Path, required=True, help="folder of <shop>.sqlite files")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--tls", type=Path, help="speak TLS; folder for the certificates")
    asked = parser.parse_args()
    certified = certify(asked.tls, asked.host) if asked.tls else None
    uvicorn.run(
        application(asked.shops),
        host=asked.host,
        port=asked.port,
        log_level="warning",
        access_log=False,
        date_header=False,  # every answer carries its own, which may be skewed
        server_header=False,
        lifespan="off",
        ssl_certfile=certified.certificate if certified else None,
        ssl_keyfile=certified.key if certified else None,
    )
