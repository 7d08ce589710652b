"""The stack's stores as its processes see them."""

from __future__ import annotations

from sandbox.stack.layout import Layout
from varai.kernel import Scope
from varai.settings import Settings


def settings_of(layout: Layout) -> Settings:
    """Settings as the stack's processes see them."""
    return Settings(home=layout.home, config=layout.config, _env_file=layout.home / "settings.env")


def scopes(layout: Layout) -> dict[str, Scope]:
    """The scope of each region."""
    settings = settings_of(layout)
    return {region: settings.scope(region) for region in layout.regions}
