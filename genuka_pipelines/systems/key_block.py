"""Key material on its way into a query: a parameter that never shows in texts, logs or process lists.

A keyed hash is computed where the value is, so the key must travel; as a plain parameter it would
appear in echoed SQL and, in a bulk read, inside the statement every other session can see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors
from sqlalchemy.types import TypeDecorator

from genuka_pipelines.systems.column_types import Query


class _Hidden(bytes):
    """Bytes that do not print themselves."""

    def __repr__(self) -> str:
        return "<key>"

    __str__ = __repr__


class KeyBlock(TypeDecorator[bytes]):
    """The type of a parameter that holds key material."""

    impl = sa.LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: sa.Dialect) -> bytes | None:  # noqa: ARG002
        """Plain bytes, at the last moment, for the driver."""
        return None if value is None else bytes(value)


def key_block(value: bytes) -> sa.BindParameter[bytes]:
    """A parameter that holds key material."""
    return sa.bindparam(None, _Hidden(value), type_=KeyBlock(), unique=True)


def set_apart(query: Query, named: Callable[[int], str]) -> tuple[Query, list[bytes]]:
    """The query with each distinct key block replaced by an expression, and the blocks in their order.

    `named` gives the SQL that reads the n-th block from the session, where the caller puts it first.
    """
    blocks: list[bytes] = []

    def replaced(element: Any, **_: Any) -> Any:
        if not (isinstance(element, sa.BindParameter) and isinstance(element.type, KeyBlock)):
            return None
        block = bytes(element.effective_value or b"")
        if block not in blocks:
            blocks.append(block)
        return sa.literal_column(named(blocks.index(block)), sa.LargeBinary())

    changed: Any = visitors.replacement_traverse(query, {}, replaced)
    return changed, blocks
