"""How a feed may ask its shop, chosen by the keys of its secret: an integration's signature or token, or Adobe's identity service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol
from urllib.parse import quote

from varai.sources.contract import Session
from varai.sources.credentials import read_secret
from varai.sources.magento.ims import CREDENTIAL, Ims
from varai.sources.magento.signing import INTEGRATION, authorisation

SECRET_FIELDS: Final = (*INTEGRATION, CREDENTIAL)


class Access(Protocol):
    """One reader's access.

    Attributes:
        base: address of the API, above its version.
        may: what gives a permission that lacks, as a cure says it.
    """

    base: str

    @property
    def may(self) -> str: ...

    def headers(self, url: str) -> dict[str, str]:
        """Headers of a GET of `url`, its query included. Raises Misconfigured, or what asking for a token does."""
        ...

    def renew(self) -> bool:
        """After a refusal: whether the same request may be answered now."""
        ...


class Integration:
    """An integration of the shop's own, by OAuth 1.0a or a Bearer token; see `signing`."""

    may: Final = "give it the resource (System, Integrations, API) and activate it anew"

    def __init__(self, session: Session, secret: Mapping[str, str], store: str) -> None:
        self._secret = secret
        self.base = f"{session.base_url}/rest/{quote(store, safe='')}"

    def headers(self, url: str) -> dict[str, str]:
        """As `Access` says it."""
        return {"Authorization": authorisation(url, self._secret)}

    def renew(self) -> bool:
        """Its tokens have no end, and a shop that refuses one goes on to."""
        return False


def access_of(session: Session) -> Access:
    """The access that the feed's secret gives; raises Misconfigured for a secret that has none of the forms."""
    secret = read_secret(session, SECRET_FIELDS)
    store = str(session.feed.settings.get("store", "all"))
    kind = Ims if set(CREDENTIAL) <= secret.keys() else Integration
    return kind(session, secret, store)
