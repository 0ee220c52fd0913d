"""The steps of an export, as whoever waits for it is told of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Step = Literal["prove", "read", "rows", "media", "quality", "pack", "reimport", "seal", "deliver"]
Progress = Callable[[Step, int, int], None]
"""Told of a step: how much of it is done, and of how much; 0 where that is not known. Called from several threads."""


def silent(step: Step, done: int, of: int) -> None:
    """Nobody waits."""
