"""The two ways in which the surroundings of this program can be wrongly described.

A mistake and a silence need different remedies: one is corrected, the other may also be filled by
`genuka up`.
"""

from __future__ import annotations

from genuka_pipelines.catalog.errors import GenukaError


class Misconfigured(GenukaError):
    """A variable or `stack.json` holds something that would make the work run against a wrong place."""


class NotConfigured(GenukaError):
    """Nobody said where a database, a store or a tenant's database is."""
