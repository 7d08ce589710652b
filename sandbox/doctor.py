"""What this machine lacks for `make demo`, each lack with its cure.

Run by the system's own Python before there is an environment: standard library only, Python 3.8 syntax.
Reads the machine and the environment; writes nothing. Exits 1 when something is missing that stops the demo.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(__file__).resolve().parents[1]
GIB = 1024**3
WANTED_PYTHON = (3, 11)
WANTED_MEMORY_GIB = 7.0
WANTED_SHM_MIB = 64
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - where locks between processes live, not a file of ours
ENVIRONMENT_GIB = 3.0
STATE_GIB = 2.0
SMALL_LIMITS_FILES = 1024
SAMPLE_PACKAGE = "editables"  # small and in the lock: asked for to see whether packages can be had


class Finding(NamedTuple):
    """One thing looked at: `level` is ok, warn or lack; a cure stands beside the last two."""

    level: str
    what: str
    cure: str = ""


def ok(what: str) -> Finding:
    """Nothing to do."""
    return Finding("ok", what)


def installed() -> bool:
    """True when .venv was made from the lock as it is now (see .ci/setup)."""
    try:
        stamp = (REPOSITORY / ".venv" / ".lock").read_text().strip()
        return stamp == hashlib.sha256((REPOSITORY / "requirements" / "all.txt").read_bytes()).hexdigest()
    except OSError:
        return False


def look_at_platform() -> Finding:
    """Wheels of the lock are made for Linux on x86_64 with glibc."""
    here = "%s %s" % (platform.system(), platform.machine())
    if here != "Linux x86_64":
        return Finding(
            "lack",
            "This is %s; the stack runs on Linux x86_64." % here,
            "Use a Linux x86_64 machine, container or virtual machine.",
        )
    libc, version = platform.libc_ver()
    if libc != "glibc":
        return Finding(
            "lack",
            "The C library is not glibc, for which the packages are built.",
            "Use Debian, Ubuntu, Fedora or a kin of theirs instead of a musl system.",
        )
    return ok("%s, glibc %s" % (here, version))


def look_for_python() -> Finding:
    """Python 3.11 with venv and pip, under any of its usual names."""
    probe = (
        "import ensurepip, sys, venv; print('%d.%d.%d' % sys.version_info[:3]); sys.exit(sys.version_info[:2] != WANT)"
    )
    probe = probe.replace("WANT", repr(WANTED_PYTHON))
    seen = []
    for name in [os.environ.get("PYTHON", ""), "python3.11", "python3", "python"]:
        path = shutil.which(name) if name else None
        if not path:
            continue
        done = subprocess.run(
            [path, "-c", probe], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True
        )
        if done.returncode == 0:
            return ok("Python %s with venv" % done.stdout.strip())
        seen.append("%s %s" % (name, done.stdout.strip() or "without venv"))
    cure = (
        "Install it, for example `apt-get install python3.11 python3.11-venv`, "
        "or name it: `make demo PYTHON=/path/to/python3.11`."
    )
    return Finding("lack", "There is no Python 3.11 with venv (found: %s)." % (", ".join(seen) or "none"), cure)


def look_for_tools() -> Finding:
    """The shell tools that the Makefile calls."""
    missing = [name for name in ("bash", "make", "sha256sum", "awk", "find") if not shutil.which(name)]
    if missing:
        return Finding(
            "lack",
            "Missing commands: %s." % ", ".join(missing),
            "Install them, for example `apt-get install make coreutils gawk findutils`.",
        )
    return ok("make, bash and coreutils")


def look_at_memory() -> Finding:
    """Memory that is free now, within the limit of a container if there is one."""
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines() if ":" in line)
    free = int(fields["MemAvailable"].split()[0]) / 1024**2
    limit = _container_limit()
    if limit is not None:
        free = min(free, limit / GIB)
    if free < WANTED_MEMORY_GIB:
        what = "%.1f GiB of memory are available; the stack of two regions wants about %.0f." % (
            free,
            WANTED_MEMORY_GIB,
        )
        return Finding("warn", what, "Close other programs, or give the container or virtual machine more memory.")
    return ok("%.1f GiB of memory available" % free)


def _container_limit() -> float | None:
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(name).read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            return float(text)
    return None


def state_folder() -> Path:
    """$VARAI_HOME, or its default."""
    return Path(os.environ.get("VARAI_HOME") or REPOSITORY / "var")


def look_at_disk() -> Finding:
    """Room for the environment beside the repository and for the state under VARAI_HOME."""
    wants = [
        (REPOSITORY, 0.2 if installed() else ENVIRONMENT_GIB, "the environment"),
        (state_folder(), STATE_GIB, "VARAI_HOME"),
    ]
    needed: dict[int, tuple[float, list[str], Path]] = {}
    for folder, gib, name in wants:
        existing = _existing(folder)
        device = os.stat(str(existing)).st_dev
        before, names, _ = needed.get(device, (0.0, [], existing))
        needed[device] = (before + gib, [*names, name], existing)
    free_text = []
    for gib, names, existing in needed.values():
        free = shutil.disk_usage(str(existing)).free / GIB
        if free < gib:
            what = "%.1f GiB are free for %s; about %.1f are needed." % (free, " and ".join(names), gib)
            return Finding("lack", what, "Free space, or set VARAI_HOME to a folder on a larger disk.")
        free_text.append("%.1f GiB free for %s" % (free, " and ".join(names)))
    return ok("; ".join(free_text))


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return folder


def look_at_folders() -> Finding:
    """The folders we write to can be written to, and paths are short enough for Unix sockets."""
    for folder in (REPOSITORY, state_folder()):
        if not os.access(str(_existing(folder)), os.W_OK | os.X_OK):
            return Finding(
                "lack", "%s cannot be written to." % folder, "Change its owner, or set VARAI_HOME to a folder of yours."
            )
    if len(str(state_folder().absolute())) > 80:
        return Finding(
            "lack",
            "The path of VARAI_HOME is longer than 80 characters, too long for a Unix socket in it.",
            "Set VARAI_HOME to a shorter path.",
        )
    shared = os.statvfs(SHARED_MEMORY)
    if shared.f_frsize * shared.f_bavail < WANTED_SHM_MIB * 1024**2:
        return Finding(
            "warn",
            "%s has less than %d MiB free." % (SHARED_MEMORY, WANTED_SHM_MIB),
            "Start the container with a larger `--shm-size`.",
        )
    return ok("folders are writable")


def look_at_ports() -> Finding:
    """Free ports can be had on 127.0.0.1; which ones, `up` decides."""
    taken: list[socket.socket] = []
    try:
        for _ in range(16):
            listener = socket.socket()
            taken.append(listener)
            listener.bind(("127.0.0.1", 0))
    except OSError as error:
        return Finding(
            "lack",
            "No sixteen free ports on 127.0.0.1 (%s)." % error.strerror,
            "End programs that listen, or allow loopback sockets.",
        )
    finally:
        for listener in taken:
            listener.close()
    return ok("free ports on 127.0.0.1")


def look_at_limits() -> Finding:
    """Open files and threads a process may have."""
    import resource

    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files != resource.RLIM_INFINITY and files < SMALL_LIMITS_FILES:
        return Finding("warn", "A process may open only %d files." % files, "Run `ulimit -n 4096` in this shell first.")
    return ok("%s open files per process" % ("unlimited" if files == resource.RLIM_INFINITY else files))


def look_at_loopback_proxy() -> Finding:
    """A proxy must not stand between the stack and 127.0.0.1."""
    proxies = [
        name
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        if os.environ.get(name)
    ]
    if not proxies:
        return ok("no proxy variables")
    spared = {part.strip() for name in ("no_proxy", "NO_PROXY") for part in os.environ.get(name, "").split(",")}
    if "*" in spared or ("127.0.0.1" in spared and "localhost" in spared):
        return ok("a proxy is set, and spares 127.0.0.1")
    what = "%s is set and would also be asked for 127.0.0.1." % proxies[0]
    return Finding("warn", what, "Run `export NO_PROXY=127.0.0.1,localhost` first.")


def look_at_packages() -> Finding:
    """Whether pip, with its own settings and proxy, reaches an index; skipped when the environment is complete."""
    if installed():
        return ok("the environment is installed")
    python = shutil.which(os.environ.get("PYTHON") or "python3.11") or sys.executable
    command = [
        python,
        "-m",
        "pip",
        "download",
        "-q",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-input",
        "--retries",
        "1",
        "--timeout",
        "20",
    ]
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [*command, "-d", folder, SAMPLE_PACKAGE],
                check=False,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                universal_newlines=True,
                timeout=90,
            )
        except subprocess.TimeoutExpired:
            return Finding("lack", "pip got no answer from its package index within 90 seconds.", _PROXY_CURE)
    if done.returncode == 0:
        return ok("packages can be downloaded")
    if "No module named pip" in done.stderr:
        return Finding(
            "warn",
            "%s has no pip, so downloads were not tried." % python,
            "Nothing, if `make setup` succeeds: its environment brings a pip.",
        )
    for sign, what in _PIP_SIGNS:
        if sign in done.stderr:
            return Finding("lack", what, _PROXY_CURE)
    return Finding("lack", "pip cannot download packages.", _PROXY_CURE)


_PROXY_CURE = (
    "Set HTTPS_PROXY, or an index of your own in pip's configuration (`pip config list` shows it); "
    "for a private certificate, PIP_CERT."
)
_PIP_SIGNS: tuple[tuple[str, str], ...] = (
    ("ProxyError", "The proxy refuses pip's requests."),
    ("CERTIFICATE_VERIFY_FAILED", "pip does not trust the certificate of its package index."),
    ("SSLError", "pip cannot make a TLS connection to its package index."),
    ("NewConnectionError", "pip cannot reach its package index: no connection."),
    ("NameResolutionError", "pip cannot reach its package index: its name is not known here."),
    ("No matching distribution", "pip reaches an index, but it does not hold what the lock needs."),
)

LOOKS: tuple[Callable[[], Finding], ...] = (
    look_at_platform,
    look_for_python,
    look_for_tools,
    look_at_memory,
    look_at_disk,
    look_at_folders,
    look_at_ports,
    look_at_limits,
    look_at_loopback_proxy,
    look_at_packages,
)


def main() -> int:
    """Print every finding; return 1 when something is missing that stops the demo, else 0."""
    marks = {"ok": "ok  ", "warn": "warn", "lack": "LACK"}
    lacks = 0
    for look in LOOKS:
        try:
            finding = look()
        except Exception as error:  # noqa: BLE001 - a look that fails on a strange machine must not hide the others
            finding = Finding(
                "warn",
                "%s could not be looked at (%s)." % (look.__name__[8:].replace("_", " "), error),
                "Go on; the demo says what it needs.",
            )
        lacks += finding.level == "lack"
        print("  %s  %s" % (marks[finding.level], finding.what))
        if finding.cure:
            print("        cure: %s" % finding.cure)
    if lacks:
        print("This machine lacks %d thing%s for the demo." % (lacks, "" if lacks == 1 else "s"))
    return 1 if lacks else 0


if __name__ == "__main__":
    sys.exit(main())
