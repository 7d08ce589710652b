"""Write a shop from files and print its ledger: `python -m sandbox.stores uci|sunglasses --data DIR --out DIR`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console

from sandbox.stores import sunglasses, uci


def main(arguments: list[str] | None = None) -> int:
    """Write or advance a shop; 0 when done, 2 with a sentence when DATA or the shop is missing."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.stores", description="Shops from real files.")
    parser.add_argument("shop", choices=(uci.SHOP, sunglasses.SHOP))
    parser.add_argument("--data", type=Path, required=True, help="folder with orders_uci/ and catalog_sunglasses/")
    parser.add_argument("--out", type=Path, required=True, help="folder of the shop files")
    parser.add_argument("--advance", action="store_true", help="move the sunglasses shop to its second capture")
    given = parser.parse_args(arguments)
    if given.advance and given.shop != sunglasses.SHOP:
        parser.error("only the sunglasses shop has a second capture")
    console = Console()
    try:
        _write(given, console)
    except FileNotFoundError as error:
        console.print(str(error), style="red", soft_wrap=True)
        return 2
    return 0


def _write(given: argparse.Namespace, console: Console) -> None:
    path = given.out / f"{given.shop}.sqlite"
    client_id, secret = _credentials(given.shop)
    if given.advance:
        console.print(sunglasses.advance(path, given.data).table())
    elif given.shop == uci.SHOP:
        console.print(uci.load(path, given.data, client_id=client_id, client_secret=secret).table())
        console.print(f"Refused lines: {path.with_suffix('.ledger.csv')}", soft_wrap=True)
    else:
        console.print(sunglasses.load(path, given.data, client_id=client_id, client_secret=secret).table())


def _credentials(shop: str) -> tuple[str, str]:
    """The API credentials the shop will accept, from SANDBOX_CLIENT_ID and SANDBOX_CLIENT_SECRET (empty: none)."""
    return os.environ.get("SANDBOX_CLIENT_ID", shop), os.environ.get("SANDBOX_CLIENT_SECRET", "")


if __name__ == "__main__":
    sys.exit(main())
