"""A folder of the retailer's own, read by SFTP: the server is known by a key that the feed's settings pin, and never by its name alone.

Read in large steps with several requests under way, so that distance does not matter and memory stays flat.
"""

from __future__ import annotations

import base64
import io
import socket
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Final, cast
from urllib.parse import unquote, urlsplit

import paramiko

from varai.kernel import Malformed, Misconfigured, Unauthorised, Unavailable
from varai.sources.contract import Drop, DroppedFile, Session
from varai.sources.credentials import read_secret

_PATIENCE_S: Final = 60.0
_DEEPEST: Final = 3
"""Folders within the feed's folder that are looked into, one within the other."""
_MOST_FILES: Final = 100_000
_REQUEST: Final = 2**15
"""Bytes that a server need answer at once (draft-ietf-secsh-filexfer-02, 3)."""
_REQUESTS: Final = 32
_RSA: Final = ("rsa-sha2-512", "rsa-sha2-256")
"""How a key of the type ssh-rsa signs today (RFC 8332)."""


@contextmanager
def sftp(session: Session, fields: Sequence[Sequence[str]]) -> Iterator[Drop]:
    """The folder that the feed's base_url names, for as long as the block lasts.

    Raises:
        Misconfigured: the address, the pinned key or the secret is none.
        Unauthorised: the server shows another key, or refuses the user.
        Unavailable: it does not answer.
    """
    address = urlsplit(session.base_url)
    if not address.hostname or address.username or address.password:
        raise Misconfigured(
            f"Feed {session.feed.key} has a base_url that names no server, or a user.",
            "Write `sftp://host:port/folder`; user and password or key belong into the feed's secret.",
        )
    pinned = _pinned(session)
    secret = read_secret(session, fields)
    try:
        connection = socket.create_connection((address.hostname, address.port or 22), timeout=_PATIENCE_S)
        with closing(paramiko.Transport(connection)) as transport:
            _greet(transport, pinned)
            _sign_in(transport, secret, session.feed.secret)
            client = paramiko.SFTPClient.from_transport(transport)
            if client is None:
                raise Unavailable("The SFTP server opens no channel.")
            client.get_channel().settimeout(_PATIENCE_S)
            yield _Folder(client, PurePosixPath(unquote(address.path) or "/"))
    except FileNotFoundError:
        raise
    except PermissionError as error:
        raise Unauthorised("The SFTP server does not let the feed's user read what lies there.") from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise Unavailable(
            f"The SFTP server of feed {session.feed.key} does not answer ({type(error).__name__})."
        ) from error


def _pinned(session: Session) -> paramiko.PKey:
    kind, text, *_ = [*str(session.feed.settings.get("host_key", "")).split(), "", ""]
    try:
        return paramiko.PKey.from_type_string(kind, base64.b64decode(text, validate=True))
    except (paramiko.SSHException, paramiko.UnknownKeyType, ValueError, IndexError) as error:
        raise Misconfigured(
            f"Feed {session.feed.key}: settings.host_key is no public key of a server.",
            "Write it as `ssh-keyscan host` shows it, after having compared it with the one the retailer gave: `ssh-ed25519 AAAA...`.",
        ) from error


def _greet(transport: paramiko.Transport, pinned: paramiko.PKey) -> None:
    """Agree on keys, and see that the server is the one that was pinned, before it is told anything."""
    name = pinned.get_name()
    transport.get_security_options().key_types = _RSA if name == "ssh-rsa" else (name,)
    other = Unauthorised(
        "The SFTP server shows another key than the one that was pinned.",
        "Ask the retailer whether it was changed; if so, pin the new one in settings.host_key, else trust nothing that it says.",
    )
    try:
        transport.start_client(timeout=_PATIENCE_S)
    except paramiko.ssh_exception.IncompatiblePeer as error:
        raise other from error
    if transport.get_remote_server_key().asbytes() != pinned.asbytes():
        raise other


def _sign_in(transport: paramiko.Transport, secret: dict[str, str], name: str) -> None:
    try:
        if "private_key" in secret:
            transport.auth_publickey(secret["username"], _key(secret, name))
        else:
            transport.auth_password(secret["username"], secret["password"])
    except paramiko.AuthenticationException:
        # Not chained: what a server says may quote the user.
        raise Unauthorised("The SFTP server refuses the feed's user.", f"Renew the secret `{name}`.") from None


def _key(secret: dict[str, str], name: str) -> paramiko.PKey:
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(secret["private_key"]), secret.get("passphrase"))
        except (paramiko.SSHException, ValueError):
            continue
    raise Misconfigured(
        f"The private key in the secret `{name}` cannot be read.",
        "Write an Ed25519, ECDSA or RSA key, with its `passphrase` beside it.",
    ) from None


class _Folder:
    """See `varai.sources.contract.Drop`."""

    def __init__(self, client: paramiko.SFTPClient, root: PurePosixPath) -> None:
        self._client, self._root = client, root

    def files(self) -> list[DroppedFile]:
        """Files below the folder, links left out: they may lead anywhere."""
        found = sorted(self._below(PurePosixPath(), _DEEPEST))
        if len(found) > _MOST_FILES:
            raise Malformed(f"The folder holds {len(found)} files.", "Have the retailer take away what is old.")
        return found

    def _below(self, folder: PurePosixPath, deep: int) -> Iterator[DroppedFile]:
        for one in self._client.listdir_attr(str(self._root / folder)):
            name, mode = folder / one.filename, one.st_mode or 0
            if "/" in one.filename or one.filename in (".", "..") or one.filename.startswith("."):
                continue
            if stat.S_ISREG(mode):
                yield _dropped(str(name), one)
            elif stat.S_ISDIR(mode) and deep > 1:
                yield from self._below(name, deep - 1)

    def stat(self, name: str) -> DroppedFile | None:
        """One file as it is now."""
        try:
            found = self._client.lstat(self._path(name))
        except FileNotFoundError:
            return None
        return _dropped(name, found) if stat.S_ISREG(found.st_mode or 0) else None

    def open(self, name: str) -> BinaryIO:
        """A file, read ahead."""
        found = self.stat(name)
        if found is None:
            raise FileNotFoundError(name)
        return cast(
            "BinaryIO", io.BufferedReader(_Ahead(self._client.open(self._path(name), "rb"), found.size), _REQUEST)
        )

    def _path(self, name: str) -> str:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise FileNotFoundError(name)
        return str(self._root / path)


def _dropped(name: str, found: Any) -> DroppedFile:
    return DroppedFile(name, int(found.st_size or 0), datetime.fromtimestamp(int(found.st_mtime or 0), UTC))


class _Ahead(io.RawIOBase):
    """A remote file, fetched _REQUESTS requests at a time."""

    def __init__(self, file: Any, size: int) -> None:
        self._file, self._size = file, size
        self._at, self._start, self._held = 0, 0, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        if not self._start <= self._at < self._start + len(self._held):
            self._fetch()
        some = self._held[self._at - self._start :][: len(buffer)]
        buffer[: len(some)] = some
        self._at += len(some)
        return len(some)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()

    def _fetch(self) -> None:
        ends = range(self._at, min(self._size, self._at + _REQUEST * _REQUESTS), _REQUEST)
        asked = [(start, min(_REQUEST, self._size - start)) for start in ends]
        self._start, self._held = self._at, b"".join(self._file.readv(asked)) if asked else b""
