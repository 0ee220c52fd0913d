"""What can go wrong with keys, each named for the harm; none of them ever holds a secret."""

from __future__ import annotations

from genuka_pipelines.catalog.errors import GenukaError, PromiseBroken


class KeyMissing(GenukaError):
    """A key that was made is not where it should be: making another would break what it protects."""


class KeyUnusable(GenukaError):
    """A key file is truncated, altered, unreadable, or readable by others."""


class KeyReplaced(GenukaError):
    """A key that never rotates is no longer the one that was first used."""


class KeysNotApart(GenukaError):
    """Two keys that must never be the same are."""


class KeyHeldElsewhere(GenukaError):
    """The key comes from a file given by the operator: only the operator can rotate it."""


class KeyDestroyed(GenukaError):
    """The key was destroyed, as promised: what it made can no longer be linked, and no new one is made."""


class KeyFolderUnusable(GenukaError):
    """The folder of keys cannot be made, written or trusted."""


class Undecryptable(GenukaError):
    """A sealed object does not open."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} cannot be decrypted: {why}")
        self.name = name


class KeyStillThere(PromiseBroken):
    """A key was told to be destroyed and can still be read."""
