"""Who asks Adobe Commerce as a Cloud Service: a credential "OAuth Server-to-Server", by access tokens of Adobe's identity service (IMS).

In: the feed's secret, {"client_id", "client_secret", "org_id"}. Out: headers of requests, with a token that is kept and renewed.

From https://developer.adobe.com/commerce/webapi/rest/authentication/server-to-server/: the token's endpoint and form, the scopes (all
are required, `commerce.accs` above all), the three headers. From the answer of
https://experienceleague.adobe.com/en/docs/commerce-learn/tutorials/getting-started/commerce-as-a-cloud-service/webapi-rest/customer: a
token lives 86,399 seconds; addresses are https://<server>.api.commerce.adobe.com/<tenant id>/V1 without /rest. That the store is named
by the header `Store`, `all` where none is chosen, is from Adobe's own client (adobe/aio-commerce-sdk, aio-commerce-lib-api). Not
verified, for no such shop was at hand: what IMS answers to credentials it refuses (RFC 6749 says 400 or 401 with `error`), whether a
permission that lacks is answered 401 or 403, and that the cloud, which serves fewer endpoints, serves every list that is read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from varai.kernel import Misconfigured, Unauthorised
from varai.sources.contract import Session
from varai.sources.decoding import decode
from varai.sources.tokens import KeptToken, as_kept, grant_of
from varai.sources.transport import Http

CREDENTIAL: Final = ("client_id", "client_secret", "org_id")
_ENDPOINT: Final = "https://ims-na1.adobelogin.com/ims/token/v3"
_SCOPES: Final = (
    *("openid", "AdobeID", "email", "profile"),
    *("additional_info.roles", "additional_info.projectedProductContext", "commerce.accs"),
)
_REFUSED: Final = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_CURES: Final = {
    "invalid_client": "Look at client_id and client_secret: the Developer Console has them, and a secret that was rotated out is dead.",
    "invalid_scope": "Add the API Adobe Commerce as a Cloud Service to the credential in the Developer Console.",
}
_CURE: Final = "Look at the credential OAuth Server-to-Server in the Developer Console, then run `varai feeds check`."


class Ims:
    """One reader's access to a shop by IMS; see `varai.sources.magento.access.Access`."""

    may: Final = "give the credential's technical account access to it, in the Admin Console, and look at org_id"

    def __init__(self, session: Session, secret: Mapping[str, str], store: str) -> None:
        self._session, self._secret = session, secret
        self._store = store
        self._kept = KeptToken(session, self._ask)
        self._renewed = False
        self.base = session.base_url

    def headers(self, url: str) -> dict[str, str]:
        """Of a request; asks for a token where none is good any more. Raises Unauthorised where none is given."""
        del url
        return {
            "Authorization": f"Bearer {self._kept.token()}",
            "x-api-key": self._secret["client_id"],
            "x-gw-ims-org-id": self._secret["org_id"],
            "Store": self._store,
        }

    def renew(self) -> bool:
        """Take another token than the one refused, once: a second one that is refused lacks permissions, not time."""
        if self._renewed:
            return False
        self._kept.renew(self._kept.token())  # may fail for now, and is then not the one renewal
        self._renewed = True
        return True

    def _ask(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """A token from IMS; not insistently, for whoever needs it is."""
        del stored
        form = {name: self._secret[name] for name in ("client_id", "client_secret")}
        form |= {"grant_type": "client_credentials", "scope": ",".join(_SCOPES)}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        url = str(self._session.feed.settings.get("ims_url", _ENDPOINT))
        # Apart from the shop's connections: those note the shop's clock, and name the shop in errors.
        with closing(Http("Adobe IMS", _ENDPOINT, "settings.ims_url")) as http:
            understood = {*_REFUSED, HTTPStatus.NOT_FOUND}
            answer = http.send("POST", url, body=urlencode(form).encode(), headers=headers, understood=understood)
            if answer.status == HTTPStatus.NOT_FOUND:
                raise Misconfigured(
                    "Nothing gives tokens at the address of Adobe IMS.",
                    f"Leave out the feed's settings.ims_url, or write {_ENDPOINT} into it.",
                )
            if answer.status in _REFUSED:
                raise _refused(answer.status, answer.data)
            return as_kept(self._session, grant_of(http.json(answer), "Adobe IMS"))


class _Refusal(msgspec.Struct):
    error: str = ""


def _refused(status: int, body: bytes) -> Unauthorised:
    """Of what IMS says, only words that are known here are repeated."""
    try:
        said = decode(body, _Refusal).error
    except msgspec.DecodeError:
        said = ""
    why = said if said in _CURES else f"HTTP {status}"
    return Unauthorised(f"Adobe IMS gave the feed no access token ({why}).", _CURES.get(said, _CURE))
