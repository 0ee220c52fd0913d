"""What `genuka up` tells every later command, in `$GENUKA_HOME/stack.json`.

Without it each terminal would need five exported variables; with a damaged or a borrowed one a
command would silently work on another folder's data, so both are refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from genuka_pipelines.settings.errors import Misconfigured

STACK_FILE = "stack.json"


class StackFile(BaseModel):
    """The embedded databases (URLs that SQLAlchemy opens, without secret), tenants' databases, stores and services."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    version: Literal[1] = 1
    home: Path
    server: Path | None = None
    """The folder of the server's data, socket and log; outside the home where the home cannot hold it."""
    databases: dict[Literal["genuka", "genletter", "control"], str] = {}
    tenants: dict[str, str] = {}
    stores: dict[Literal["media", "france", "usa", "exports", "published"], str] = {}
    services: dict[Literal["posthog", "tawk_to"], str] = {}
    """The folders whose objects stand for what the services hold."""


def read_stack(home: Path) -> StackFile | None:
    """What was written in this home, or None when there is nothing; raises Misconfigured.

    A home that was moved or copied is refused: its addresses still lead to where it was.
    """
    file = home / STACK_FILE
    try:
        stack = StackFile.model_validate(json.loads(file.read_bytes()))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Misconfigured(f"{file} cannot be read ({error.strerror}): run as its owner or set GENUKA_HOME") from None
    except ValueError:
        raise Misconfigured(f"{file} is damaged: run `genuka up` to write it anew") from None
    if stack.home != home.resolve():
        raise Misconfigured(f"{file} was written when its folder was {stack.home}: run `genuka up` to renew it")
    return stack
