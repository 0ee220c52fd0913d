"""What is left out of every form of an archive, and why: secrets, and what Genuka records for itself.

A password's hash in an archive is a password for whoever finds the archive; a hole that is not listed would be
taken for a loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from genuka_pipelines.catalog.category import Category
    from genuka_pipelines.catalog.table import Column, Table

Reason = Literal["secret", "key_is_secret", "recorded_by_us"]
_SECRETS = ("user.authorization", "system.authentication")


@dataclass(frozen=True, slots=True, order=True)
class Exclusion:
    """A table that is left out as a whole, or with `column` a column of one that is not."""

    table: str
    column: str
    reason: Reason


def is_secret(column: Column) -> bool:
    """Whether a column opens a door: a password, a token, a secret, or the hash of one."""
    classed = any(column.holds == word or column.holds.startswith(word + ".") for word in _SECRETS)
    return classed or column.protected in ("hash", "token")


def left_out_whole(category: Category, table: Table) -> Reason | None:
    """Why a table is not the tenant's to have; None where it is.

    What we record as a controller (staff's access, recordings, browsers) is about people, who are given it
    themselves on their request; the tenant is not one of them.
    """
    if category.role == "controller" and category.source == "recorded":
        return "recorded_by_us"
    keys = {name for name in table.key if is_secret(table.columns[name])}
    if keys or all(is_secret(column) for column in table.columns.values()):
        return "key_is_secret"
    return None
