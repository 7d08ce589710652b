"""The parameter `feed`: in goes a connection's name, out comes a problem where the tenant has none of that name."""

from __future__ import annotations

from collections.abc import Collection

from serving.problems import Problem
from varai.kernel import Scope
from varai.registry import feeds


def refuse_unknown(scope: Scope, feed: str | None, stored: Collection[str] = (), where: str = "query.feed") -> None:
    """Raise Problem (422) for a connection nobody knows: no rows would look like no sales, or an empty shop.

    Args:
        scope: of the tenant.
        feed: the name that was asked for; None asks for all.
        where: the place of the name in the request.
        stored: names that what is asked for has rows of, whether they are configured still or not.
    """
    if feed is None or feed in stored:
        return
    known = {one.name for one in feeds(scope)}.union(stored)
    if feed not in known:
        what = f"there is no such connection, known: {', '.join(sorted(known)) or 'none'}"
        raise Problem("invalid", "`feed` names no connection.", errors=[{"where": where, "what": what}])
