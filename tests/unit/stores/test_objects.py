"""Objects appear whole or not at all, and compare-and-swap lets exactly one writer win: in a folder and in Cloud Storage."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from varai.kernel import Conflict, Scope, utc_now
from varai.stores import ObjectStore, objects

Address = tuple[str, str]


@pytest.fixture(params=["folder", "gs"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Address:
    """Bucket and, for an emulator, where it answers."""
    if request.param == "folder":
        return str(tmp_path_factory.mktemp("bucket")), ""
    return f"gs://{request.getfixturevalue('gcs_bucket')}", request.getfixturevalue("gcs_url")


@pytest.fixture
def store(address: Address) -> ObjectStore:
    return opened(address)


def opened(address: Address) -> ObjectStore:
    scope = Scope("eu", None, "commerce", address[0], "", "varai", "", "", secrets=None, bucket_url=address[1])  # type: ignore[arg-type]  # objects need no secret
    return objects(scope)


def test_a_failed_write_leaves_what_was_there(store: ObjectStore) -> None:
    store.write("a/b.json", b"old")
    with pytest.raises(RuntimeError), store.create("a/b.json") as file:
        file.write(b"half")
        raise RuntimeError
    assert store.read("a/b.json") == b"old"
    assert list(store.list()) == ["a/b.json"]


def test_what_is_written_is_read_whole_and_in_parts(store: ObjectStore) -> None:
    data = bytes(range(256)) * 4096
    with store.create("a/b.bin") as file:
        file.write(data[:1000])
        file.write(data[1000:])
    assert store.read("a/b.bin") == data
    assert store.size("a/b.bin") == len(data)
    with store.open("a/b.bin") as opened_file:
        assert opened_file.read(1000) == data[:1000]
        assert opened_file.read() == data[1000:]


def test_a_store_knows_when_an_object_was_written_last(store: ObjectStore) -> None:
    begun = utc_now()
    store.write("k", b"1")
    first = store.modified_at("k")
    store.write("k", b"2")
    assert abs(first - begun) < timedelta(minutes=1)
    assert store.modified_at("k") >= first


def test_a_move_replaces_what_was_there(store: ObjectStore) -> None:
    store.write("from/a", b"new")
    store.write("to/a", b"old")
    store.move("from/a", "to/a")
    assert store.read("to/a") == b"new"
    assert list(store.list()) == ["to/a"]


def test_swap_needs_the_version_that_is_there(store: ObjectStore) -> None:
    first = store.swap("k", b"1", None)
    with pytest.raises(Conflict):
        store.swap("k", b"2", None)
    second = store.swap("k", b"2", first)
    with pytest.raises(Conflict):
        store.swap("k", b"3", first)
    assert store.get("k") == (b"2", second)


def test_swap_refuses_a_version_of_what_is_gone(store: ObjectStore) -> None:
    version = store.swap("k", b"1", None)
    store.delete("k")
    with pytest.raises(Conflict):
        store.swap("k", b"2", version)
    assert not store.exists("k")


def _count(address: Address, times: int) -> None:
    store = opened(address)
    done = 0
    while done < times:
        found = store.get("counter")
        value, version = (int(found[0]), found[1]) if found else (0, None)
        try:
            store.swap("counter", str(value + 1).encode(), version)
            done += 1
        except Conflict:
            continue


def test_no_increment_is_lost_between_processes(address: Address) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_count, args=(address, 25)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert opened(address).read("counter") == b"75"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(
    st.sets(st.from_regex(r"[a-c]{1,2}/[a-c]{1,2}(/[a-c]{1,2})?\.x", fullmatch=True), max_size=8),
    st.sampled_from(["", "a", "a/", "b/c", "c/a/"]),
)
def test_listing_is_the_sorted_keys_with_the_prefix(store: ObjectStore, keys: set[str], prefix: str) -> None:
    root = f"{uuid4().hex}/"  # the bucket outlives the example
    for key in keys:
        store.write(root + key, b"")
    wanted = sorted(root + key for key in keys if key.startswith(prefix))
    assert list(store.list(root + prefix)) == wanted
    assert store.delete_prefix(root + prefix) == len(wanted)
    assert list(store.list(root + prefix)) == []


@pytest.mark.parametrize(
    "ask",
    [lambda store: store.read("none"), lambda store: store.open("none"), lambda store: store.size("none"),
     lambda store: store.move("none", "other"), lambda store: store.modified_at("none")],
    ids=["read", "open", "size", "move", "modified_at"],
)  # fmt: skip
def test_a_missing_object_is_told_as_missing(store: ObjectStore, ask: Callable[[ObjectStore], object]) -> None:
    assert store.get("none") is None
    assert not store.exists("none")
    store.delete("none")
    with pytest.raises(FileNotFoundError):
        ask(store)
