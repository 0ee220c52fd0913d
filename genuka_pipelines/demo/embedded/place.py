"""Where the embedded server's data, socket and log live.

A socket's path holds about a hundred plain characters, and root's server must reach the folder under
another account. The wheel solves both by opening parent folders to everyone; here a home that cannot
hold the server keeps its mode, and the server gets a short folder elsewhere, named by the home's mark.
"""

from __future__ import annotations

import os
import re
import socket
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genuka_pipelines.demo.embedded.account import Account
from genuka_pipelines.demo.embedded.errors import StackUnavailable

PORT = 5432
"""It only names the socket's file: the server listens on no network."""
_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")
_LONGEST_SOCKET = 103


@dataclass(frozen=True)
class Place:
    """One server's folder: `data` and `run` belong to its account, the rest to whoever made it."""

    root: Path
    account: Account

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder; exists only once complete."""
        return self.root / "data"

    @property
    def run(self) -> Path:
        """The folder of the socket, mode 0700: nobody else can knock."""
        return self.root / "run"

    @property
    def log(self) -> Path:
        """The server's log: starts and stops, no statements and no values."""
        return self.run / "log"

    @property
    def access(self) -> Path:
        """Who may log in (`pg_hba.conf`)."""
        return self.root / "access.conf"

    @property
    def people(self) -> Path:
        """Which system users these are (`pg_ident.conf`)."""
        return self.root / "people.conf"

    @property
    def socket(self) -> Path:
        """The one way in."""
        return self.run / f".s.PGSQL.{PORT}"


def make_place(home: Path, identity: str, account: Account, base: Path | None = None) -> Place:
    """Make the first folder that can hold a server; nothing that existed before changes its mode.

    `base` replaces the usual folders outside the home. Raises StackUnavailable when none is fit.
    """
    reasons = []
    for root in _candidates(home, identity, account, base):
        try:
            reason = _unfit(root, account) or _make(root, account)
        except OSError as error:
            reason = error.strerror
        if not reason:
            return Place(root, account)
        reasons.append(f"{root} ({reason})")
    raise StackUnavailable(f"no folder can hold the PostgreSQL server: {'; '.join(reasons)}")


def _candidates(home: Path, identity: str, account: Account, base: Path | None) -> Iterator[Path]:
    if account.is_ours:
        yield home / "server"
    if base:
        yield base / identity
        return
    if account.is_ours:
        state = os.environ.get("XDG_STATE_HOME")
        yield (Path(state) if state else Path("~/.local/state").expanduser()) / "genuka" / identity
    else:
        yield Path("/var/lib/genuka") / identity
    # a name nobody else can have taken first: the last resort must not be a stranger's folder
    yield Path(tempfile.gettempdir()) / f"genuka-{identity}"


def _unfit(root: Path, account: Account) -> str | None:
    if not root.is_absolute() or not _PLAIN.fullmatch(str(root)):
        return "its path holds more than letters, digits, dots, dashes and underscores"
    if len(str(Place(root, account).socket)) > _LONGEST_SOCKET:
        return "its path is too long for a socket"
    if root.exists() and (root.stat().st_uid != os.geteuid() or {step.name for step in root.iterdir()} - {"run"}):
        return "it was there before and is not ours"
    ancestor = next(step for step in root.parents if step.exists())
    return None if account.can_reach(ancestor) else f"{account.name} cannot reach it"


def _make(root: Path, account: Account) -> str | None:
    for folder in (*reversed([step for step in root.parents if not step.exists()]), root):
        folder.mkdir(exist_ok=folder == root)
        # root's folders let the server's account through to what is its own, and nobody else
        folder.chmod(0o700 if account.is_ours else 0o711)
    run = Place(root, account).run
    run.mkdir(exist_ok=True)
    account.own(run)
    if stat.S_IMODE(run.stat().st_mode) == 0o700 and _holds_sockets(run):
        return None
    run.rmdir()
    root.rmdir()
    return "its disk keeps no access rights or no sockets"


def _holds_sockets(folder: Path) -> bool:
    trial = folder / ".s.PGSQL.0000"
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(str(trial))
        except OSError:
            return False
        finally:
            trial.unlink(missing_ok=True)
    return True
