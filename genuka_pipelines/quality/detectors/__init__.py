"""What must not be in a column, found by row and kind, and never quoted.

A promise such as "no card is ever stored" is worth what looks for its breach, in every text,
document and file name; what looks must not become a second copy of what it finds.
"""

from __future__ import annotations

from genuka_pipelines.quality.detectors.batch import UnreadableBatch, find
from genuka_pipelines.quality.detectors.detector import Batch, Detector, Finding, Form
from genuka_pipelines.quality.detectors.gate import Dialect, UnknownDialect, UnportableGate
from genuka_pipelines.quality.detectors.registry import FAMILIES, UnknownDetector, detectors, prefilter

__all__ = [
    "FAMILIES",
    "Batch",
    "Detector",
    "Dialect",
    "Finding",
    "Form",
    "UnknownDetector",
    "UnknownDialect",
    "UnportableGate",
    "UnreadableBatch",
    "detectors",
    "find",
    "prefilter",
]
