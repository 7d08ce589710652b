"""Shops of Adobe's cloud: read by tokens of Adobe's identity service, which end, are taken back, and are told to nobody."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.sources.conftest import MemoryTokens
from tests.unit.sources.magento.conftest import WHOLE, MagentoShop, MakeShop
from varai.kernel import Gone, Misconfigured, Unauthorised
from varai.sources import Page, Session, connector

CREDENTIAL = {"client_id": "id-of-the-credential", "client_secret": "p8e-s3cret", "org_id": "4F2A@AdobeOrg"}
DAY = timedelta(days=1)


class Cloud:
    """A shop of eleven customers in Adobe's cloud, a feed that reads it, and the feed's token store."""

    def __init__(self, shop: MagentoShop) -> None:
        self.shop, self.tokens = shop, MemoryTokens()
        self.late = timedelta()

    def session(self, secret: Mapping[str, str] = CREDENTIAL) -> Session:
        made = self.shop.session(secret, page_size=4, ims_url=f"{self.shop.url}/ims/token/v3")
        return replace(made, tokens=self.tokens, clock=lambda: datetime.now(UTC) + self.late)

    def read(
        self, secret: Mapping[str, str] = CREDENTIAL, *, between: Callable[[Page], None] = lambda page: None
    ) -> int:
        """Read the customers; returns how many there were."""
        found = 0
        for page in connector("magento").extract(self.session(secret), "customers", WHOLE):
            found += page.records
            between(page)
        return found

    def asked(self) -> tuple[int, int, int]:
        """Tokens that were granted, tokens that were not, and requests of the shop that were refused."""
        tokens = [one["status"] for one in self.shop.requests() if one["path"] == "ims/token/v3"]
        refused = [one for one in self.shop.requests() if one["path"].startswith("V1/") and one["status"] == 401]
        return tokens.count(200), len(tokens) - tokens.count(200), len(refused)


@pytest.fixture
def cloud(magento_shop: MakeShop) -> Cloud:
    return Cloud(magento_shop(customers=11, **CREDENTIAL))


def test_a_token_is_asked_for_once_and_kept_for_all_reads(cloud: Cloud) -> None:
    assert [cloud.read() for _ in range(3)] == [11, 11, 11]
    assert cloud.asked() == (1, 0, 0)
    assert cloud.tokens.held is not None
    assert cloud.tokens.held.keys() == {"access_token", "expires_at"}
    assert datetime.fromisoformat(cloud.tokens.held["expires_at"]) > datetime.now(UTC) + timedelta(hours=23)


def test_a_token_that_ends_in_the_midst_of_a_read_is_renewed_before_it_is_refused(cloud: Cloud) -> None:
    def later(page: Page) -> None:
        del page
        cloud.late = DAY

    assert cloud.read(between=later) == 11
    assert cloud.asked() == (2, 0, 0)


def test_a_token_that_is_taken_back_is_renewed_once(cloud: Cloud) -> None:
    cloud.shop.fault("revoked_token", match="currentPage]=2")
    assert cloud.read() == 11
    assert cloud.asked() == (2, 0, 1)
    cloud.shop.fault("revoked_token", match="V1/", times=-1)
    with pytest.raises(Unauthorised):
        cloud.read()
    assert cloud.asked() == (3, 0, 3), "refused again with a fresh token: asking for a third cannot help"


def test_an_identity_service_that_fails_for_a_moment_does_not_cost_the_renewal(cloud: Cloud) -> None:
    cloud.shop.fault("revoked_token", match="currentPage]=2", times=2)

    def down(page: Page) -> None:
        if not any(cloud.asked()[1:]):
            cloud.shop.fault("5xx", match="ims/token")

    assert cloud.read(between=down) == 11
    assert cloud.asked() == (2, 1, 2)


def test_an_address_that_gives_no_tokens_is_told_as_that_of_the_identity_service(cloud: Cloud) -> None:
    session = cloud.session()
    feed = session.feed.model_copy(update={"settings": {**session.feed.settings, "ims_url": f"{cloud.shop.url}/none"}})
    with pytest.raises(Misconfigured) as raised:
        list(connector("magento").extract(replace(session, feed=feed), "customers", WHOLE))
    assert "ims_url" in raised.value.cure


def test_credentials_that_are_refused_are_told_with_their_cure_and_no_secret(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(Unauthorised, match=r"Adobe IMS gave the feed no access token \(invalid_client\)") as raised:
        cloud.read(CREDENTIAL | {"client_secret": "of-yesterday"})
    assert "Developer Console" in raised.value.cure
    assert cloud.asked() == (0, 1, 0)
    assert cloud.tokens.held == {}, "the claim is given back"
    assert cloud.read() == 11
    assert cloud.tokens.held is not None
    secrets = ("of-yesterday", CREDENTIAL["client_secret"], cloud.tokens.held["access_token"])
    shown = f"{caplog.text} {raised.value} {raised.value.cure} {cloud.shop.requests()} {cloud.session()}"
    assert not [one for one in secrets if one in shown]


def test_a_check_says_what_is_wrong(cloud: Cloud) -> None:
    check = connector("magento").check
    report = check(cloud.session())
    assert (report.problems, report.scopes_missing, cloud.asked()) == ([], (), (1, 0, 0))
    cloud.tokens.swap({}, cloud.tokens.version)
    with pytest.raises(Unauthorised, match="invalid_client"):
        check(cloud.session(CREDENTIAL | {"client_id": "another"}))
    assert cloud.asked()[:2] == (1, 1)
    problems = check(cloud.session(CREDENTIAL | {"org_id": "another"})).problems
    assert [one for one in problems if "may not read customers" in one and "org_id" in one]
    granted = cloud.asked()[0]
    cloud.shop.fault("revoked_token", match="V1/", times=-1)
    assert len(check(cloud.session()).problems) > 1
    assert cloud.asked()[0] == granted + 1, "many refusals, one renewal"


def test_the_feed_s_own_store_is_asked(cloud: Cloud) -> None:
    def site(store: str) -> str:
        session = cloud.session()
        feed = session.feed.model_copy(update={"settings": {**session.feed.settings, "store": store}})
        pages = connector("magento").extract(replace(session, feed=feed), "shop", WHOLE)
        return str(json.loads(next(iter(pages)).lines.splitlines()[0])["currency"])

    with cloud.shop.records() as records:
        records.set_facts({"stores": "fr,ch", "currency": "EUR,CHF"})
    assert (site("fr"), site("ch")) == ("EUR", "CHF")
    with pytest.raises(Gone):
        site("absent")


def test_a_credential_in_parts_is_misconfigured_without_being_shown(cloud: Cloud) -> None:
    parts = {name: CREDENTIAL[name] for name in ("client_id", "client_secret")}
    with pytest.raises(Misconfigured) as raised:
        cloud.read(parts)
    assert "client_id + client_secret + org_id" in raised.value.cure
    assert "p8e-s3cret" not in f"{raised.value} {raised.value.cure}"
