"""Shapes that several threads meet for the first time at once."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = '''
import sys, threading, types
import msgspec
from varai.sources.decoding import decode

SHAPES = """
class Page(msgspec.Struct, rename="camel"):
    next: "str | None" = None
class Owner(msgspec.Struct, rename="camel"):
    page: "Page | None" = None
    pages: "list[Page]" = []
class Data(msgspec.Struct):
    owner: "Owner | None" = None
"""
sys.setswitchinterval(1e-6)
for number in range(100):
    module = sys.modules["shapes"] = types.ModuleType("shapes")
    module.msgspec = msgspec
    exec(SHAPES, module.__dict__)
    together, found = threading.Barrier(3), []

    def read():
        together.wait()
        found.append(decode(b'{"owner":{"page":{"next":"a"},"pages":[{"next":"b"}]}}', module.Data).owner.pages[0].next)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == ["b"] * 3, found
'''


def test_threads_learn_a_shape_at_once() -> None:
    """In a process of its own: what this guards against kills it, or hangs it."""
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
