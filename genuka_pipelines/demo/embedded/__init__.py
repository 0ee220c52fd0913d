"""The services behind `genuka up`: one PostgreSQL server from the wheel, and folders as stores.

A person who tries the house has neither a database nor a bucket; a half-working stand-in would make
the demo lie, so these are the real server and real folders behind the same addresses as in production.
"""

from __future__ import annotations

from genuka_pipelines.demo.embedded.errors import DiskFull, StackUnavailable, UnusableHome
from genuka_pipelines.demo.embedded.stack import Downed, Stack, create_tenant_database, down, up
from genuka_pipelines.demo.embedded.status import PartStatus, stack_status

__all__ = [
    "DiskFull",
    "Downed",
    "PartStatus",
    "Stack",
    "StackUnavailable",
    "UnusableHome",
    "create_tenant_database",
    "down",
    "stack_status",
    "up",
]
