"""A feed's secret as the texts it holds: JSON in, the keys that a connector asks for out; the secret itself is in no error."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from varai.kernel import Misconfigured
from varai.sources.contract import Session
from varai.sources.decoding import decode


def read_secret(session: Session, fields: Sequence[Sequence[str]]) -> dict[str, str]:
    """The secret's JSON.

    Args:
        session: whose secret it is.
        fields: sets of keys, one of which must be complete.

    Raises Misconfigured, naming the secret and the keys it may have.
    """
    name = session.feed.secret
    cure = f"Write JSON with the keys {' or '.join(' + '.join(keys) for keys in fields)} into `{name}`."
    try:
        secret = decode(session.secret(), dict[str, str])
    except msgspec.DecodeError:
        # Not chained: the decoder's error may quote what it could not read.
        raise Misconfigured(f"The secret `{name}` of {session.feed.key} is not a JSON object of texts.", cure) from None
    if not any(set(keys) <= secret.keys() for keys in fields):
        raise Misconfigured(f"The secret `{name}` of feed {session.feed.key} lacks keys.", cure)
    return secret
