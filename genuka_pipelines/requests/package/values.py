"""A row's values as JSON has them, each exactly: amounts as their text, moments in UTC, JSON as itself."""

from __future__ import annotations

import base64
import json
import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any


def plain(value: Any, kind: str) -> Any:
    """A value of a column of a kind, for JSON."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return _nested(value) if kind == "json" else value
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            return str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            return str(value)


def written(value: Any) -> bytes:
    """A value as JSON in UTF-8. Half a surrogate pair, which UTF-8 cannot say, stays an escape of JSON."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")


def _nested(text: str) -> Any:
    """The value of a JSON text; the text itself where it is none, or holds what JSON in other programs cannot."""
    try:
        found = json.loads(text, parse_constant=_refuse)
        json.dumps(found, allow_nan=False)
    except (ValueError, RecursionError):
        return text
    return found


def _refuse(constant: str) -> None:
    raise ValueError(constant)
