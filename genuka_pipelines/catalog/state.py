"""The state a row must be in, as facts write it: `{status: [hired, offer], left_at: absent}`."""

from __future__ import annotations

from genuka_pipelines.catalog.value import SqlName

State = dict[SqlName, bool | int | str | tuple[str, ...]]
"""Column to a value, to several, or to the words `present` and `absent`; all lines must hold."""
