"""Special categories of data in free text, French and English: one YAML file a family of rules.

Nobody asks an applicant for their religion; they write it in the letter. What the policy promises
never to hold must be looked for where people put it of themselves.
"""

from __future__ import annotations

from genuka_pipelines.quality.detectors.detector import Detector
from genuka_pipelines.quality.detectors.special.rules import load

FAMILIES = ("origin", "politics", "belief", "union", "sex_life", "health")


def special() -> tuple[Detector, ...]:
    """Every detector of special categories, health too (which is not `by_default`)."""
    return tuple(detector for family in FAMILIES for detector in load(family))
