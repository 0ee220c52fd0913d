"""The same demo with Genuka, Genletter and a dedicated tenant on MariaDB."""

from __future__ import annotations

import sqlalchemy as sa

from tests.scenarios.houses import Told


def test_the_same_demo_on_mariadb(demo_on_mariadb: Told) -> None:
    house, said = demo_on_mariadb.house, demo_on_mariadb.said
    assert said.code == 0, said.out + said.err[-2000:]
    assert said.json["ok"] is True
    assert said.json["inspect"]["failed"] == []
    assert said.json["staging"]["tables"] == 10
    with sa.create_engine(house.env["GENUKA_DATABASE_URL"]).connect() as connection:
        assert connection.dialect.is_mariadb  # type: ignore[attr-defined]
        assert connection.execute(sa.text("select count(*) from companies")).scalar() == 12
    assert house.here("ledger", "verify").code == 0
