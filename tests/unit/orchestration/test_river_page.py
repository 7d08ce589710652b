"""The River page tells how far a first read is, the cure of a feed that has never read anything, and of a region that does not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from varai import registry
from varai.kernel import FeedKey, Unauthorised, utc_now
from varai.registry import FeedState
from varai.settings import Settings, load


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Settings], str]:
    """The page's maker; Airflow, which it asks who is signed in, gets a home of this test."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    made: Callable[[Settings], str] = import_module("varai.orchestration.river_page").page
    return made


@pytest.fixture
def visitor(page: Callable[[Settings], str]) -> Iterator[TestClient]:
    """Somebody who is not signed in to Airflow."""
    with TestClient(import_module("varai.orchestration.river_page").app, follow_redirects=False) as client:
        yield client


@pytest.fixture
def settings(home: Path, mongodb_uri: str, mongodb: str) -> Settings:
    """Two regions, of which eu is seeded."""
    stores = {f"VARAI_STORES__{region}__DOCUMENTS_URI": mongodb_uri for region in ("EU", "US")}
    found = load({"VARAI_HOME": str(home), "VARAI_DATABASE": mongodb, **stores})
    registry.seed(found.scope("eu"), found.seeds)
    return found


def test_a_feed_that_failed_on_its_first_run_is_shown_with_its_cure(
    page: Callable[[Settings], str], settings: Settings
) -> None:
    key = FeedKey("northwind-eu", "shop")
    scope = settings.scope("eu", key.tenant)
    registry.set_state(scope, key, FeedState.of(Unauthorised("The token was refused.", "Ask for <b>another</b>.")))
    found = page(settings)
    assert "needs reauthorisation" in found
    assert "Ask for &lt;b&gt;another&lt;/b&gt;." in found
    assert "never run" in found  # the other tenant of the region


def test_the_percent_of_a_first_read_is_on_the_page(page: Callable[[Settings], str], settings: Settings) -> None:
    scope = settings.scope("eu", "northwind-eu")
    backfilling = FeedState(kind="backfilling", since=utc_now(), percent=42)
    registry.set_state(scope, FeedKey("northwind-eu", "shop"), backfilling)
    assert "backfilling 42 %" in page(settings)


def test_a_region_whose_documents_do_not_answer_is_told_so_in_its_place(
    page: Callable[[Settings], str], home: Path, mongodb_uri: str, mongodb: str
) -> None:
    stores = {
        "VARAI_STORES__EU__DOCUMENTS_URI": mongodb_uri,
        "VARAI_STORES__US__DOCUMENTS_URI": "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200",
    }
    settings = load({"VARAI_HOME": str(home), "VARAI_DATABASE": mongodb, **stores})
    registry.seed(settings.scope("eu"), settings.seeds)
    found = page(settings)
    assert "northwind-eu" in found
    assert "The document store does not answer (127.0.0.1:1" in found


def test_a_browser_is_brought_to_the_login_and_a_program_is_told_401(visitor: TestClient) -> None:
    browser = visitor.get("/", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (browser.status_code, browser.headers["location"]) == (303, "../api/v2/auth/login?next=%2Friver%2F")
    assert visitor.get("/", headers={"Accept": "*/*"}).status_code == 401
