"""A tenant's keys: made on first use where secrets are files, read by name everywhere else.

Per tenant there is a sealing key (a tink AEAD keyset, which wraps the data keys of objects and of subjects) and a
pseudonym key (32 random bytes). Health has its own ring beside commerce.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import cache
from typing import Any

import tink
from tink import aead, secret_key_access, streaming_aead

from varai.kernel import Misconfigured, Scope


@cache
def tink_ready() -> None:
    """Register tink's key types, once per process."""
    aead.register()
    streaming_aead.register()


def tenant_of(scope: Scope, key: str | None = None) -> str:
    """The tenant a key of the ring belongs to: the scope's own, or the second segment of an object's key.

    Raises:
        Misconfigured: when neither names one, or when the object belongs to another tenant than the scope.
    """
    named = _second_segment(key) if key is not None else None
    if scope.tenant is None:
        if named is None:
            raise Misconfigured(
                "A tenant's key was asked for in the scope of a whole region.", "Pass a scope of one tenant."
            )
        return named
    if named is not None and named != scope.tenant:
        raise Misconfigured(
            f"The scope of tenant '{scope.tenant}' may not touch an object of tenant '{named}'.",
            "Pass the scope of its own tenant.",
        )
    return scope.tenant


def _second_segment(key: str) -> str:
    parts = key.split("/")
    if len(parts) < 3 or not parts[1]:
        raise Misconfigured(
            f"'{key}' names no tenant.", "Sealed objects have keys such as landing/<tenant>/<name>.sealed."
        )
    return parts[1]


def sealing_key(scope: Scope, tenant: str) -> Any:
    """The tenant's AEAD: `encrypt(plaintext, associated_data)` and `decrypt`. Raises Misconfigured if unreadable."""
    tink_ready()
    name = _name(scope, tenant, "seal")
    text = _kept(scope, name, _fresh_keyset)
    try:
        keyset = tink.json_proto_keyset_format.parse(text, secret_key_access.TOKEN)
        return keyset.primitive(aead.Aead)
    except tink.TinkError as error:
        raise Misconfigured(f"The secret `{name}` is not a tink keyset.", "Restore it from its backup.") from error


def pseudonym_key(scope: Scope, tenant: str) -> bytes:
    """The tenant's 32 bytes for keyed pseudonyms. Raises Misconfigured when they are unreadable."""
    name = _name(scope, tenant, "pseudonym")
    try:
        key = bytes.fromhex(_kept(scope, name, lambda: secrets.token_hex(32)))
    except ValueError as error:
        raise Misconfigured(f"The secret `{name}` is not hexadecimal.", "Restore it from its backup.") from error
    if len(key) < 32:
        raise Misconfigured(f"The secret `{name}` is shorter than 32 bytes.", "Restore it from its backup.")
    return key


def _name(scope: Scope, tenant: str, purpose: str) -> str:
    plane = "" if scope.plane == "commerce" else f"{scope.plane}-"
    return f"tenant-{tenant}-{plane}{purpose}"


def _kept(scope: Scope, name: str, fresh: Callable[[], str]) -> str:
    """The secret; made when it is absent. Of processes that make it at once, one wins and all return the winner's."""
    try:
        return scope.secrets.read(name)
    except Misconfigured as missing:
        try:
            return scope.secrets.create(name, fresh())
        except Misconfigured:
            raise missing from None  # the first sentence says what is wrong; the second only that we may not mend it


def _fresh_keyset() -> str:
    keyset = tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM)
    return "".join(str(tink.json_proto_keyset_format.serialize(keyset, secret_key_access.TOKEN)).split())
