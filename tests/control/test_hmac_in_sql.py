"""The keyed hash that a database computes is the one that Python computes, on both real servers."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from genuka_pipelines.control.database import connect
from genuka_pipelines.keys import HmacKey, Secret
from tests.control.servers import Server

QUERY = {
    "postgresql": "SELECT encode(sha256(:outer || sha256(:inner || convert_to(:value, 'UTF8'))), 'hex')",
    "mysql": "SELECT SHA2(CONCAT(:outer, UNHEX(SHA2(CONCAT(:inner, CAST(:value AS BINARY)), 256))), 256)",
}


@pytest.mark.parametrize("value", ["", "1", "aïcha@exemple.cm", "x" * 300, "😀 l'été"])
def test_the_database_computes_the_same_keyed_hash(server: Server, value: str) -> None:
    key = HmacKey("test", "1", Secret(bytes(range(32))))
    inner, outer = key.pads()
    database = connect(server.url("postgres" if server.dialect == "postgresql" else "mysql"))
    with database.begin() as connection:
        found = connection.execute(text(QUERY[server.dialect]), {"inner": inner, "outer": outer, "value": value})
        assert found.scalar() == key.hex(value.encode())
    database.engine.dispose()
