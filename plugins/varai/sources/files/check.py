"""What a feed's folder holds and whether its declarations can work, before a first run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from varai.kernel import Malformed
from varai.sources.contract import DroppedFile, FeedReport, Session, StreamSpec
from varai.sources.files.arrivals import instant_of, settled
from varai.sources.files.declared import Declared, declared, shop_record
from varai.sources.files.opening import BUCKET, opened
from varai.sources.files.streams import SHOP


def check(session: Session, specs: Iterable[StreamSpec]) -> FeedReport:
    """Look into the folder; raises typed errors when it cannot be opened or a declaration is wrong."""
    feed = session.feed
    shop_record(feed)
    streams = [(spec.name, declared(feed, spec.name)) for spec in specs if spec.name != SHOP]
    with opened(session) as drop:
        files = drop.files()
    problems, instants = [], list[datetime]()
    for name, found in streams:
        ready = settled(files, found, session.clock())
        if not ready:
            problems.append(f"No file of {name} is ready: none is named {found.files}{_but(found)}.")
        problems += _undated(ready, found)
        instants += [] if problems else [instant_of(file, found) for file in ready]
    if feed.overlap_s:
        problems.append(
            f"overlap_s is {feed.overlap_s}: each file would be read twice. Write overlap_s = 0 into the feed."
        )
    return FeedReport(
        scopes_granted=tuple(name for name, _ in streams),
        scopes_missing=(),
        history_from=min(instants, default=None),
        api_version="a folder of the bucket" if session.base_url == BUCKET else "SFTP",
        rate_tier=f"{len(files)} files",
        clock_skew_s=0.0,
        problems=problems,
    )


def _but(found: Declared) -> str:
    if found.done:
        return f" and has a file of its name with {found.done} beside it"
    return f" and has been left untouched for {found.settle_s} s"


def _undated(files: Iterable[DroppedFile], found: Declared) -> list[str]:
    sentences = []
    for file in files:
        try:
            instant_of(file, found)
        except Malformed as error:
            sentences.append(str(error))
    return sentences
