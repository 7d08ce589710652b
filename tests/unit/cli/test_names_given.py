"""A name or id that nobody has is refused: what is held of it would look like nothing at all."""

from __future__ import annotations

import pytest

from tests.unit.cli.conftest import Run
from varai.kernel import FeedKey, Misconfigured
from varai.river.erasure import pseudonym
from varai.settings import Settings

ASKED = {
    "privacy where": ("privacy", "where", "--subject", "127000000"),
    "privacy erase": ("privacy", "erase", "--subject", "127000000", "--reason", "asked by mail"),
    "quarantine list": ("quarantine", "list"),
    "quarantine replay": ("quarantine", "replay"),
}


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.usefixtures("settings")
def test_a_tenant_of_no_name_that_is_known_is_refused(varai: Run, name: str) -> None:
    told = varai(*ASKED[name], "-r", "eu", "-t", "nortwind-eu")
    assert told.exit_code == 1
    assert "'nortwind-eu" in told.output


def test_every_way_to_write_an_id_means_one_person(settings: Settings) -> None:
    key = FeedKey("northwind-eu", "shop")
    ways = ("127000000", " 127000000\n", "gid://shopify/Customer/127000000")
    assert len({pseudonym(settings, "eu", key, way) for way in ways}) == 1
    assert pseudonym(settings, "eu", key, "127000001") != pseudonym(settings, "eu", key, "127000000")


@pytest.mark.parametrize("given", ["", "anna@example.com", "gid://shopify/Order/1", "1e3", "٣", "0", "9" * 40])
def test_what_is_no_id_of_the_vendor_is_refused_and_not_repeated(settings: Settings, given: str) -> None:
    with pytest.raises(Misconfigured, match="no id of a Shopify customer") as refusal:
        pseudonym(settings, "eu", FeedKey("northwind-eu", "shop"), given)
    assert len(given) < 5 or given not in str(refusal.value)


def test_a_list_that_is_cut_says_of_how_many(settings: Settings, varai: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from varai.gate import quarantine

    row = quarantine.QuarantinedRow("k", "northwind-eu", "shop", "products", "product", "b", "1", ("r",), (), None, "")
    monkeypatch.setattr(quarantine, "list_rows", lambda *_: [row] * 73)
    told = varai("quarantine", "list", "-r", "eu", "-t", "northwind-eu", "--limit", "50").output
    assert "50 rows of 73; --limit 73 lists all." in told
    assert "73 rows." in varai("quarantine", "list", "-r", "eu", "-t", "northwind-eu", "--limit", "80").output
