"""What a person who asks for their data is handed: readable by people and by machines, and nobody else's.

GDPR articles 15 and 20. A package that leaves a table out is a wrong answer; one with another person's row is a breach.
"""

from __future__ import annotations

from genuka_pipelines.requests.package.choosing import Choice, choose
from genuka_pipelines.requests.package.fetching import Fetched, fetch
from genuka_pipelines.requests.package.handing import hand_over
from genuka_pipelines.requests.package.making import Limits, Made, make

__all__ = ["Choice", "Fetched", "Limits", "Made", "choose", "fetch", "hand_over", "make"]
