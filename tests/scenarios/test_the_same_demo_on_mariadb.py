"""The same demo with Genuka, Genletter and a dedicated tenant on MariaDB; control and stores stay embedded."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import sqlalchemy as sa

from tests.scenarios.conftest import House
from tests.servers import fresh_database


def test_the_same_demo_on_mariadb(empty_house: House) -> None:
    home = Path(tempfile.mkdtemp(prefix="gm", dir="/tmp"))
    with ExitStack() as stack:
        urls = {
            name: stack.enter_context(fresh_database("mariadb")).render_as_string(hide_password=False)
            for name in ("DATABASE_URL", "GENLETTER_URL", "TENANT_DSN__DEDICATED_01")
        }
        env = {f"GENUKA_{name}": url for name, url in urls.items()}
        house = House(home, {**empty_house.env, "GENUKA_HOME": str(home), **env})
        try:
            said = house.genuka("demo", "--companies", "30", "--days", "15", "--json")
            assert said.code == 0, said.out + said.err[-2000:]
            assert said.json["ok"] is True
            assert said.json["inspect"]["failed"] == []
            assert said.json["staging"]["tables"] == 12
            with sa.create_engine(urls["DATABASE_URL"]).connect() as connection:
                assert connection.dialect.is_mariadb  # type: ignore[attr-defined]
                assert connection.execute(sa.text("select count(*) from companies")).scalar() == 30
            assert house.genuka("ledger", "verify").code == 0
        finally:
            house.genuka("down", "--wipe")
            shutil.rmtree(home, ignore_errors=True)
