"""A seeded, deterministic world of eyewear retailers, written as simulated shops with a ledger of planted defects."""

from sandbox.world.build import build
from sandbox.world.spec import ANCHOR, DEFECTS, DefectRates, WorldSpec
from sandbox.world.truth import Planted, Truth, load_truth, truth_path

__all__ = ["ANCHOR", "DEFECTS", "DefectRates", "Planted", "Truth", "WorldSpec", "build", "load_truth", "truth_path"]
