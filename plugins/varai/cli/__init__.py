"""The `varai` command line: it calls the river's verbs and prints what they say; it never re-tells them."""

from varai.cli.app import app

__all__ = ["app"]
