"""The system account that PostgreSQL runs under.

PostgreSQL refuses to run as root, so root lends it an account of its own; borrowing an account that
another service uses would let that service read the databases.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genuka_pipelines.demo.embedded.errors import StackUnavailable

SERVER_ACCOUNT = "pgserver"
"""The name that the wheel itself would use."""


@dataclass(frozen=True)
class Account:
    """Who owns the server's data and runs its processes."""

    name: str
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        """Whether this process already runs as this account."""
        return self.uid == os.geteuid()

    def becoming(self) -> dict[str, Any]:
        """Arguments that make `subprocess` run a program as this account, away from private folders."""
        lent: dict[str, Any] = {} if self.is_ours else {"user": self.uid, "group": self.gid, "extra_groups": []}
        return lent | {"cwd": "/", "umask": 0o077}

    def people(self) -> list[str]:
        """Who may log in to a server of this account: its owner, whoever starts it, and root."""
        return sorted({self.name, _name(os.geteuid()), "root"})

    def can_reach(self, folder: Path) -> bool:
        """Whether each folder on the way down to and including `folder` lets this account through."""
        return self.is_ours or all(self._passes(step.stat()) for step in (folder, *folder.parents))

    def _passes(self, folder: os.stat_result) -> bool:
        if folder.st_uid == self.uid:
            return bool(folder.st_mode & stat.S_IXUSR)
        if folder.st_gid == self.gid:
            return bool(folder.st_mode & stat.S_IXGRP)
        return bool(folder.st_mode & stat.S_IXOTH)

    def own(self, folder: Path) -> None:
        """Make a folder that we created, private to this account."""
        folder.chmod(0o700)
        if not self.is_ours:
            os.chown(folder, self.uid, self.gid)


def server_account(data: Path | None = None) -> Account:
    """The owner of existing data, else the lent account for root, else ourselves."""
    us = os.geteuid()
    uid = data.stat().st_uid if data else us
    if us not in (0, uid):
        raise StackUnavailable(
            f"{data} belongs to {_name(uid)}: run as that user or set GENUKA_HOME to a folder of yours"
        )
    if uid == 0:
        return _lent()
    entry = _entry(uid)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _entry(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        raise StackUnavailable(
            f"user {uid} has no name on this machine, and PostgreSQL needs one: run as a named user or set "
            "GENUKA_DATABASE_URL, GENUKA_GENLETTER_URL and GENUKA_CONTROL_URL"
        ) from None


def _lent() -> Account:
    """The server's account, made when missing."""
    # two useradd at once give one name two numbers: whoever comes second must wait and look again
    with Path("/etc/passwd").open() as people:
        fcntl.flock(people, fcntl.LOCK_EX)
        try:
            entry = pwd.getpwnam(SERVER_ACCOUNT)
        except KeyError:
            entry = _added()
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _added() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    options = ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVER_ACCOUNT]
    try:
        if useradd:
            subprocess.run([useradd, *options], check=False, capture_output=True)
        return pwd.getpwnam(SERVER_ACCOUNT)
    except KeyError:
        raise StackUnavailable(
            f"PostgreSQL does not run as root, and no account {SERVER_ACCOUNT} could be made: run as another user"
        ) from None
