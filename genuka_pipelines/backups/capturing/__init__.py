"""One night: every database read once, each row to its owner, and each owner's backup committed by its manifest.

What could not be read in full leaves no manifest: a backup that looks complete and is not is worse than none.
"""

from __future__ import annotations

from genuka_pipelines.backups.capturing.night import Captured, capture

__all__ = ["Captured", "capture"]
