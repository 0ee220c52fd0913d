"""The base of every error a user may see.

A user must get one clear sentence and an exit code, never a traceback; one base class lets the
terminal and Dagster tell our sentences from a defect in the program.
"""

from __future__ import annotations


class GenukaError(Exception):
    """One sentence for the user: what is wrong, where, and what would be right.

    The text never carries personal data or a secret. `exit_code` is 2 for bad input or
    configuration and 1 for a broken promise.
    """

    exit_code = 2


class PromiseBroken(GenukaError):
    """A clause is broken or a check failed: the input was fine, the world is not."""

    exit_code = 1
