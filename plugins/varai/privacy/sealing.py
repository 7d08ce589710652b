"""Objects sealed as a stream: compressed plaintext in, an object out that only its tenant's key opens, and back.

Layout of a sealed object (integers big-endian):

    6 bytes   magic, b"VASEAL"
    1 byte    version, 1
    2 bytes   n, length of the wrapped data keyset
    n bytes   data keyset (tink), encrypted by the tenant's AEAD; associated data: magic, version, object key
    the rest  tink streaming AEAD, AES256-GCM-HKDF in segments of 64 KiB; associated data: magic and version

Each object has a data key of its own, and that key is bound to the object's key: an object put in another tenant's or
another name's place does not open. Renaming is therefore `move_object`, which wraps the data key anew.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import tink
from tink import streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, tink_pb2

from varai.kernel import Malformed, Scope
from varai.privacy.keys import sealing_key, tenant_of, tink_ready
from varai.stores import objects

SEALED = ".sealed"
_MAGIC = b"VASEAL"
_VERSION = b"\x01"
_STREAM_DATA = _MAGIC + _VERSION
_SEGMENT = 2**16
"""Each open object holds several segments in memory; smaller ones cost more calls."""
_CHUNK = 2**17


def _data_key_template() -> tink_pb2.KeyTemplate:
    """Tink's AES256_GCM_HKDF_1MB with smaller segments; tink offers 1 MiB and 4 KiB ready-made."""
    template = tink_pb2.KeyTemplate()
    template.CopyFrom(streaming_aead.streaming_aead_key_templates.AES256_GCM_HKDF_1MB)
    form = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKeyFormat.FromString(template.value)
    form.params.ciphertext_segment_size = _SEGMENT
    template.value = form.SerializeToString()
    return template


@contextmanager
def create_object(scope: Scope, key: str) -> Iterator[BinaryIO]:
    """A stream to write to; the object appears whole at exit and not at all after an error.

    Keys ending `.sealed` are sealed; others are written as they are. A sealed stream can be written only. Compress
    before writing: ciphertext does not shrink.

    Raises:
        DiskFull: no space is left.
        Misconfigured: the tenant's key cannot be read, or the object belongs to another tenant than the scope.
    """
    if not key.endswith(SEALED):
        with objects(scope).create(key) as file:
            yield file
        return
    wrapping = sealing_key(scope, tenant_of(scope, key))
    keyset = tink.new_keyset_handle(_data_key_template())
    with objects(scope).create(key) as file:
        file.write(_header(tink.proto_keyset_format.serialize_encrypted(keyset, wrapping, _bound(key))))
        target = _Target(file)
        stream = keyset.primitive(streaming_aead.StreamingAead).new_encrypting_stream(target, _STREAM_DATA)
        try:
            yield stream
            stream.close()
        except BaseException as error:
            target.drop()
            with contextlib.suppress(Exception):
                stream.close()
            if target.failure is not None:
                raise target.failure from error  # tink hides the full disk behind an error of its own
            raise


def open_object(scope: Scope, key: str) -> BinaryIO:
    """A stream over the object's plaintext, to be closed by the caller. Keys ending `.sealed` are opened.

    Raises:
        FileNotFoundError: there is no such object.
        Malformed: now or at a later read: the object was altered, cut or moved here from another key. Only segments
            of 1 MiB that were authenticated are given out: what was read before the error is genuine but not whole.
        Misconfigured: the tenant's key cannot be read, or the object belongs to another tenant than the scope.
    """
    if not key.endswith(SEALED):
        return objects(scope).open(key)
    wrapping = sealing_key(scope, tenant_of(scope, key))
    file = objects(scope).open(key)
    try:
        keyset = _unwrap(_read_header(file, key), wrapping, key)
        stream = keyset.primitive(streaming_aead.StreamingAead).new_decrypting_stream(file, _STREAM_DATA)
    except BaseException:
        file.close()
        raise
    return cast(BinaryIO, io.BufferedReader(_Opened(stream, key), _CHUNK))


def move_object(scope: Scope, key: str, to: str) -> None:
    """Rename an object, replacing what was at `to`. A sealed one's data key is wrapped anew, its ciphertext copied.

    Both keys end `.sealed`, or neither does. A crash leaves the object at `key`, or at both, never at neither.

    Raises:
        FileNotFoundError, Malformed, Misconfigured, DiskFull: as reading and creating do.
    """
    store = objects(scope)
    if key.endswith(SEALED) != to.endswith(SEALED):
        raise Malformed(
            f"'{key}' cannot become '{to}': one is sealed and the other is not.", "Rewrite it instead of renaming it."
        )
    if not key.endswith(SEALED):
        store.move(key, to)
        return
    opening, closing = sealing_key(scope, tenant_of(scope, key)), sealing_key(scope, tenant_of(scope, to))
    with store.open(key) as source, store.create(to) as target:
        keyset = _unwrap(_read_header(source, key), opening, key)
        target.write(_header(tink.proto_keyset_format.serialize_encrypted(keyset, closing, _bound(to))))
        shutil.copyfileobj(source, target, _CHUNK)
    store.delete(key)


def seal_bytes(scope: Scope, name: str, data: bytes) -> bytes:
    """Seal a small value under the key of the scope's tenant, bound to `name`. Raises Misconfigured."""
    return bytes(sealing_key(scope, tenant_of(scope)).encrypt(data, name.encode()))


def unseal_bytes(scope: Scope, name: str, sealed: bytes) -> bytes:
    """Open what `seal_bytes` sealed under the same name. Raises Malformed for anything else, Misconfigured."""
    try:
        return bytes(sealing_key(scope, tenant_of(scope)).decrypt(sealed, name.encode()))
    except tink.TinkError as error:
        raise Malformed(
            f"The sealed value '{name}' does not open with its tenant's key.", "Restore it from its backup."
        ) from error


def _bound(key: str) -> bytes:
    return _MAGIC + _VERSION + key.encode()


def _header(wrapped: bytes) -> bytes:
    return _MAGIC + _VERSION + len(wrapped).to_bytes(2, "big") + wrapped


def _read_header(file: BinaryIO, key: str) -> bytes:
    start = file.read(9)
    if len(start) < 9 or start[:6] != _MAGIC:
        raise Malformed(
            f"'{key}' is not a sealed object, or its beginning is lost.", "Restore it, or land its window again."
        )
    if start[6:7] != _VERSION:
        raise Malformed(
            f"'{key}' is sealed in version {start[6]}, which this release cannot open.",
            "Use the release that wrote it.",
        )
    length = int.from_bytes(start[7:9], "big")
    wrapped = file.read(length)
    if len(wrapped) < length:
        raise Malformed(f"'{key}' is cut within its header.", "Restore it, or land its window again.")
    return wrapped


def _unwrap(wrapped: bytes, wrapping: Any, key: str) -> Any:
    tink_ready()
    try:
        return tink.proto_keyset_format.parse_encrypted(wrapped, wrapping, _bound(key))
    except tink.TinkError as error:
        raise Malformed(
            f"'{key}' does not open with its tenant's key: it was altered, or moved here from another key.",
            "Restore it, or land its window again.",
        ) from error


class _Target(io.RawIOBase):
    """What tink writes to: keeps the first error of the file below, and after `drop` swallows what tink still sends."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file: BinaryIO | None = file
        self.failure: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self._file is not None and self.failure is None:
            try:
                self._file.write(data)
            except OSError as error:
                self.failure = error
                raise
        return len(data)

    def drop(self) -> None:
        self._file = None

    def close(self) -> None:
        """Leave the file open: the object store closes and syncs it."""


class _Opened(io.RawIOBase):
    """Plaintext of a sealed object; turns tink's errors into sentences."""

    def __init__(self, stream: BinaryIO, key: str) -> None:
        super().__init__()
        self._stream, self._key = stream, key

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read(len(buffer))
        except tink.TinkError as error:
            raise Malformed(f"'{self._key}' is cut or was altered.", "Restore it, or land its window again.") from error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
