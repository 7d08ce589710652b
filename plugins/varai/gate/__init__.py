"""SKU-Genie: suites in Great Expectations' vocabulary, compiled to one SQL pass; rows in, verdicts, scores and quarantine out.

Great Expectations itself is imported by `varai.gate.document` alone, which nothing here imports.
"""

from varai.gate.compile import judge
from varai.gate.score import score
from varai.gate.suite import Derived, Meta, Rule, Suite, load_suite, load_suites

__all__ = ["Derived", "Meta", "Rule", "Suite", "judge", "load_suite", "load_suites", "score"]
