"""Configuration is read here and nowhere else: facts from config/*.toml, addresses from the environment, secrets by name."""

from varai.settings.secrets import FolderSecrets, GoogleSecrets
from varai.settings.seeds import Seed, load_seeds
from varai.settings.settings import RegionStores, Settings, load

__all__ = ["FolderSecrets", "GoogleSecrets", "RegionStores", "Seed", "Settings", "load", "load_seeds"]
