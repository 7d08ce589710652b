"""The tenants of shops from files are seeds like those of config/tenants, and the command prints what it did."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.stores.__main__ import main
from sandbox.stores.line_kinds import LineKinds, load_rules, tenant_file
from varai.settings.seeds import load_seed


@pytest.mark.parametrize(("shop", "region"), [("uci", "eu"), ("sunglasses", "us")])
def test_tenant_files_are_seeds(shop: str, region: str) -> None:
    seed = load_seed(tenant_file(shop), {"us", "eu"})
    assert (seed.tenant.name, seed.tenant.region) == (shop, region)
    (feed,) = seed.feeds
    assert (feed.connector, feed.name, feed.secret) == ("shopify", "shop", f"{shop}-shop")
    assert feed.base_url.endswith(f"}}/{shop}")


def test_the_feed_carries_the_rules_the_loader_uses() -> None:
    (feed,) = load_seed(tenant_file("uci"), {"eu"}).feeds
    assert dict(feed.settings["line_kinds"]) == load_rules("uci")
    assert not [key for key in load_rules("uci") if "." in key or key.startswith("$")]  # safe as keys of a document


@pytest.mark.parametrize(
    ("code", "kind"),
    [("85123A", "product"), ("15056bl", "product"), ("DCGSSBOY", "product"), ("POST", "postage"),
     ("C2", "postage"), ("BANK CHARGES", "fee"), ("S", "adjustment"), ("gift_0001_50", "gift_card"), ("m", "manual"),
     ("POSTAGE", "unknown"),
     ("post", "unknown"), ("", "unknown")],
)  # fmt: skip
def test_patterns_match_whole_codes(code: str, kind: str) -> None:
    assert LineKinds(load_rules("uci")).of(code) == kind


def test_the_first_pattern_wins() -> None:
    assert LineKinds({"A.*": "fee", "AB": "postage"}).of("AB") == "fee"


def test_the_command_prints_the_report(shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["sunglasses", "--data", str(shared_data), "--out", str(tmp_path)]
    assert main(arguments) == 0
    assert main([*arguments, "--advance"]) == 0
    assert "366" in capsys.readouterr().out
    assert (tmp_path / "sunglasses.ledger.json").exists()


def test_the_command_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["uci", "--data", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "orders_uci" in capsys.readouterr().out
