"""A merchant installs the app and takes it off again: what Shopify's pages do, without the pages.

- `GET /<shop>/admin/oauth/authorize?client_id&scope&redirect_uri&state`: the merchant agrees at once, and the browser is sent back to
  the redirect address with a code and all of it signed, as Shopify sends it
- `POST /<shop>/_uninstall`: the app is taken off; its tokens are dead. Webhooks are told apart (see ../webhooks.py)

A shop's fact `redirect_uris`, JSON, holds the addresses that the app may be sent back to; without it any will do. `installed` is "no"
after the app was taken off. `code:<code>` holds {"scopes", "expires_at"} until it is exchanged, by `tokens.grant`.
https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from sandbox.vendors.shopify.reader import ShopReader
from sandbox.vendors.shopify.store import write_meta

CODE_LIFE_S: Final = 600


class NotAuthorised(Exception):
    """The page shows an error instead of asking the merchant."""


def authorise(path: Path, reader: ShopReader, asked: Mapping[str, str]) -> str:
    """Where the merchant's browser is sent after they agreed. Raises NotAuthorised.

    Scopes that the app is not allowed to ask for are not granted.
    """
    facts = reader.meta()
    if asked.get("client_id") != facts["client_id"]:
        raise NotAuthorised("No app has this client id.")
    to = asked.get("redirect_uri", "")
    if to not in json.loads(facts.get("redirect_uris", json.dumps([to]))) or not to:
        raise NotAuthorised("The redirect_uri is not whitelisted.")
    wanted = set(asked.get("scope", "").split(","))
    granted = [scope for scope in json.loads(facts["scopes"]) if scope in wanted]
    code = secrets.token_hex(16)
    held = {"scopes": granted, "expires_at": time.time() + CODE_LIFE_S}
    write_meta(path, {f"code:{code}": json.dumps(held)})
    admin = f"admin.shopify.com/store/{facts['domain'].partition('.')[0]}"
    told = {
        "code": code,
        "host": base64.b64encode(admin.encode()).decode().rstrip("="),
        "shop": facts["domain"],
        "state": asked.get("state", ""),
        "timestamp": str(int(time.time())),
    }
    signature = hmac.new(facts["client_secret"].encode(), urlencode(sorted(told.items())).encode(), hashlib.sha256)
    return f"{to}?{urlencode({**told, 'hmac': signature.hexdigest()})}"


def uninstall(path: Path, reader: ShopReader) -> None:
    """Take the app off: no token it has is good any more, and none can be had until a merchant installs it again."""
    ended = {key: json.dumps({"expires_at": 0, "scopes": []}) for key in reader.facts("token:")}
    refresh = [*reader.facts("refresh:"), f"refresh:{reader.fact('refresh_token') or ''}"]
    write_meta(path, {**ended, **dict.fromkeys(refresh, "used"), "installed": "no"})
