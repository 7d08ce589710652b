"""The library of VARAi Commerce Studio: source -> landing -> canonical -> gate -> catalogue + warehouse -> marts."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("varai")
except PackageNotFoundError:  # imported from a source tree that was never installed
    __version__ = "0.0.0"
