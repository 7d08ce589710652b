"""Configuration errors name file, key and cure; Scopes are made here only; secrets stay with their owner."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from varai.kernel import Misconfigured, Scope
from varai.settings import FolderSecrets, GoogleSecrets, Settings, load, load_seeds
from varai.sources import connectors

REGIONS = '[eu]\nlocation = "europe-west1"\ndr_location = "europe-west4"\nregime = "gdpr"\n'
TENANT = """organisation = "north"
region = "eu"
title = "North"
[feeds.shop]
connector = "shopify"
base_url = "${shopify_eu}/north"
secret = "north-shop"
"""


def settings_in(folder: Path, **environment: str) -> Settings:
    return load({"VARAI_HOME": str(folder), "VARAI_CONFIG": str(folder), **environment})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "regions.toml").write_text(REGIONS)
    (tmp_path / "tenants").mkdir()
    (tmp_path / "tenants" / "north.toml").write_text(TENANT)
    return tmp_path


def test_a_scope_names_the_stores_of_its_region(folder: Path) -> None:
    settings = settings_in(folder, VARAI_STORES__EU__DOCUMENTS_URI="mongodb://127.0.0.1:1")
    scope = settings.scope("eu", "north")
    assert (scope.region, scope.tenant, scope.plane) == ("eu", "north", "commerce")
    assert scope.bucket == str(folder / "buckets" / "eu")
    assert scope.warehouse.endswith("eu.duckdb")
    assert "mongodb" not in repr(scope)


def test_a_scope_knows_where_the_models_of_its_region_are_registered(folder: Path) -> None:
    stores = {"VARAI_STORES__EU__DOCUMENTS_URI": "mongodb://127.0.0.1:1"}
    assert settings_in(folder, **stores).scope("eu").registry_url is None
    given = settings_in(folder, **stores, VARAI_STORES__EU__REGISTRY_URL="http://127.0.0.1:5000/")
    assert given.scope("eu").registry_url == "http://127.0.0.1:5000"


@pytest.mark.parametrize("url", ["127.0.0.1:5000", "ftp://models", "http://", "http://us:hush@models"])
def test_a_registry_that_is_no_web_address_is_named(folder: Path, url: str) -> None:
    with pytest.raises(Misconfigured, match="registry_url") as told:
        settings_in(folder, VARAI_STORES__EU__REGISTRY_URL=url)
    assert "hush" not in str(told.value)


def test_a_region_s_secrets_may_lie_in_a_folder_of_its_own(folder: Path, tmp_path: Path) -> None:
    ring = FolderSecrets(tmp_path / "eu-secrets")
    ring.write("documents", "mongodb://user:word@host")
    ring.write("cache", "valkey://:word@host/0")
    prefix = "VARAI_STORES__EU__"
    named = {f"{prefix}DOCUMENTS_SECRET": "documents", f"{prefix}CACHE_SECRET": "cache"}
    scope = settings_in(folder, **{f"{prefix}SECRETS": str(ring.folder)}, **named).scope("eu")
    assert (scope.documents_uri, scope.cache_url) == ("mongodb://user:word@host", "valkey://:word@host/0")
    assert scope.secrets == ring
    assert "word" not in repr(scope)
    with pytest.raises(Misconfigured):  # the folder of all regions holds none of them
        settings_in(folder, **named).scope("eu")


def test_the_environment_wins_over_what_up_wrote(folder: Path) -> None:
    (folder / "settings.env").write_text(
        "VARAI_STORES__EU__DOCUMENTS_URI=mongodb://file\nVARAI_VENDORS__SHOPIFY_EU=http://file/\n"
    )
    assert settings_in(folder).scope("eu").documents_uri == "mongodb://file"
    settings = settings_in(folder, VARAI_STORES__EU__DOCUMENTS_URI="mongodb://environment")
    assert settings.scope("eu").documents_uri == "mongodb://environment"
    assert settings.base_url(settings.seeds[0].feeds[0]) == "http://file/north"


@pytest.mark.parametrize(
    ("path", "old", "new", "told"),
    [
        ("regions.toml", "[eu]", "[eu", ["regions.toml", "TOML"]),
        ("regions.toml", 'regime = "gdpr"', 'regime = "none"', ["regions.toml", "eu.regime"]),
        ("regions.toml", 'regime = "gdpr"', 'regime = "gdpr"\ncolour = "red"', ["regions.toml", "eu.colour"]),
        ("tenants/north.toml", 'region = "eu"', 'region = "apac"', ["north.toml", "region", "apac", "eu"]),
        ("tenants/north.toml", 'connector = "shopify"', "", ["north.toml", "feeds.shop.connector"]),
        (
            "tenants/north.toml",
            'secret = "north-shop"',
            'secret = "north-shop"\nowner = 3',
            ["north.toml", "feeds.shop.owner"],
        ),
        ("tenants/north.toml", 'title = "North"', "", ["north.toml", "title"]),
    ],
)
def test_a_mistake_is_told_with_file_key_and_cure(folder: Path, path: str, old: str, new: str, told: list[str]) -> None:
    file = folder / path
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    settings = settings_in(folder, VARAI_STORES__EU__DOCUMENTS_URI="mongodb://x")
    with pytest.raises(Misconfigured) as caught:
        assert settings.seeds is None
    for word in told:
        assert word in caught.value.what
    assert caught.value.cure


def test_an_unset_store_is_told_with_its_variable(folder: Path) -> None:
    with pytest.raises(Misconfigured, match="VARAI_STORES__EU__DOCUMENTS_URI"):
        settings_in(folder).scope("eu")
    with pytest.raises(Misconfigured, match="apac"):
        settings_in(folder).scope("apac")


def test_a_scope_never_travels(folder: Path) -> None:
    scope: Scope = settings_in(folder, VARAI_STORES__EU__DOCUMENTS_URI="mongodb://x").scope("eu")
    for travel in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            travel(scope)


def test_the_repository_seeds_tenants_in_each_region_and_of_every_vendor() -> None:
    settings = load({"VARAI_HOME": "nowhere"})
    seeds = load_seeds(settings.config / "tenants", settings.regions)
    regions = [seed.tenant.region for seed in seeds]
    assert all(regions.count(name) >= 2 for name in settings.regions)
    assert {feed.connector for seed in seeds for feed in seed.feeds} == set(connectors())
    organisations = {
        seed.tenant.organisation: {
            other.tenant.region for other in seeds if other.tenant.organisation == seed.tenant.organisation
        }
        for seed in seeds
    }
    assert any(len(where) == 2 for where in organisations.values())


def test_secrets_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    secrets = FolderSecrets(tmp_path / "secrets")
    secrets.write("north-shop", "value")
    path = tmp_path / "secrets" / "north-shop"
    assert path.stat().st_mode & 0o777 == 0o600
    assert secrets.read("north-shop") == "value"
    path.chmod(0o644)
    with pytest.raises(Misconfigured, match="read by others"):
        secrets.read("north-shop")
    for name in ("absent", "../north-shop", "A"):
        with pytest.raises(Misconfigured):
            secrets.read(name)


def test_a_secret_that_is_deleted_is_gone_and_deleting_it_again_is_no_error(tmp_path: Path) -> None:
    secrets = FolderSecrets(tmp_path)
    secrets.write("north-shop", "value")
    secrets.write("south-shop", "value")
    for _ in range(2):
        secrets.delete("north-shop")
    assert [path.name for path in tmp_path.iterdir()] == ["south-shop"]
    with pytest.raises(Misconfigured):
        secrets.delete("../south-shop")


def test_in_the_cloud_secrets_are_neither_written_nor_deleted_from_here() -> None:
    secrets = GoogleSecrets("project")
    for refused in (lambda: secrets.create("north-shop", "value"), lambda: secrets.delete("north-shop")):
        with pytest.raises(Misconfigured, match="gcloud"):
            refused()
