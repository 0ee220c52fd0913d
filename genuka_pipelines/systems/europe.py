"""Whether a server that a copy of people's data is to be tried on stands in Europe, by what is declared of it."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.host import is_this_machine

if TYPE_CHECKING:
    import sqlalchemy as sa

    from genuka_pipelines.catalog.catalogue import Catalog

EUROPE = frozenset(
    "AT,BE,BG,CH,CY,CZ,DE,DK,EE,ES,FI,FR,GB,GR,HR,HU,IE,IS,IT,LI,LT,LU,LV,MT,NL,NO,PL,PT,RO,SE,SI,SK".split(",")  # noqa: SIM905
)
"""Countries of the European Economic Area, Switzerland and the United Kingdom."""


def outside_europe(catalog: Catalog, server: sa.URL, system: str | None = None) -> tuple[str, str] | None:
    """The system and country by which a server is declared elsewhere: its own `system`, or its host; else None."""
    host = server.host or server.query.get("host")
    name = host if isinstance(host, str) and not host.startswith("/") else None
    for key, declared in catalog.systems.items():
        there = not is_this_machine(name) and any(fnmatch(str(name), pattern) for pattern in declared.hosts)
        if (there or key == system) and declared.place.country not in EUROPE:
            return key, declared.place.country
    return None
