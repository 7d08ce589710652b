"""`varai token` gives an operator a token of a tenant; `varai keys` looks after the keys that sign them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import httpx
import typer
from rich.console import Console

from varai.cli.arguments import Region, Tenant, operator
from varai.kernel import Misconfigured, Unavailable, utc_now
from varai.registry import signing
from varai.registry.accounts import Issued, issue_secret
from varai.settings import RegionStores, Settings, load

keys = typer.Typer(no_args_is_help=True, help="Look after the keys that sign tokens.")
_PATH = "/v1/auth/token"
_TIMEOUT_S = 15.0


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the root."""
    app.command("token")(token)
    app.add_typer(keys, name="keys")


def token(
    region: Region,
    tenant: Tenant,
    show_secret: Annotated[
        bool, typer.Option("--show-secret", help="Also print client id and secret, on standard error.")
    ] = False,
) -> None:
    """Issue a fresh client secret (the old one stays good for a day), exchange it, and print the token."""
    settings = load()
    url = _serving(settings, region)
    issued = issue_secret(settings.scope(region, tenant), actor=operator())
    if show_secret:
        console = Console(stderr=True)
        console.print(f"client_id     {issued.client_id}", highlight=False, soft_wrap=True)
        console.print(f"client_secret {issued.client_secret}  (shown this once)", highlight=False, soft_wrap=True)
    typer.echo(_exchanged(url, issued))


def _serving(settings: Settings, region: str) -> str:
    url = settings.stores.get(settings.region(region).name, RegionStores()).serving_url.rstrip("/")
    if not url:
        raise Misconfigured(
            f"VARAI_STORES__{region.upper()}__SERVING_URL is not set, so nobody can exchange a secret for a token.",
            "Start the stack with `make up`, or set the variable.",
        )
    return url


def _exchanged(url: str, issued: Issued) -> str:
    """The token the region's serving gives for a secret."""
    try:
        answer = httpx.post(
            f"{url}{_PATH}",
            data={"grant_type": "client_credentials"},
            auth=(issued.client_id, issued.client_secret),
            timeout=_TIMEOUT_S,
            trust_env=False,  # a proxy of the shell must not see a secret of a server of ours
        )
    except httpx.HTTPError as error:
        raise Unavailable(
            f"Serving does not answer at {url}.", "Look at `make status`, and start it with `make up`."
        ) from error
    if answer.status_code != httpx.codes.OK:
        raise Unavailable(
            f"Serving at {url} gave no token but {answer.status_code}.", "Read serving's log of this region."
        )
    return str(answer.json()["access_token"])


@keys.command("list")
def list_keys(region: Region) -> None:
    """Key ids of a region and the part each has."""
    ring = signing.read_ring(load().scope(region))
    _print(ring)


@keys.command("rotate")
def rotate_keys(
    region: Region,
    overlap_minutes: Annotated[
        int, typer.Option("--overlap-minutes", help="How long the present key's tokens stay good.")
    ] = 60,
) -> None:
    """Sign with the next key from now on; tokens of the present one stay good for the overlap."""
    _print(signing.rotate(load().scope(region), actor=operator(), overlap=timedelta(minutes=overlap_minutes)))


def _print(ring: signing.Ring) -> None:
    now = utc_now()
    for one in ring.keys:
        if one.signs_from is None:
            part = "next"
        elif one.ends_at is None:
            part = f"signs since {one.signs_from:%Y-%m-%d %H:%M} UTC"
        else:
            part = f"{'verifies until' if one.verifies(now) else 'ended'} {one.ends_at:%Y-%m-%d %H:%M} UTC"
        typer.echo(f"{one.kid}  {part}")
