"""What can go wrong while a table is staged; the staged table of before is then still there, whole."""

from __future__ import annotations

from genuka_pipelines.catalog.errors import GenukaError


class CannotStage(GenukaError):
    """A staged table cannot be made as declared, or its folder cannot be written."""
