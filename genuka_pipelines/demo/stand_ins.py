"""Something real to destroy where no service is: one small object for each recording and each chat.

A laptop has no PostHog and no Tawk.to. If their rows pointed at nothing, a sweep of the demo would call
everything gone without ever having destroyed anything.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa

from genuka_pipelines.demo.seed import Target
from genuka_pipelines.rows.contents_in_stores import shelved
from genuka_pipelines.settings import SERVICES, Settings
from genuka_pipelines.stores.folder.refill import refill

_ROWS = {"posthog": "session_recordings", "tawk_to": "chat_conversations"}


def make_stand_ins(settings: Settings, target: Target, *, now: datetime) -> int:
    """Replace the objects of every service that a folder stands for; returns how many there are now."""
    made = 0
    for service, address in settings.services.items():
        if address.is_folder:
            named = sa.table(_ROWS[service], sa.column("id", sa.String))
            with target.engine(SERVICES[service]).connect() as connection:
                keys = connection.scalars(sa.select(named.c.id)).all()
            folder = Path(unquote(urlsplit(address.url).path))
            things = ((shelved(key), f"stands for one of {_ROWS[service]}\n".encode()) for key in keys)
            made += refill(folder, things, name=service, now=now)
    return made
