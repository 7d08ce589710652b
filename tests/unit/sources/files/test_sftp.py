"""SFTP against a real server on this machine: the key that was pinned, the user, the folder and no other, files of any size."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko
import pytest

from tests.unit.sources.files.conftest import NOW, WHOLE
from tests.unit.sources.files.writers import columnar
from varai.kernel import Feed, Misconfigured, Unauthorised, Unavailable, VaraiError
from varai.sources import Session, connector
from varai.sources.files.opening import opened

HOST_KEY = paramiko.ECDSAKey.generate()
USER_KEY = paramiko.ECDSAKey.generate()
PASSWORD = "hush-hush"


class Door(paramiko.ServerInterface):
    """Lets one user in, by a password or a key."""

    def check_auth_password(self, username: str, password: str) -> int:
        return paramiko.AUTH_SUCCESSFUL if (username, password) == ("erp", PASSWORD) else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.AUTH_SUCCESSFUL if (username, key) == ("erp", USER_KEY) else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password,publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class Shelf(paramiko.SFTPServerInterface):
    """Serves a folder, and what lies beside it too: a server that trusts its clients."""

    root: Path

    def _path(self, path: str) -> str:
        return os.path.normpath(f"{self.root}/{path}")

    def list_folder(self, path: str) -> Any:
        entries = sorted(os.scandir(self._path(path)), key=lambda one: one.name)
        return [paramiko.SFTPAttributes.from_stat(one.stat(follow_symlinks=False), one.name) for one in entries]

    def stat(self, path: str) -> Any:
        return self._told(os.stat, path)

    def lstat(self, path: str) -> Any:
        return self._told(os.lstat, path)

    def _told(self, ask: Any, path: str) -> Any:
        try:
            return paramiko.SFTPAttributes.from_stat(ask(self._path(path)))
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    def open(self, path: str, flags: int, attr: Any) -> Any:
        handle = paramiko.SFTPHandle(flags)
        try:
            handle.readfile = Path(self._path(path)).open("rb")  # noqa: SIM115 - the handle closes it
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        return handle


@dataclass
class Server:
    """A server with its folder, and the feed that reads /out of it."""

    port: int
    folder: Path

    def session(
        self, *, secret: dict[str, str] | None = None, address: str = "", key: paramiko.PKey = HOST_KEY
    ) -> Session:
        fields = {"sku": "id", "title": "title", "price": "price"}
        settings = {
            "host_key": f"{key.get_name()} {key.get_base64()} erp-server",
            "streams": {"variants": {"files": "*", "kind": "delta", "id": ["id"], "settle_s": 0, "fields": fields}},
        }
        url = address or f"sftp://127.0.0.1:{self.port}/out"
        feed = Feed(
            tenant="maple",
            name="erp",
            connector="files",
            base_url=url,
            secret="maple-erp",
            overlap_s=0,
            settings=settings,
        )
        given = json.dumps(secret or {"username": "erp", "password": PASSWORD})
        return Session(feed, url, lambda: given, None, clock=lambda: NOW)  # type: ignore[arg-type]  # no token rotates

    def lay(self, name: str, data: bytes) -> None:
        path = self.folder / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (0, NOW.timestamp() - 3600))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Answers until the test ends, each connection in a thread of the library's own."""
    folder = tmp_path / "server"
    (folder / "out").mkdir(parents=True)
    shelf = type("ThisShelf", (Shelf,), {"root": folder})
    transports: list[paramiko.Transport] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                transport = paramiko.Transport(connection)
                transport.add_server_key(HOST_KEY)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, shelf)
                transports.append(transport)
                try:
                    transport.start_server(server=Door())
                except paramiko.SSHException:
                    continue

        threading.Thread(target=serve, daemon=True).start()
        yield Server(listening.getsockname()[1], folder)
        listening.shutdown(socket.SHUT_RDWR)
    for transport in transports:
        transport.close()


def read(session: Session) -> list[Any]:
    extraction = connector("files").extract(session, "variants", WHOLE)
    lines = [json.loads(line) for page in extraction for line in page.lines.splitlines()]
    assert extraction.vendor_count == len(lines)
    return lines


def test_files_are_read_by_password_and_by_key(server: Server, tmp_path: Path) -> None:
    rows = "".join(f"{at:06},title {at},1.50\n" for at in range(60_000))  # more than is fetched at once
    server.lay("big.csv", f"id,title,price\n{rows}".encode())
    server.lay("in/more.parquet", columnar([{"id": "x", "title": "y", "price": "1"}] * 3))
    key = tmp_path / "key"
    USER_KEY.write_private_key_file(str(key))
    for secret in ({"username": "erp", "password": PASSWORD}, {"username": "erp", "private_key": key.read_text()}):
        lines = read(server.session(secret=secret))
        assert len(lines) == 60_003
        assert (lines[59_999]["cells"]["id"], lines[60_000]["file"]) == ("059999", "in/more.parquet")


def test_a_server_with_another_key_is_told_nothing(server: Server) -> None:
    for other in (paramiko.ECDSAKey.generate(), paramiko.RSAKey.generate(2048)):
        with pytest.raises(Unauthorised, match="another key than the one that was pinned"):
            read(server.session(key=other))


@pytest.mark.parametrize(
    "secret", [{"username": "erp", "password": "wrong"}, {"username": "other", "password": PASSWORD}]
)
def test_a_user_who_is_refused_is_told_without_the_secret(server: Server, secret: dict[str, str]) -> None:
    with pytest.raises(Unauthorised, match="refuses the feed's user") as told:
        read(server.session(secret=secret))
    assert secret["password"] not in str(told.value)


@pytest.mark.parametrize(("change", "kind"), [
    ({"address": "sftp://erp:pw@127.0.0.1/out"}, Misconfigured),
    ({"address": "sftp:///out"}, Misconfigured),
    ({"address": "ftp://127.0.0.1/out"}, Misconfigured),
    ({"address": "sftp://127.0.0.1:1/out"}, Unavailable),
    ({"secret": {"username": "erp"}}, Misconfigured),
    ({"secret": {"username": "erp", "private_key": "-----BEGIN"}}, Misconfigured),
])  # fmt: skip
def test_what_cannot_be_reached_is_told_with_its_cure(
    server: Server, change: dict[str, Any], kind: type[VaraiError]
) -> None:
    with pytest.raises(kind) as told:
        read(server.session(**change))
    assert "pw" not in str(told.value)


@pytest.mark.parametrize("key", ["", "ssh-ed25519", "ssh-ed25519 AAAA", "rot13 AAAA", "ssh-rsa !!"])
def test_without_a_key_that_can_be_pinned_nobody_is_called(server: Server, key: str) -> None:
    session = server.session()
    settings = {**session.feed.settings, "host_key": key}
    pinned = Session(
        session.feed.model_copy(update={"settings": settings}), session.base_url, session.secret, session.tokens
    )
    with pytest.raises(Misconfigured, match=r"settings\.host_key"):
        read(pinned)


def test_nothing_beside_the_folder_can_be_named_or_linked(server: Server) -> None:
    (server.folder / "secret.csv").write_text("id,title,price\n1,s,1\n")
    (server.folder / "out" / "link.csv").symlink_to(server.folder / "secret.csv")
    server.lay("own.csv", b"id,title,price\n2,o,1\n")
    assert [line["file"] for line in read(server.session())] == ["own.csv"]
    with opened(server.session()) as drop:
        for name in ("../secret.csv", "/secret.csv", "link.csv", "x/../../secret.csv", ""):
            with pytest.raises(FileNotFoundError):
                drop.open(name)


def test_a_server_that_goes_away_is_unavailable(server: Server) -> None:
    server.lay("own.csv", b"id,title,price\n2,o,1\n")
    with pytest.raises(Unavailable), opened(server.session()) as drop:
        drop._client.get_channel().get_transport().close()  # type: ignore[attr-defined]  # as when the cable is pulled
        drop.files()
