"""`genuka export` at the terminal: a tenant's archive made, verified and loaded, and one sentence for bad input."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyrage  # type: ignore[import-untyped]
import pytest
import sqlalchemy as sa

from tests.cli.house import House
from tests.cli.platform import platform
from tests.servers import Kind, fresh_database

TENANT = "01hc0mpany000000000000tena"
KEYS = {"archive", "sha256", "tables", "rows", "media", "reimported"}


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    kind: Kind = request.param
    with platform(tmp_path_factory.mktemp("house"), kind) as made:
        engine = sa.create_engine(made.env["GENUKA_DATABASE_URL"])
        drill = engine.url.set(database=f"{engine.url.database}_drill")
        made.env["GENUKA_DRILL_URL"] = drill.render_as_string(hide_password=False)
        with engine.begin() as connection:
            companies = sa.Table("companies", sa.MetaData(), autoload_with=connection)
            row = {"id": TENANT, "name": "L'Été 🌍", "created_at": datetime(2026, 1, 1)}
            connection.execute(companies.insert(), {name: one for name, one in row.items() if name in companies.c})
        engine.dispose()
        yield made


@pytest.fixture
def key(tmp_path: Path) -> tuple[str, Path]:
    """An age public key, and the file of its identity."""
    identity = pyrage.x25519.Identity.generate()
    path = tmp_path / "identity"
    path.touch(mode=0o600)
    path.write_text(f"# of a test\n{identity}\n")
    return str(identity.to_public()), path


def test_from_its_making_to_a_database_elsewhere(house: House, tmp_path: Path, key: tuple[str, Path]) -> None:
    public, identity = key
    planned = house.genuka("export", "create", TENANT, "--to", str(tmp_path), "--dry-run", "--json")
    assert (planned.code, planned.err) == (0, "")
    assert planned.json.keys() >= KEYS
    assert (planned.json["archive"], planned.json["rows"], planned.json["reimported"]) == (None, 1, False)
    made = house.genuka("export", "create", TENANT, "--to", str(tmp_path), "--recipient", public, "--json")
    assert (made.code, made.err) == (0, "")
    assert made.json.keys() >= KEYS
    assert (made.json["rows"], made.json["media"], made.json["reimported"]) == (1, 0, True)
    assert made.json["tables"] == planned.json["tables"]
    archive = made.json["archive"]
    again = house.genuka("export", "create", TENANT, "--to", str(tmp_path), "--recipient", public, "--json")
    assert again.json == made.json
    opening = (archive, "--identity-file", str(identity), "--json")
    verified = house.genuka("export", "verify", *opening)
    assert (verified.code, verified.err) == (0, "")
    assert {name: verified.json[name] for name in KEYS - {"reimported"}} == {
        name: made.json[name] for name in KEYS - {"reimported"}
    }
    engine = sa.create_engine(house.env["GENUKA_DATABASE_URL"])
    with fresh_database("postgresql" if engine.dialect.name == "postgresql" else "mariadb") as target:
        into = target.render_as_string(hide_password=False)
        loaded = house.genuka("export", "load", *opening, "--into", into)
        assert (loaded.code, loaded.json["reimported"]) == (0, True), loaded
        back = sa.create_engine(target, poolclass=sa.NullPool)
        with back.connect() as connection:
            assert connection.exec_driver_sql("SELECT id, name FROM companies").all() == [(TENANT, "L'Été 🌍")]
        house.refused("export", "load", *opening, "--into", into, says="already holds the table")
    engine.dispose()
    (listed,) = house.genuka("export", "list", "--json").json["deliveries"]
    assert listed["delivery"] == made.json["delivery"]
    assert house.genuka("export", "withdraw", listed["delivery"], "--json").json["withdrawn"] is True
    assert house.genuka("export", "list", "--json").json == {"deliveries": []}


def test_a_bar_and_a_table_for_people(house: House, tmp_path: Path) -> None:
    if "mysql" in house.env["GENUKA_DATABASE_URL"]:
        pytest.skip("the terminal is the same beside every database")
    secret = tmp_path / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text("cheval correct agrafe pile\n")
    asked = ("export", "create", TENANT, "--to", str(tmp_path), "--passphrase-file", str(secret))
    planned = house.genuka(*asked, "--dry-run", GENUKA_LANGUAGE="fr")
    assert "Serait remis" in planned.out
    assert "support_access_logs" in planned.out
    done = house.genuka(*asked, GENUKA_LANGUAGE="fr")
    assert done.code == 0, done
    assert "reimported" in done.out
    archive = next(tmp_path.glob("*.tar.age"))
    by_name = ("export", "verify", str(archive), "--passphrase-env", "ITS_WORDS", "--json")
    assert house.genuka(*by_name, ITS_WORDS="cheval correct agrafe pile").code == 0
    house.refused(*by_name, ITS_WORDS="cheval correct agrafe face", says="the passphrase does not open the archive")


def test_what_is_refused(house: House, tmp_path: Path, key: tuple[str, Path]) -> None:
    create = ("export", "create", TENANT, "--to", str(tmp_path), "--json")
    house.refused(*create, says="say whom it is for")
    house.refused(*create, "--recipient", "age1nobody", says="not an age public key")
    house.refused(*create, "--recipient", key[0], "--passphrase-env", "X", says="say whom it is for")
    house.refused(*create, "--passphrase-env", "NOT_THERE", says="the environment has no NOT_THERE")
    nobody = ("export", "create", "nobody", "--to", str(tmp_path), "--recipient", key[0], "--json")
    house.refused(*nobody, says="no register knows that tenant")
    house.refused("export", "verify", str(tmp_path / "nothing"), says="cannot be read")
    junk = tmp_path / "junk.tar.age"
    junk.write_bytes(b"junk" * 1000)
    house.refused("export", "load", str(junk), "--into", "postgresql://h/d", says="truncated or altered, or is none")
    house.refused("export", "load", str(junk), "--into", "nowhere", says="--into is no address of a database")
    house.refused("export", "withdraw", "nothing", says="no delivery has this id")
