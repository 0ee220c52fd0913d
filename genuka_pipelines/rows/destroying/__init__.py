"""The one destroyer: deletes or anonymises the rows of a selection, and leaves evidence of each batch.

Any other way to destroy rows would need its own holds, its own limits and its own proof, and lack one.
"""

from __future__ import annotations

from genuka_pipelines.rows.destroying.applying import apply
from genuka_pipelines.rows.destroying.limits import Limits
from genuka_pipelines.rows.destroying.line import Line, Outcome

__all__ = ["Limits", "Line", "Outcome", "apply"]
