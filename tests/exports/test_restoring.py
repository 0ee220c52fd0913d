"""The definition in an archive of a shared database says nothing of other tenants, and still makes its tables."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
import sqlalchemy as sa

from genuka_pipelines.exports import load
from tests.exports.world import ALPHA, BETA, OPENER, TAGS, ExportHouse, export_house, fill, ndjson
from tests.servers import Kind, fresh_database

_PARTS: dict[Kind, list[str]] = {
    "postgresql": [
        "CREATE TABLE tags (company_id varchar(60), name varchar(60)) PARTITION BY LIST (company_id)",
        "CREATE TABLE tags_of_alpha PARTITION OF tags FOR VALUES IN ('alpha')",
        "CREATE TABLE tags_of_stranger PARTITION OF tags FOR VALUES IN ('stranger', 'b''é😀')"
        " PARTITION BY RANGE (name)",
        "CREATE TABLE tags_of_stranger_early PARTITION OF tags_of_stranger DEFAULT",
        "CREATE INDEX by_name ON tags (name)",
        "CREATE INDEX stranger_only ON tags_of_stranger_early (name)",
    ],
    "mariadb": [
        "CREATE TABLE tags (company_id varchar(60), name varchar(60), KEY by_name (name))"
        " PARTITION BY LIST COLUMNS (company_id) (PARTITION of_alpha VALUES IN ('alpha'),"
        " PARTITION of_stranger VALUES IN ('stranger', 'b''é😀'))",
    ],
}


@pytest.fixture(params=["postgresql", "mariadb"])
def house(request: pytest.FixtureRequest) -> Iterator[ExportHouse]:
    with export_house(request.param) as found:
        found.run("DROP TABLE tags", *(one.replace(":", r"\:") for one in _PARTS[found.kind]))
        dice = Random(1)
        fill(found, ALPHA, dice, customers=1)
        fill(found, BETA, dice, customers=1)
        yield found


def test_partitions_do_not_tell_who_else_is_there(house: ExportHouse) -> None:
    archive = house.export(ALPHA)
    with house.bag(archive) as bag:
        assert len(ndjson(bag, "tags")) == 2
        script = bag.small("data/restore/schema.sql").decode()
        assert "tags" in script
        assert "stranger" not in script + bag.small("data/restore/definition.ndjson").decode()
    path = house.folder / "archive.age"
    path.write_bytes(house.store("exports").get(archive.key))
    with fresh_database(house.kind) as into:
        assert load(path, into, OPENER, house.work).left_out == ()
        engine = sa.create_engine(into, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.execute(TAGS.insert().values(company_id="another", name="takes every row"))
            assert len(connection.execute(sa.select(TAGS)).all()) == 3
