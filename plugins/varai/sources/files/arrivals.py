"""Which files a read is to take: those whole by now, each in the window in which it was first met, whatever its date says.

A file that was moved or fetched keeps the date it was written at, so dates cannot tell what is new. The stream's notes can: a file, as
it lies there (name, size and date), is noted once, with an instant in the window that was read then. A window that is read again takes
the same files, and no other window does. Notes are written before the first row is read, and say nothing of whether it settled.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import structlog

from varai.kernel import Gone, Malformed, Window
from varai.sources.contract import DroppedFile, Notes
from varai.sources.files.declared import Declared

log = structlog.get_logger(__name__)

_DATED: Final = {
    "%Y": r"\d{4}",
    "%y": r"\d{2}",
    "%m": r"\d{2}",
    "%d": r"\d{2}",
    "%j": r"\d{3}",
    "%H": r"\d{2}",
    "%M": r"\d{2}",
    "%S": r"\d{2}",
}


class Arrival(NamedTuple):
    """A file, what instant it tells of, and when it was first met."""

    file: DroppedFile
    at: datetime
    met: datetime


def settled(files: Iterable[DroppedFile], declared: Declared, now: datetime) -> list[DroppedFile]:
    """Files of the stream that nobody is writing any more: marked as done, or untouched for as long as was declared."""
    there = {file.name: file for file in files}
    quiet = now - timedelta(seconds=declared.settle_s)
    return [
        file
        for name, file in sorted(there.items())
        if fnmatch.fnmatchcase(name, declared.files)
        and not (declared.done and name.endswith(declared.done))
        and (name + declared.done in there if declared.done else file.modified_at <= quiet)
    ]


def instant_of(file: DroppedFile, declared: Declared) -> datetime:
    """What instant a file tells of: as its name says, where that was declared, else when it was written. Raises Malformed."""
    if declared.dated is None:
        return file.modified_at
    pattern = re.sub(
        r"%[YymdjHMS]", lambda found: f"({_DATED[found[0]]})", re.escape(declared.dated).replace("\\%", "%")
    )
    found = re.search(pattern, file.name)
    letters = " ".join(re.findall(r"%[YymdjHMS]", declared.dated))
    try:
        if found is not None:
            return datetime.strptime(" ".join(found.groups()), letters).replace(tzinfo=UTC)
    except ValueError:
        pass
    raise Malformed(
        f"The name of {file.name} does not say its date as {declared.dated} does.",
        "Correct `dated` in the feed's settings, or take the file away.",
    )


def arrivals(
    files: Iterable[DroppedFile], declared: Declared, window: Window, now: datetime, notes: Notes | None
) -> list[Arrival]:
    """The files to read for a window, oldest first; of files that are each the whole state, at most the newest there ever was.

    What is met for the first time belongs to this window, and is noted; what was, and was taken away before it settled, is forgotten.

    Raises:
        Gone: everything is to be read, and something that was read once lies here no more: what it held would be found gone.
        Malformed: a name does not say its date.
    """
    met = window.end - timedelta(microseconds=1)
    here = {file.name: Arrival(file, instant_of(file, declared), met) for file in settled(files, declared, now)}
    known, version = notes.get() if notes else (None, None)
    before = {name: _arrival(name, note) for name, note in (known or {}).get("files", {}).items()}
    noted = {name: one for name, one in before.items() if name in here or one.met != met}
    if withdrawn := sorted(before.keys() - noted.keys()):
        log.warning("files.withdrawn", files=withdrawn)
    noted |= {name: one for name, one in here.items() if name not in noted or noted[name].file != one.file}
    if noted != before and notes is not None:
        notes.swap({"files": {name: _note(one) for name, one in noted.items()}}, version)
    ours = [one for name, one in noted.items() if name in here or fnmatch.fnmatchcase(name, declared.files)]
    ours.sort(key=lambda one: (one.at, one.file.name))
    wanted = ours[-1:] if declared.kind == "full" else ours
    if window.start is None:
        _insist_on_all(wanted, here)
    since = window.start or datetime.min.replace(tzinfo=UTC)
    return [one for one in wanted if since <= one.met < window.end and one.file.name in here]


def _insist_on_all(wanted: Iterable[Arrival], here: Collection[str]) -> None:
    if missing := [one.file.name for one in wanted if one.file.name not in here]:
        raise Gone(
            f"Everything is to be read, and {', '.join(missing[:5])} ({len(missing)} in all) no longer lies in the feed's folder.",
            "Deliver it again, or read from a later day on.",
        )


def _note(one: Arrival) -> dict[str, Any]:
    written = {"size": one.file.size, "modified_at": one.file.modified_at.isoformat()}
    return {**written, "at": one.at.isoformat(), "met": one.met.isoformat()}


def _arrival(name: str, note: dict[str, Any]) -> Arrival:
    file = DroppedFile(name, note["size"], datetime.fromisoformat(note["modified_at"]))
    return Arrival(file, datetime.fromisoformat(note["at"]), datetime.fromisoformat(note["met"]))
