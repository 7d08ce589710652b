"""Access tokens of a shop: client credentials (24 hours), rotating refresh tokens (an hour each), and the code of an installation.

Tokens live in the shop's file, so they outlast a restart of the simulator. Keys of the facts: `token:<access token>`
holds {"expires_at", "scopes"}; `refresh:<refresh token>` is "fresh" or "used". A shop's fact `refresh_token` is the
first refresh token, as an installation would have handed it over. A code (see install.py) gives a token that lasts for
ever, or, asked for with `expiring` 1, a rotating one. The secrets belong to the simulated vendor alone.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sandbox.vendors.shopify.reader import ShopReader
from sandbox.vendors.shopify.store import write_meta

DAY: Final = 86_400
HOUR: Final = 3_600
REFRESH_LIFE: Final = 90 * DAY
FOR_EVER: Final = 36_500 * DAY


class GrantRefused(Exception):
    """The token endpoint says no; `code` is an OAuth error."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.code = code
        self.status = status


def grant(path: Path, reader: ShopReader, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Answer `POST /admin/oauth/access_token`. Raises GrantRefused.

    A refresh token is taken once: whoever comes second with it, even at the same moment, is refused.
    """
    facts = reader.meta()
    if asked.get("client_id") != facts["client_id"] or not secrets.compare_digest(
        str(asked.get("client_secret") or ""), facts["client_secret"]
    ):
        raise GrantRefused("invalid_client", "The client id or secret is wrong.", 401)
    kind = asked.get("grant_type")
    if kind is None and "code" in asked:
        return _install(path, reader, facts, asked)
    if facts.get("installed") == "no":
        raise GrantRefused("app_not_installed", "The app is not installed on this shop.")
    if kind == "client_credentials":
        access, stored = _fresh(facts, DAY)
        write_meta(path, stored)
        return _answer(access, facts, DAY)
    if kind == "refresh_token":
        return _refresh(path, reader, facts, str(asked.get("refresh_token") or ""))
    raise GrantRefused("unsupported_grant_type", f"grant_type {kind} is not simulated.")


def _refresh(path: Path, reader: ShopReader, facts: Mapping[str, str], old: str) -> dict[str, Any]:
    key = f"refresh:{old}"
    held = reader.fact(key)
    first = held is None and old != "" and old == facts.get("refresh_token")
    if held != "fresh" and not first:
        raise GrantRefused("invalid_grant", "The refresh token is unknown, expired or was used before.")
    access, stored = _fresh(facts, HOUR)
    new = "shprt_" + secrets.token_hex(16)
    if not write_meta(path, {key: "used", f"refresh:{new}": "fresh", **stored}, expect=(key, held)):
        raise GrantRefused("invalid_grant", "The refresh token is unknown, expired or was used before.")
    return {**_answer(access, facts, HOUR), "refresh_token": new, "refresh_token_expires_in": REFRESH_LIFE - 1}


def _install(path: Path, reader: ShopReader, facts: Mapping[str, str], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Exchange a code, once: whoever comes second with it is refused."""
    key = f"code:{asked['code']}"
    held = reader.fact(key)
    code = json.loads(held or '{"expires_at": 0}')
    if code["expires_at"] <= time.time():
        raise GrantRefused("invalid_request", "The authorization code was not found or was already used.")
    expiring = str(asked.get("expiring")) in ("1", "true", "True")
    granted = {**facts, "scopes": json.dumps(code["scopes"])}
    access, stored = _fresh(granted, HOUR if expiring else FOR_EVER)
    refresh = "shprt_" + secrets.token_hex(16)
    kept = {key: json.dumps({"expires_at": 0}), "installed": "yes", **stored}
    if not write_meta(path, kept | ({f"refresh:{refresh}": "fresh"} if expiring else {}), expect=(key, held)):
        raise GrantRefused("invalid_request", "The authorization code was not found or was already used.")
    answer = _answer(access, granted, HOUR)
    if not expiring:
        return {name: answer[name] for name in ("access_token", "scope")}
    return {**answer, "refresh_token": refresh, "refresh_token_expires_in": REFRESH_LIFE - 1}


def _fresh(facts: Mapping[str, str], life: int) -> tuple[str, dict[str, str]]:
    access = "shpat_" + secrets.token_hex(16)
    life = int(facts.get("token_life", life))
    return access, {
        f"token:{access}": json.dumps({"expires_at": time.time() + life, "scopes": json.loads(facts["scopes"])})
    }


def _answer(access: str, facts: Mapping[str, str], life: int) -> dict[str, Any]:
    return {
        "access_token": access,
        "scope": ",".join(json.loads(facts["scopes"])),
        "expires_in": int(facts.get("token_life", life)) - 1,
    }


def scopes_of(reader: ShopReader, access: str) -> frozenset[str] | None:
    """The scopes of an access token; None when it is unknown or expired.

    Scopes taken from the shop since the token was issued are gone at once, as after a re-installation.
    """
    held = reader.fact(f"token:{access}") if access else None
    if held is None:
        return None
    token = json.loads(held)
    if token["expires_at"] <= time.time():
        return None
    return frozenset(token["scopes"]) & frozenset(json.loads(reader.fact("scopes") or "[]"))


def forget(path: Path, access: str) -> None:
    """End an access token before its time."""
    write_meta(path, {f"token:{access}": json.dumps({"expires_at": 0, "scopes": []})})
