from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genuka_pipelines.backups.calendar import backup_id
from genuka_pipelines.backups.digest import RowHasher, row_key
from genuka_pipelines.backups.errors import BackupDamaged, KeyShredded, NoSuchBackup, NotTheSame
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.owner import owner_of
from genuka_pipelines.backups.restoring.fetching import Fetcher
from genuka_pipelines.backups.restoring.reading import Backup, Where, newest_of, prefix_of
from genuka_pipelines.backups.vault.vault import Vault
from genuka_pipelines.control import Control
from genuka_pipelines.keys import Undecryptable, open_keyring
from genuka_pipelines.keys.errors import KeyUnusable
from genuka_pipelines.stores.store import Store
from tests.backups.taken import ALPHA, BETA, ORDERS, OWN, SYSTEM, BackedHouse, Rows, Taker, backed_house
from tests.rows.destroyer import keyring
from tests.servers import quick_disk
from tests.systems.opened import KINDS

SHARED = Where(SYSTEM)
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module", params=KINDS)
def house(request: pytest.FixtureRequest) -> Iterator[BackedHouse]:
    with backed_house(request.param) as found:
        yield found


@pytest.fixture(scope="module")
def quick() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gkb", dir=quick_disk()) as folder:
        yield Path(folder)


def backup_of(house: BackedHouse, tenant: str | None, name: str | None = None, **regions: Store) -> Backup:
    stores = regions or house.regions
    fetcher = Fetcher(stores)
    owner = owner_of(tenant, house.keyring)
    vault = Vault(house.keyring, stores, house.control.ledger)
    return Backup(fetcher, vault, house.keyring, owner, name or newest_of(fetcher, owner, NOW))


def lines_of(backup: Backup, *wanted: str) -> dict[tuple[Where, str], list[bytes]]:
    found: dict[tuple[Where, str], list[bytes]] = {key: [] for key in backup.tables()}
    chosen = [key for key in backup.tables() if key[1] in wanted] if wanted else None
    for run in backup.rows(chosen):
        for block in run.blocks:
            found[run.where, run.table] += block.split(b"\n")[:-1]
    return {key: sorted(lines) for key, lines in found.items() if not wanted or key[1] in wanted}


def test_every_night_of_a_chain_gives_back_its_own_rows(house: BackedHouse) -> None:
    """Updates, deletions, a row that comes back, a column added, a table dropped, one made: each night as it was."""
    taker, said = Taker(house), {}
    changes: list[list[str | sa.Executable]] = [
        [],
        ["UPDATE customers SET name = 'Renée ✨' WHERE id = 'alpha-c1'", "DELETE FROM order_lines WHERE label = 'box'"],
        ["INSERT INTO news (id, title) VALUES (3, 'one'), (4, '')", "DELETE FROM news WHERE id = 1"],
        ["INSERT INTO news (id, title) VALUES (1, 'again')", "ALTER TABLE companies ADD COLUMN motto varchar(20)"],
        ["DELETE FROM news", "UPDATE companies SET motto = 'x' WHERE id = 'alpha'", "DELETE FROM jobs"],
        ["DROP TABLE jobs", "UPDATE customers SET name = 'Zoé' WHERE id = 'alpha-c1'"],
    ]
    tenants = (None, ALPHA, BETA, OWN, "quiet")
    for number, statements in enumerate(changes):
        house.run(*statements)
        house.shared.refresh()
        name = taker.night(NOW - timedelta(hours=2) + timedelta(minutes=number), regions=["france"])
        said[name] = taker.known
    for name, known in said.items():
        for tenant in tenants:
            backup = backup_of(house, tenant, name)
            mine = {key[1:]: sorted(rows.values()) for key, rows in known.items() if key[0] == backup.owner.id}
            assert lines_of(backup) == mine
    newest = backup_of(house, ALPHA)
    assert newest.name == max(said)
    assert {one.table for one in newest.definition(SHARED).of("tables", ["orders", "news"])} == {"orders", "news"}
    assert "jobs" not in {table for _, table in backup_of(house, None).tables()}


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
def test_only_packs_that_hold_the_wanted_table_are_read(house: BackedHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"company_id": ALPHA, "note": random.Random(n).randbytes(40).hex()} for n in range(200)]
    house.run(ORDERS.insert().values(rows))
    Taker(house, pack=2_000).night(NOW - timedelta(minutes=50))
    read: list[str] = []
    store = house.regions["france"]
    real = store.get

    def get(key: str, **given: Any) -> bytes:
        read.append(key)
        return real(key, **given)

    monkeypatch.setattr(store, "get", get)
    lines_of(backup_of(house, ALPHA))
    whole = sum("/p/" in key for key in read)
    read.clear()
    found = lines_of(backup_of(house, ALPHA), "companies")
    assert len(found[SHARED, "companies"]) == 1
    assert 0 < sum("/p/" in key for key in read) < whole


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
def test_a_damaged_or_hidden_object_is_taken_from_elsewhere(house: BackedHouse) -> None:
    Taker(house).night(NOW - timedelta(minutes=40))
    whole = lines_of(backup_of(house, BETA))
    france, usa = house.stores["backups_france"], house.stores["backups_usa"]
    manifest = backup_of(house, BETA).manifest
    key = layout.pack(manifest.epoch, manifest.owner, manifest.packs[0].name)
    path = house.folder / "backups_france" / key
    good = path.read_bytes()
    path.chmod(0o600)
    for bad in (good[:-1], good[:50] + bytes([good[50] ^ 1]) + good[51:]):
        path.write_bytes(bad)
        backup = backup_of(house, BETA)
        assert lines_of(backup) == whole
        assert backup._fetcher.damaged == {("france", key)}
        with pytest.raises(BackupDamaged, match=key):
            lines_of(backup_of(house, BETA, france=france))
    path.write_bytes(good)
    france.delete(key)
    usa.delete(layout.manifest(manifest.backup, manifest.owner))
    assert lines_of(backup_of(house, BETA, france=france)) == whole
    assert lines_of(backup_of(house, BETA, usa=usa)) == whole


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
def test_bad_input_is_one_sentence(house: BackedHouse, tmp_path: Path) -> None:
    name = Taker(house).night(NOW - timedelta(minutes=30))
    fetcher = Fetcher(house.regions)
    with pytest.raises(NoSuchBackup, match="no region holds a backup"):
        newest_of(fetcher, owner_of("nobody's", house.keyring), NOW)
    with pytest.raises(KeyShredded):
        backup_of(house, "nobody's", name)
    never = backup_id(NOW - timedelta(minutes=1))
    with pytest.raises(NoSuchBackup, match=never):
        backup_of(house, ALPHA, never)
    other = open_keyring(tmp_path / "keys", create=True)
    with pytest.raises((Undecryptable, KeyUnusable)):
        Backup(fetcher, Vault(other, house.regions, house.control.ledger), other, owner_of(ALPHA, house.keyring), name)
    newer = layout.manifest(name, owner_of(ALPHA, house.keyring).id)
    path = house.folder / "backups_france" / newer
    good = path.read_bytes()
    path.chmod(0o600)
    line, _, rest = good.partition(b"\n")
    line = line.replace(b'"format":2', b'"format":3')
    path.write_bytes(line + b"\n" + house.keyring.sign(line).hex().encode() + b"\n" + rest.partition(b"\n")[2])
    # Altered on the disk: the store notices, and the other region is read.
    assert backup_of(house, ALPHA, name).manifest.tenant == ALPHA
    path.write_bytes(good)


@dataclass
class Made(Taker):
    """Nights of rows that no database holds."""

    rows: Any = None

    def _read(self, when: datetime) -> tuple[Rows, Any, Any, Any]:
        hasher = RowHasher(row_key(self.house.keyring))
        owner = owner_of("t", self.house.keyring)
        found: Rows = {}
        for name, lines in self.rows.items():
            hashes = {hasher.hashes([prefix_of("t") + b"\t" + line]): line for line in lines}
            found[owner.id, SHARED, name] = hashes
        state = {"system": SYSTEM, "own": False, "server": ("x", "1"), "snapshot": "s", "taken_at": when}
        shapes = dict.fromkeys(found, (("a",), "same"))
        return found, {owner.id: {SHARED: (state, b"{}\n")}}, [owner], shapes


_LINES = st.frozensets(st.sampled_from([b"", b"\\N", b"a\tb", b"1", b"2", b"3", b"4", "é😀".encode()]))


@settings(
    max_examples=max(5, int(os.environ.get("GENUKA_ROUNDS", "25")) // 3), deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(nights=st.lists(st.fixed_dictionaries({"one": _LINES, "two": _LINES}), min_size=1, max_size=6))
def test_any_chain_gives_back_any_night(nights: list[dict[str, frozenset[bytes]]], quick: Path) -> None:
    house = _plain_house(Path(tempfile.mkdtemp(dir=quick)))
    taker = Made(house)
    for number, rows in enumerate(nights):
        taker.rows = rows
        taker.night(NOW - timedelta(days=1) + timedelta(minutes=number), regions=["france"])
        backup = backup_of(house, "t", france=house.regions["france"])
        assert len(backup.chain) == number + 1
        assert lines_of(backup) == {(SHARED, name): sorted(lines) for name, lines in rows.items()}


def test_a_table_that_is_not_what_was_captured_is_refused(tmp_path: Path) -> None:
    house = _plain_house(tmp_path)
    taker = Made(house, rows={"one": frozenset({b"1", b"2"}), "two": frozenset({b"3"})})
    taker.night(NOW - timedelta(hours=3), regions=["france"])
    first = taker.known
    taker.rows = {"one": frozenset({b"2"}), "two": frozenset({b"3"})}
    # The index forgot a row: nobody wrote that it went.
    taker.known = {key: {k: v for k, v in rows.items() if v != b"1"} for key, rows in first.items()}
    taker.night(NOW - timedelta(hours=2), regions=["france"])
    backup = backup_of(house, "t", france=house.regions["france"])
    with pytest.raises(NotTheSame, match=f"{SYSTEM}.one"):
        lines_of(backup)
    assert lines_of(backup, "two") == {(SHARED, "two"): [b"3"]}


def _plain_house(folder: Path) -> BackedHouse:
    from genuka_pipelines.stores.folder.store import FolderStore
    from tests.backups.taken import facts

    store = FolderStore(folder / "france", name="france", create=True)
    store.probe()
    nothing: Any = None
    return BackedHouse(facts(), _Quiet(), keyring(), nothing, {"backups_france": store, "backups_usa": store}, folder,
                       "postgresql")  # fmt: skip


class _Quiet(Control):
    """A control database that says nothing."""

    def __init__(self) -> None:
        class Ledger:
            def latest(self, *_: object) -> tuple[()]:
                return ()

            open_intents = latest

            def head(self) -> SimpleNamespace:
                return SimpleNamespace(seq=0)

        self.ledger: Any = Ledger()
