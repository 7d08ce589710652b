"""A feed sees its own folder in its region's bucket, and nothing beside it, whatever anybody names or links."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from varai.kernel import Conflict, Feed, ResidencyBreach, Scope
from varai.registry import StreamKey
from varai.river.dropped import FeedDrop
from varai.river.notes import StreamNotes
from varai.settings import load
from varai.stores import objects


def feed(tenant: str = "maple", name: str = "erp") -> Feed:
    return Feed(tenant=tenant, name=name, connector="files", base_url="bucket:", secret="s")


@pytest.fixture
def bucket(home: Path) -> Path:
    """A region's bucket with files of two tenants, of two feeds, and of the platform."""
    root = home / "buckets" / "us"
    for name in (
        "drop/maple/erp/a.csv",
        "drop/maple/erp/in/b.csv",
        "drop/maple/erp-2/c.csv",
        "drop/oak/erp/d.csv",
        "state/maple/x.json",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


@pytest.fixture
def scope(bucket: Path, home: Path) -> Scope:
    """Of one tenant."""
    return load({"VARAI_HOME": str(home), "VARAI_STORES__US__DOCUMENTS_URI": "mongodb://127.0.0.1:1"}).scope(
        "us", "maple"
    )


def test_two_feeds_and_two_tenants_never_see_each_other(scope: Scope, bucket: Path) -> None:
    assert [one.name for one in FeedDrop(scope, feed()).files()] == ["a.csv", "in/b.csv"]
    assert [one.name for one in FeedDrop(scope, feed(name="erp-2")).files()] == ["c.csv"]
    with FeedDrop(scope, feed()).open("in/b.csv") as file:
        assert file.read() == b"drop/maple/erp/in/b.csv"
    for used in (FeedDrop(scope, feed("oak")).files, lambda: FeedDrop(scope, feed("oak")).open("d.csv")):
        with pytest.raises(ResidencyBreach, match="oak/erp"):
            used()


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(["..", ".", "a.csv", "in", "erp", "erp-2", "c.csv", "maple", "oak", "d.csv", "drop", "", "/"]),
        max_size=7,
    )
)
def test_no_name_leads_out_of_the_folder(scope: Scope, parts: list[str]) -> None:
    name = "/".join(parts)
    try:
        with FeedDrop(scope, feed()).open(name) as file:
            assert file.read().startswith(b"drop/maple/erp/")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        pass
    found = FeedDrop(scope, feed()).stat(name)
    assert found is None or found.name in ("a.csv", "in/b.csv", "/".join(filter(None, name.split("/"))), name)


def test_links_that_lead_out_are_no_files_of_it(scope: Scope, bucket: Path) -> None:
    inside = bucket / "drop/maple/erp"
    (inside / "leak.csv").symlink_to(bucket / "drop/oak/erp/d.csv")
    (inside / "folder").symlink_to(bucket / "drop/oak/erp")
    (inside / "own.csv").symlink_to(inside / "a.csv")
    assert [one.name for one in FeedDrop(scope, feed()).files()] == ["a.csv", "in/b.csv", "own.csv"]
    for name in ("leak.csv", "folder/d.csv"):
        with pytest.raises(FileNotFoundError):
            FeedDrop(scope, feed()).open(name)


def test_a_file_tells_its_size_and_when_it_was_written(scope: Scope, bucket: Path) -> None:
    found = FeedDrop(scope, feed()).stat("a.csv")
    assert found is not None
    assert found.size == len("drop/maple/erp/a.csv")
    assert abs(found.modified_at - datetime.now(UTC)) < timedelta(minutes=5)


def test_notes_are_written_by_compare_and_swap_and_under_the_newest_lease(scope: Scope) -> None:
    key = StreamKey("maple", "erp", "variants")
    old, new = StreamNotes(scope, key, 1), StreamNotes(scope, key, 2)
    assert old.get() == (None, None)
    old.swap({"files": {"a": 1}}, None)
    with pytest.raises(Conflict):
        old.swap({}, None)
    held, version = new.get()
    assert held == {"files": {"a": 1}}
    new.swap({"files": {}}, version)
    with pytest.raises(Conflict, match="newer than 1"):
        old.swap({"files": {"b": 1}}, new.get()[1])
    assert StreamNotes(scope, StreamKey("maple", "erp-2", "variants"), 1).get() == (None, None)


def test_a_bucket_in_the_cloud_is_read_alike(home: Path, gcs_url: str, gcs_bucket: str) -> None:
    environment = {
        "VARAI_HOME": str(home),
        "VARAI_STORES__US__DOCUMENTS_URI": "mongodb://127.0.0.1:1",
        "VARAI_STORES__US__BUCKET": f"gs://{gcs_bucket}",
        "VARAI_STORES__US__BUCKET_URL": gcs_url,
    }
    cloud = load(environment).scope("us", "maple")
    for name in ("drop/maple/erp/in/a.csv", "drop/maple/erp-2/c.csv", "drop/oak/erp/d.csv"):
        objects(cloud).write(name, name.encode())
    drop = FeedDrop(cloud, feed())
    [found] = drop.files()
    assert (found.name, found.size, drop.stat("in/a.csv")) == ("in/a.csv", 23, found)
    with drop.open("in/a.csv") as file:
        file.seek(5)
        assert file.read() == b"maple/erp/in/a.csv"
    for name in ("../../oak/erp/d.csv", "/drop/oak/erp/d.csv", "gone.csv"):
        assert drop.stat(name) is None
        with pytest.raises(FileNotFoundError):
            drop.open(name)
