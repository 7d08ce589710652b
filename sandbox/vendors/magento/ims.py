"""Adobe's identity service before a shop of Adobe Commerce as a Cloud Service: it grants tokens, and the shop takes no others.

A shop with the fact `org_id` is such a one; its credential is `client_id` and `client_secret`. Tokens live as many seconds as the fact
`token_life` says, a day unless it is there; whoever changes the secret ends them all.

- `POST /<shop>/ims/token/v3`, a form: a token, or 400 with the error

https://developer.adobe.com/commerce/webapi/rest/authentication/server-to-server/
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping

from sandbox.vendors.records import Records
from sandbox.vendors.rest import Answer, Asked

_SCOPE = "commerce.accs"


def serves(facts: Mapping[str, str]) -> bool:
    """Whether the shop is one of Adobe's cloud."""
    return "org_id" in facts


def grant(asked: Asked, records: Records) -> Answer:
    """Answer one form that is posted."""
    facts, form = records.facts(), asked.parameters
    if asked.path != "ims/token/v3" or not serves(facts):
        return _json({"message": "Request does not match any route."}, 404)
    if asked.strikes("revoked_token") is not None or not _same(form, facts, "client_id", "client_secret"):
        return _json({"error": "invalid_client", "error_description": "invalid client_id or client_secret"}, 400)
    if _SCOPE not in form.get("scope", "").split(","):
        return _json({"error": "invalid_scope"}, 400)
    if form.get("grant_type") != "client_credentials":
        return _json({"error": "unsupported_grant_type"}, 400)
    life = int(facts.get("token_life", "86399"))
    mark = f"{int(time.time()) + life}.{secrets.token_hex(8)}"
    return _json({"access_token": f"{mark}.{_seal(mark, facts)}", "token_type": "bearer", "expires_in": life})


def known(headers: Mapping[str, str], facts: Mapping[str, str]) -> bool:
    """Whether a request has a token that is good, and the headers that go with it."""
    mark, _, seal = headers.get("authorization", "").removeprefix("Bearer ").rpartition(".")
    given = {"client_id": headers.get("x-api-key", ""), "org_id": headers.get("x-gw-ims-org-id", "")}
    if not _same(given, facts, "client_id", "org_id") or not hmac.compare_digest(
        seal.encode(), _seal(mark, facts).encode()
    ):
        return False
    return int(mark.partition(".")[0]) > time.time()


def _seal(mark: str, facts: Mapping[str, str]) -> str:
    return hmac.new(facts["client_secret"].encode(), mark.encode(), hashlib.sha256).hexdigest()


def _same(given: Mapping[str, str], facts: Mapping[str, str], *names: str) -> bool:
    return all(hmac.compare_digest(given.get(name, "").encode(), facts[name].encode()) for name in names)


def _json(value: Mapping[str, object], status: int = 200) -> Answer:
    return Answer(json.dumps(value).encode(), status)
