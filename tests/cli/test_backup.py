"""`genuka backup` at the terminal: the whole story of one tenant and one night, and one sentence for bad input."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from genuka_pipelines.keys import RootKey
from tests.cli.house import House
from tests.cli.platform import platform, sessions
from tests.servers import Kind, fresh_database

TENANT = "01hc0mpany000000000000tena"


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    kind: Kind = request.param
    with platform(tmp_path_factory.mktemp("house"), kind) as made:
        engine = sa.create_engine(made.env["GENUKA_DATABASE_URL"])
        drill = engine.url.set(database=f"{engine.url.database}_drill")
        made.env["GENUKA_DRILL_URL"] = drill.render_as_string(hide_password=False)
        with engine.begin() as connection:
            known = {column["name"] for column in sa.inspect(connection).get_columns("companies")}
            row = {"id": TENANT, "name": "L'Été 🌍", "created_at": datetime(2026, 1, 1)}
            companies = sa.Table("companies", sa.MetaData(), autoload_with=connection)
            connection.execute(companies.insert(), {name: value for name, value in row.items() if name in known})
        engine.dispose()
        sessions(made, 1, 2)
        yield made


def stored(house: House, region: str) -> list[Path]:
    """The packs of a region, as files."""
    root = Path(house.env[f"GENUKA_STORE_{region.upper()}"].removeprefix("file://"))
    return sorted(path for path in root.rglob("*") if path.is_file() and "/p/" in path.as_posix())


def test_one_night_from_its_capture_to_a_restore(house: House) -> None:
    done = house.genuka("backup", "create", "--json")
    assert (done.code, done.err) == (0, "")
    assert (done.json["tenants"], done.json["changed"], done.json["failed"]) == (1, 2, 0)
    assert {name: found["verified"] for name, found in done.json["regions"].items()} == {"france": True, "usa": True}
    again = house.genuka("backup", "create", "--json").json
    assert again["changed"] == 0
    listed = house.genuka("backup", "list", "--json").json["regions"]
    assert [night["backup"] for night in listed["usa"]] == [again["backup"], done.json["backup"]]
    engine = sa.create_engine(house.env["GENUKA_DATABASE_URL"])
    with fresh_database("postgresql" if engine.dialect.name == "postgresql" else "mariadb") as target:
        into = target.render_as_string(hide_password=False)
        wanted = ("backup", "restore", "--tenant", TENANT, "--into", into)
        planned = house.genuka(*wanted, "--dry-run", "--json")
        assert (planned.code, planned.json["rows"]) == (0, 1)
        restored = house.genuka(*wanted, "--json")
        assert (restored.code, restored.err) == (0, "")
        assert restored.json["digest_matches"] is True
        back = sa.create_engine(target)
        with back.connect() as connection:
            assert connection.exec_driver_sql("SELECT id, name FROM companies").all() == [(TENANT, "L'Été 🌍")]
        back.dispose()
        house.refused(*wanted, "--json", says="already holds the table")
    engine.dispose()


def test_a_damaged_pack_is_found_and_taken_from_the_other_region(house: House) -> None:
    house.genuka("backup", "create", "--json")
    assert house.genuka("backup", "verify", "--full", "--json").code == 0
    pack = stored(house, "france")[0]
    whole = pack.read_bytes()
    pack.chmod(0o600)
    pack.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    found = house.genuka("backup", "verify", "--full", "--json")
    assert found.code == 1
    assert {(bad["region"], bad["reason"]) for bad in found.json["bad"]} == {("france", "damaged")}
    assert "genuka backup repair" in found.err
    mended = house.genuka("backup", "repair", "--json")
    assert (mended.code, mended.json["regions"]["france"]["left"]) == (0, 0)
    assert house.genuka("backup", "verify", "--full", "--json").code == 0


def test_a_drill_restores_and_leaves_nothing_behind(house: House) -> None:
    house.genuka("backup", "create", "--json")
    done = house.genuka("backup", "drill", "--least", "2", "--json")
    assert (done.code, done.err) == (0, "")
    assert [one["passed"] for one in done.json["drills"]] == [True, True]
    assert {one["region"] for one in done.json["drills"]} == {"france", "usa"}


def test_the_end_of_backups_waits_for_a_decision(house: House) -> None:
    house.refused("backup", "expire", says="genuka go-live backup_expiry")
    house.genuka("go-live", "backup_expiry", "--yes")
    assert house.genuka("backup", "expire", "--json").json == {"expired": []}


def test_keys_are_destroyed_after_the_grace_by_two_people(house: House) -> None:
    house.refused("backup", "shred", TENANT, "--by", "s1", "--confirm", says="announce it")
    said = house.genuka("backup", "shred", TENANT, "--by", "s1", "--json").json
    assert datetime.fromisoformat(said["from"]) > datetime.now(UTC) + timedelta(days=29)
    house.refused("backup", "shred", TENANT, "--by", "s2", "--confirm", says="may be destroyed from")
    assert house.genuka("backup", "shred", TENANT, "--by", "s1", "--withdraw", "--json").json["state"] == "withdrawn"


def test_the_root_key_changes_and_nothing_that_is_locked(house: House, tmp_path: Path) -> None:
    house.genuka("backup", "create", "--json")
    before = {path: path.read_bytes() for path in stored(house, "usa")}
    file, new = Path(house.env["GENUKA_HOME"]) / "keys" / "root.age", RootKey.generate()
    old = file.read_text()
    new.save(tmp_path / "new")
    file.write_text((tmp_path / "new").read_text() + old)
    said = house.genuka("backup", "rewrap", "--json")
    assert (said.code, said.json) == (0, {"keys": 2, "root": new.recipient, "escrow": 0})
    assert house.genuka("backup", "verify", "--full", "--json").code == 0
    assert house.genuka("backup", "drill", "--least", "2", "--json").code == 0
    assert {path: path.read_bytes() for path in stored(house, "usa")} == before
    file.write_text(old)
    house.refused("backup", "restore", "--into", "postgresql://h/d", "--tenant", TENANT, says="root key")
    file.write_text((tmp_path / "new").read_text() + old)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("restore", "--into", "postgresql://h/d"), "say what to restore"),
        (("restore", "--into", "nowhere", "--tenant", "x"), "no region holds a backup"),
        (("restore", "--into", "nowhere", "--tenant", TENANT), "is no address of a database"),
        (("restore", "--into", "postgresql://h/d", "--platform", "--backup", "yesterday"), "is no backup"),
        (("verify", "--region", "mars"), "it is one of france, usa"),
    ],
)
def test_bad_input_is_one_sentence(house: House, arguments: tuple[str, ...], says: str) -> None:
    house.refused("backup", *arguments, says=says)
