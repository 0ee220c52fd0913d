"""What can be wrong with a backup, named for the harm."""

from __future__ import annotations

from genuka_pipelines.catalog.errors import GenukaError


class BackupError(GenukaError):
    """The base of this room's errors."""


class BadBackupName(BackupError):
    """What was given names no epoch, backup or owner."""


class NoSuchBackup(BackupError):
    """Nothing of that name is in the store."""


class UnknownFormat(BackupError):
    """It was written by a newer program, or is none of ours."""


class BackupDamaged(BackupError):
    """Bytes, signature or digest are not what they were: take the other region's."""

    exit_code = 1


class CannotCapture(BackupError):
    """A source cannot be backed up as it is: nothing was written of it."""

    exit_code = 1


class IndexUnusable(BackupError):
    """The row index or its state was altered, truncated or lost; it is made anew from the packs."""


class ClocksApart(BackupError):
    """A store's clock and ours differ too much for locks to mean what they say."""


class StoreUnfit(BackupError):
    """A store cannot do what a promise rests on."""


class OverTwelveMonths(BackupError):
    """Something of a backup is still there after its deadline."""

    exit_code = 1


class NotErasedYet(BackupError):
    """A restored database may not be used: erasures are not replayed, or cannot be known."""

    exit_code = 1


class NotTheSame(BackupError):
    """What was restored is not what was backed up."""

    exit_code = 1


class KeyShredded(BackupError):
    """The tenant's key was destroyed, and with it everything that it sealed."""
