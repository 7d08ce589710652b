"""One at a time changes which bundle of a tenant's model is served: training, erasure or an operator. A model in, its turn out.

MLflow compares nothing before it writes, so history, hold and alias are read and written within a turn.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from varai.kernel import Scope
from varai.learning.registered import registered_name
from varai.registry import check, holding, this_process

PATIENCE_S: Final = 60.0
"""Outlasts what others do within a turn: register a version, or clean some bundles."""


@contextmanager
def turn(scope: Scope, model: str, who: str) -> Iterator[Callable[[], None]]:
    """Hold the lease of a tenant's model. Gives what raises Conflict once the lease was lost: ask it before moving a champion.

    Raises:
        LeaseHeld: somebody else has it, and had it all the while. Misconfigured: for the scope of a region.
    """
    holder = f"{who} {secrets.token_hex(4)} {this_process()}"
    with holding(scope, f"model:{registered_name(scope, model)}", holder, PATIENCE_S) as lease:
        yield lambda: check(scope, lease.name, lease.token)
