"""The folder a feed names: `bucket:` is its own in the region's bucket, `sftp://host/folder` one of the retailer's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from varai.kernel import Misconfigured
from varai.sources.contract import Drop, Session

BUCKET: Final = "bucket:"
SECRET_FIELDS: Final = (("username", "password"), ("username", "private_key"))
"""Of SFTP; the bucket is read with the platform's own rights."""


@contextmanager
def opened(session: Session) -> Iterator[Drop]:
    """The folder, for as long as the block lasts. Raises Misconfigured, and what SFTP raises."""
    address = session.base_url
    if address == BUCKET:
        if session.drop is None:
            raise Misconfigured(
                f"Feed {session.feed.key} reads a bucket, and none is at hand.", "Read it by the river."
            )
        yield session.drop
    elif address.startswith("sftp://"):
        from varai.sources.files.sftp import sftp  # its library is not needed for a bucket

        with sftp(session, SECRET_FIELDS) as drop:
            yield drop
    else:
        raise Misconfigured(
            f"Feed {session.feed.key} has a base_url that is no folder of files.",
            f"Write `{BUCKET}` or `sftp://host/folder`.",
        )
