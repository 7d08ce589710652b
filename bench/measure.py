"""How every benchmark measures: each round of each case in a fresh process; CPU-seconds, wall seconds and peak memory out.

Cases of one comparison take turns (A B C, A B C, ...), so that a busy machine slows all of them alike; what is compared is
the ratio of medians, never an absolute time.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Case:
    """One way of doing the work.

    Attributes:
        name: how the report calls it.
        run: a function of a module (it travels to another process); its result comes back, so keep it small.
        args: its arguments.
        prepare: done before, in the same process and outside the clock (imports, loading); its result is `run`'s first argument.
        finish: done after, outside the clock too: makes of `run`'s result what travels back.
    """

    name: str
    run: Callable[..., Any]
    args: tuple[Any, ...] = ()
    prepare: Callable[..., Any] | None = None
    finish: Callable[[Any], Any] | None = None


@dataclass(slots=True)
class Measured:
    """What the rounds of one case cost.

    Attributes:
        cpu_s: user and system seconds of `run`, its ended child processes included, per round.
        process_cpu_s: the same for the whole process: start of Python, imports and `prepare` too.
        wall_s: wall seconds of `run` per round.
        peak_mb: peak resident megabytes of the process, or of its largest child where that is more, per round.
        result: what `run` gave in the last round.
    """

    name: str
    cpu_s: list[float] = field(default_factory=list)
    process_cpu_s: list[float] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)
    result: Any = None

    @property
    def cpu(self) -> float:
        """Median CPU-seconds of `run`."""
        return statistics.median(self.cpu_s)

    @property
    def process_cpu(self) -> float:
        """Median CPU-seconds of the whole process."""
        return statistics.median(self.process_cpu_s)

    @property
    def wall(self) -> float:
        """Median wall seconds of `run`."""
        return statistics.median(self.wall_s)

    @property
    def peak(self) -> float:
        """The highest peak of all rounds, megabytes."""
        return max(self.peak_mb)

    @property
    def spread(self) -> float:
        """(largest - smallest) / median of the CPU-seconds of `run`: how far the rounds disagree."""
        return (max(self.cpu_s) - min(self.cpu_s)) / self.cpu if self.cpu else 0.0


def compare(cases: Sequence[Case], rounds: int = 3) -> dict[str, Measured]:
    """Run every case `rounds` times, taking turns, each in a process of its own.

    Raises:
        RuntimeError: with the child's traceback when a case fails.
    """
    found = {case.name: Measured(case.name) for case in cases}
    for _ in range(rounds):
        for case in cases:
            _add(found[case.name], _one(case))
    return found


def table(measured: dict[str, Measured], base: str, records: int | None = None) -> str:
    """A readable table of medians; the ratio column is CPU of the row over CPU of `base`."""
    head = f"{'case':<34}{'CPU-s':>9}{'spread':>8}{'x base':>8}{'process CPU-s':>15}{'wall s':>9}{'peak MB':>9}"
    lines = [head + (f"{'us/record':>11}" if records else ""), "-" * (len(head) + (11 if records else 0))]
    for one in measured.values():
        ratio = one.cpu / measured[base].cpu if measured[base].cpu else float("nan")
        line = f"{one.name:<34}{one.cpu:>9.2f}{one.spread:>8.0%}{ratio:>8.1f}{one.process_cpu:>15.2f}{one.wall:>9.2f}{one.peak:>9.0f}"
        lines.append(line + (f"{one.cpu / records * 1e6:>11.2f}" if records else ""))
    return "\n".join(lines)


def save(name: str, measured: dict[str, Measured], folder: Path) -> Path:
    """Write the figures of every round as JSON, `<folder>/<name>.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    figures = {
        one.name: {"cpu_s": one.cpu_s, "process_cpu_s": one.process_cpu_s, "wall_s": one.wall_s, "peak_mb": one.peak_mb}
        for one in measured.values()
    }
    path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return path


def cpu_seconds() -> float:
    """User and system seconds of this process and of its children that have ended."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def peak_megabytes() -> float:
    """Peak resident megabytes of this process, or of its largest child where that is more."""
    # ru_maxrss of a spawned process starts at its parent's peak; VmHWM is its own.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    own = int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1])
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def _add(measured: Measured, round_: dict[str, Any]) -> None:
    measured.cpu_s.append(round_["cpu"])
    measured.process_cpu_s.append(round_["process_cpu"])
    measured.wall_s.append(round_["wall"])
    measured.peak_mb.append(round_["peak"])
    measured.result = round_["result"]


def _one(case: Case) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(case, theirs))
    process.start()
    theirs.close()
    try:
        answer: dict[str, Any] = mine.recv()
    except EOFError:
        answer = {"error": "the process ended without an answer, perhaps for want of memory"}
    process.join()
    if "error" in answer:
        raise RuntimeError(f"The case '{case.name}' failed: {answer['error']}")
    return answer


def _child(case: Case, out: Connection) -> None:
    try:
        prepared: tuple[Any, ...] = () if case.prepare is None else (case.prepare(*case.args),)
        cpu, wall = cpu_seconds(), time.perf_counter()
        result = case.run(*prepared, *case.args)
        answer = {"cpu": cpu_seconds() - cpu, "wall": time.perf_counter() - wall}
        answer |= {"process_cpu": cpu_seconds(), "peak": peak_megabytes()}
        out.send({**answer, "result": result if case.finish is None else case.finish(result)})
    except BaseException:  # noqa: BLE001 - the parent raises it, with this traceback
        out.send({"error": traceback.format_exc()})
        sys.exit(1)
