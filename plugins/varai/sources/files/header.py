"""The names of columns as a header has them: checked, and made to differ from each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from varai.kernel import Malformed
from varai.sources.files.declared import Declared


def named(names: Sequence[str], file: str, declared: Declared) -> tuple[str, ...]:
    """The columns. One without a name, or with one that another has, is kept under its place.

    Raises Malformed where there is no name, where a column that is used stands twice, or where one lacks.
    """
    if not any(names):
        raise Malformed(f"The header of {file} names no column.", "Write `header` into the feed's settings.")
    twice = {name for name, count in Counter(names).items() if count > 1 and name}
    if found := sorted(twice & declared.names):
        raise Malformed(f"{file} has the columns {', '.join(found)} twice.", "Have each named once.")
    insist_on(declared.names - set(names), file)
    return tuple(f"column {at}" if not name or name in twice else name for at, name in enumerate(names, 1))


def insist_on(lacking: Collection[str], file: str) -> None:
    """Raise Malformed where a file lacks columns that the feed uses: every row of it would be wrong in the same way."""
    if lacking:
        raise Malformed(
            f"{file} lacks the columns {', '.join(sorted(lacking))}.",
            "Correct the feed's settings, or have the file written as declared.",
        )
