"""What comes of a cell: its mark, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

CONVERGED: Final = "converged"
STOPPED: Final = "stopped"
LOST: Final = "SILENT LOSS"
CRASHED: Final = "CRASH"
STUCK: Final = "STUCK"
IDLE: Final = "IDLE"
SENSELESS: Final = "senseless"
GREEN: Final = frozenset({CONVERGED, STOPPED, SENSELESS})


@dataclass
class Result:
    """What came of a cell.

    Attributes:
        mark: one of the above. `stopped` is a run that stopped and whose successor converged; STUCK one whose successor stopped too;
            IDLE a fault that never struck, which proves nothing.
        why: sentences.
    """

    vendor: str
    column: str
    mark: str
    why: list[str] = field(default_factory=list)
    seconds: float = 0.0
