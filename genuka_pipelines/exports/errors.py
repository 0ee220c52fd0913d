"""What can be wrong with a tenant's archive, named for the harm."""

from __future__ import annotations

from genuka_pipelines.catalog.errors import GenukaError, PromiseBroken


class ExportError(GenukaError):
    """The base of this room's errors."""


class UnknownTenant(ExportError):
    """No register knows the tenant."""


class BadRequest(ExportError):
    """What should name a request is no opaque name."""


class RequestTaken(ExportError):
    """A request of this name is over, or somebody else is at work on it."""


class NoScratch(ExportError):
    """Nothing says where an archive could be loaded again."""


class BadRecipient(ExportError):
    """Nobody could open what would be sealed for it."""


class NoRoom(ExportError):
    """The disk is full: nothing half is delivered."""


class NotDescribed(ExportError, PromiseBroken):
    """Something could be the tenant's, or a secret, and nobody declared it."""


class NotOneTenant(ExportError, PromiseBroken):
    """A row of somebody else would come along, or is named by one that does."""


class MediaMissing(ExportError, PromiseBroken):
    """A row names a file that the store does not have: an archive without it would only look complete."""


class NotTheSame(ExportError, PromiseBroken):
    """The archive, loaded again, is not what was read."""


class ArchiveDamaged(ExportError):
    """The bytes are not those that were delivered, or are not all of them."""


class UnsafeArchive(ExportError):
    """A name inside would leave the archive's own folder."""


class UnknownFormat(ExportError):
    """It was written by a newer program, or is none of ours."""


class WrongKey(ExportError):
    """It is sealed for another key."""
