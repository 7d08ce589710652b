"""Document what the gate judged: Great Expectations judges the evidence again, writes Data Docs, and any difference is an alarm."""

from __future__ import annotations

from pathlib import Path

from varai.kernel import Unbalanced
from varai.registry import holding
from varai.river.context import documents_lease
from varai.settings import Settings


def data_docs(settings: Settings, region: str) -> Path:
    """Folder of the region's Data Docs."""
    return settings.home.resolve() / "docs" / region / "data-docs"


def document_region(settings: Settings, region: str, *, holder: str, patience_s: float = 0.0) -> str:
    """Judge all evidence that waits in the region with Great Expectations; returns the path of the Data Docs.

    One run at a time does so: graphs of several connectors end at once, and each would judge the same evidence and remove it.

    Args:
        patience_s: how long to wait while another run does.

    Raises:
        LeaseHeld: another run does so still.
        Unbalanced: the two judges disagree on a row; its batch is put aside under doubted/ for a person to look at.
    """
    scope, site = settings.scope(region), data_docs(settings, region)
    with holding(scope, documents_lease(region), holder, patience_s):
        from varai.gate.document import document  # imports Great Expectations: seconds and hundreds of megabytes

        report = document(scope, None, settings.expectations, site)
    if not report.agreed:
        rows = ", ".join(f"{one.tenant}/{one.entity}/{one.source_id}" for one in report.differences[:5])
        raise Unbalanced(
            f"The compiled gate and Great Expectations disagree on {len(report.differences)} rows: {rows}.",
            "Their batches are under doubted/ in the region's bucket; correct the suite or the compiler, then remap the feed.",
        )
    return str(report.index or site / "index.html")
