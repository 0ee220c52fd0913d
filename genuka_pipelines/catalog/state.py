"""The state a row must be in, as facts write it: `{status: [hired, offer], left_at: absent}`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

StateColumn = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?$", max_length=129)]
"""A column (`status`), or one of another declared table (`tenant_databases.mode`)."""

State = dict[StateColumn, bool | int | str | tuple[str, ...]]
"""Column to a value, to several, or to the words `present` and `absent`; all lines must hold."""
