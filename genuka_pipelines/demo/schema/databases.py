"""The three kinds of database: the platform's, a tenant's tables, Genletter's.

The shared database holds PLATFORM and TENANT side by side; a dedicated one holds TENANT alone. One
definition for both, so a LIGHT tenant's row and an ENTERPRISE tenant's row can never drift apart.
"""

from __future__ import annotations

from sqlalchemy import MetaData

from genuka_pipelines.demo.schema.columns import NAMES

TENANT = MetaData(naming_convention=NAMES)
PLATFORM = MetaData(naming_convention=NAMES)
GENLETTER = MetaData(naming_convention=NAMES)
