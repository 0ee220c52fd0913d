"""What can be wrong with a person's package, named for the harm; no text says anything of the person."""

from __future__ import annotations

from genuka_pipelines.catalog.errors import GenukaError


class PackageError(GenukaError):
    """The base of this room's errors."""


class NoSuchPackage(PackageError):
    """Nothing was handed over for a request, or what was is there no more."""


class NoPlaceForPackages(PackageError):
    """No category says where packages lie and how long."""


class NoPlaceToPut(PackageError):
    """The file to be written is there already, or its folder is not."""


class PackageTooLarge(PackageError):
    """A part is larger than the format can hold."""


class FileVanished(PackageError):
    """A file that was there when the package was begun is not there now."""
