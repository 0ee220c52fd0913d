from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from genuka_pipelines.backups.calendar import Epoch, epoch_of
from genuka_pipelines.backups.capturing import capture
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.owner import owner_of
from genuka_pipelines.backups.restoring.fetching import Fetcher
from genuka_pipelines.backups.restoring.reading import Backup
from genuka_pipelines.backups.vault.vault import Vault
from genuka_pipelines.keys import RootKey
from tests.backups.small import NIGHTS, OWN, SHARED, TENANT, Small, small
from tests.backups.taken import ALPHA, backed_house
from tests.servers import Kind

READER = Path(__file__).parents[2] / "docs" / "read_backup.py"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    with small(tmp_path_factory.mktemp("small")) as opened:
        yield opened


def read(made: Small, *arguments: str, root: Path | None = None, folder: Path | None = None) -> Any:
    """What the reader says of France's folder: in a process without our package, without our environment."""
    identity = root or made.folder / "keys" / "root.age"
    asked = [sys.executable, "-I", str(READER), str(folder or made.folder / "france"), "--root", str(identity)]
    done = subprocess.run(
        [*asked, "--signer", made.keyring.signing.public.hex(), *arguments], capture_output=True, text=True, cwd="/"
    )
    done.lines = [json.loads(line) for line in done.stdout.splitlines()]  # type: ignore[attr-defined]
    assert "Traceback" not in done.stderr
    return done


def tables_in(folder: Path) -> dict[Any, set[bytes]]:
    names = {SHARED: "genuka_database", OWN: "genuka_database.own"}
    return {
        (where, table): set((folder / names[where] / f"{quote(table, safe='')}.txt").read_bytes().split(b"\n")[:-1])
        for where, table in NIGHTS[0]
    }


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_what_nights_of_a_real_database_captured_is_read(kind: Kind, tmp_path: Path) -> None:
    with backed_house(kind) as house:
        plan = house.catalog.backups["nightly"]
        now = Epoch.at(datetime.now(UTC)).begins + timedelta(hours=1)
        capture(house, plan, now=now)
        house.run(
            f"UPDATE orders SET note = 'later' WHERE company_id = '{ALPHA}' AND id IN (SELECT min(id) FROM orders)"
        )
        night = capture(house, plan, now=now + timedelta(days=1)).night
        house.keyring.root.save(tmp_path / "root.age")
        for owner, tenant in night.tenants.items():
            out = tmp_path / owner
            whose = ["--platform"] if tenant is None else [tenant]
            asked = [str(house.regions["france"]._root), "--root", str(tmp_path / "root.age"), "write", *whose]
            done = subprocess.run(
                [sys.executable, "-I", str(READER), *asked, "--to", str(out)], capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
            said = json.loads(done.stdout)
            assert all(table["digest_matches"] for table in said["tables"])
            opened = Backup(
                Fetcher(house.regions),
                Vault(house.keyring, house.regions, house.control.ledger),
                house.keyring,
                owner_of(tenant, house.keyring),
                said["backup"],
            )
            rows: dict[tuple[str, str], list[bytes]] = {}
            for run in opened.rows():
                lines = b"".join(run.blocks).split(b"\n")[:-1]
                rows.setdefault((run.where.name, run.table), []).extend(lines)
            for table in said["tables"]:
                file = out / table["database"] / table["file"]
                ours = sorted(rows.get((table["database"], table["table"]), []))
                assert sorted(file.read_bytes().split(b"\n")[:-1]) == ours
                assert len(ours) == table["rows"]


def test_it_is_short_and_knows_nothing_of_the_program_that_wrote() -> None:
    text = READER.read_text()
    assert len(text.splitlines()) < 500
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(text))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported - sys.stdlib_module_names == {"cryptography", "pyrage", "zstandard"}


def test_nights_and_tenants_are_found_by_the_bucket_alone(made: Small) -> None:
    assert [line["night"] for line in read(made, "nights").lines] == made.nights
    (tenant,) = read(made, "tenants").lines
    assert tenant == {"owner": made.owner.id, "tenant": TENANT, "backups": made.nights}


@pytest.mark.parametrize("number", range(len(NIGHTS)))
def test_every_night_gives_back_what_was_there(made: Small, number: int, tmp_path: Path) -> None:
    done = read(made, "write", TENANT, "--to", str(tmp_path / "out"), "--backup", made.nights[number])
    assert done.returncode == 0, done.stderr
    assert tables_in(tmp_path / "out") == {key: set(rows) for key, rows in NIGHTS[number].items()}
    (said,) = done.lines
    assert all(table["digest_matches"] for table in said["tables"])
    assert sum(table["rows"] for table in said["tables"]) == sum(map(len, NIGHTS[number].values()))
    place = tmp_path / "out" / "genuka_database"
    assert (place / "definition.jsonl").read_text() == '{"product":"postgresql"}\n'
    assert json.loads((place / "sequences.json").read_text()) == {"orders_id_seq": "301"}
    assert json.loads((tmp_path / "out" / "media.media.jsonl").read_text())["key"] == "m/1.png"


def test_one_table_of_the_newest_backup_and_from_the_other_region(made: Small, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = read(made, "write", TENANT, "--to", str(out), "--table", "empty", folder=made.folder / "usa")
    assert (done.returncode, [table["rows"] for table in done.lines[0]["tables"]]) == (0, [1])
    assert [path.name for path in (out / "genuka_database").glob("*.txt")] == ["empty.txt"]


def test_an_escrow_opens_it_too_and_a_stranger_does_not(made: Small, tmp_path: Path) -> None:
    escrow = made.folder / "escrow.age"
    assert read(made, "tenants", root=escrow).lines[0]["tenant"] == TENANT
    done = read(made, "write", TENANT, "--to", str(tmp_path / "out"), root=escrow)
    assert done.returncode == 0
    assert tables_in(tmp_path / "out") == {key: set(rows) for key, rows in NIGHTS[-1].items()}
    RootKey.generate().save(tmp_path / "other.age")
    done = read(made, "tenants", root=tmp_path / "other.age")
    assert (done.returncode, "another root key" in done.stderr) == (1, True)


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.write_bytes(data)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


@pytest.mark.parametrize(
    ("what", "harm"),
    [("pack", flip), ("pack", cut), ("pack", Path.unlink), ("key", flip), ("manifest", flip), ("epoch", flip)],
)
def test_what_is_damaged_is_named(made: Small, tmp_path: Path, what: str, harm: Callable[[Path], None]) -> None:
    france, epoch = made.folder / "france", epoch_of(made.nights[0])
    prefix = layout.of_owner(epoch, made.owner.id)
    key = {
        "pack": next(one.key for one in made.stores["france"].list(f"{prefix}p/")),
        "key": layout.tenant_key(made.owner.id),
        "manifest": layout.manifest(made.nights[1], made.owner.id),
        "epoch": next(one.key for one in made.stores["france"].list(f"{prefix}k")),
    }[what]
    copy = tmp_path / "copy"
    shutil.copytree(france, copy, ignore=shutil.ignore_patterns(".store"))
    harm(copy / key)
    done = read(made, "write", TENANT, "--to", str(tmp_path / "out"), folder=copy)
    assert (done.returncode, key in done.stderr) == (1, True), done.stderr


def test_wrong_questions_are_answered_in_a_sentence(made: Small, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    for arguments in (
        ("write", "nobody", "--to", str(tmp_path / "a")),
        ("write", "--to", str(tmp_path / "a")),
        ("write", TENANT, "--to", str(tmp_path / "full")),
    ):
        done = read(made, *arguments)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    later = Epoch.at(epoch_of(made.nights[0]).ends).first.strftime("%Y%m%dT000000Z")
    assert read(made, "write", TENANT, "--to", str(tmp_path / "b"), "--backup", later).returncode == 1
    assert read(made, "nights", folder=tmp_path).lines == []
