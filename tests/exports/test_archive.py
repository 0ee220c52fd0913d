"""One tenant's archive, on both kinds of server: all of its rows and files in every form, and nobody else's."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
import zstandard

from genuka_pipelines.control import ExportMade
from genuka_pipelines.exports import load
from genuka_pipelines.exports.opening import Bag
from genuka_pipelines.systems.database import Database
from tests.conftest import ROUNDS, SEED
from tests.exports.world import (
    ALPHA,
    BETA,
    CUSTOMERS,
    FILES,
    LINES,
    NOW,
    OPENER,
    ORDERS,
    OWN,
    TAGS,
    ExportHouse,
    emptied,
    fill,
    mark_of,
    ndjson,
    rows,
)
from tests.servers import Kind, fresh_database

KINDS: tuple[Kind, ...] = ("postgresql", "mariadb")
SECRETS = (b"hash-of-", b"secret-of-", b"staff note", b"dsn")


@pytest.fixture(params=KINDS)
def house(request: pytest.FixtureRequest, house_on: Callable[[Kind], ExportHouse]) -> ExportHouse:
    return house_on(request.param)


def everything(bag: Bag) -> bytes:
    """Every member as plain bytes, unpacked."""
    found = []
    for name in bag.manifest:
        with bag.open(name) as file:
            data = file.read()
        if name.endswith(".gz"):
            data = gzip.decompress(data)
        elif name.endswith(".zst"):
            data = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
        elif name.endswith(".parquet"):
            with bag.open(name) as file:
                data = repr(pq.read_table(file).to_pylist()).encode()
        found.append(name.encode() + b"\n" + data)
    return b"\n".join(found)


def keys_of(house: ExportHouse, tenant: str, database: Database | None = None) -> dict[str, set[Any]]:
    """What a tenant has, asked by queries that know the small schema by heart."""
    mine = sa.select(ORDERS.c.id).where(ORDERS.c.company_id == tenant)
    named = [str(number) for (number,) in rows(house, mine, database)]
    files = ((FILES.c.model_type == "order") & FILES.c.model_id.in_(named)) | (FILES.c.model_id == tenant)
    asked = {
        "customers": sa.select(CUSTOMERS.c.id).where(CUSTOMERS.c.company_id == tenant),
        "orders": mine,
        "order_lines": sa.select(LINES.c.id).where(LINES.c.order_id.in_(mine)),
        "media": sa.select(FILES.c.id).where(files),
    }
    return {name: {row[0] for row in rows(house, query, database)} for name, query in asked.items()}


def check(house: ExportHouse, tenant: str) -> str:
    """Export a tenant and look at everything that came; the digest of the plain archive."""
    database = house.own if tenant == OWN else None
    archive = house.export(tenant, f"request-{len(house.control.deliveries.open(NOW))}")
    wanted = keys_of(house, tenant, database)
    with house.bag(archive) as bag:
        assert bag.verify() == archive.media
        found = {name: {row["id"] for row in ndjson(bag, name)} for name in wanted}
        assert found == wanted
        tags = rows(house, sa.select(TAGS.c.name).where(TAGS.c.company_id == tenant), database)
        assert sorted((row["name"],) for row in ndjson(bag, "tags")) == sorted(tags)
        numbers = {one["key"].split("/")[0] for one in bag.media()}
        assert numbers == wanted["media"]
        for one in bag.media():
            assert bag.small(f"data/media/{one['sha256']}") == house.store("media_store").get(one["key"])
        plain = everything(bag)
        strangers = [mark_of(other).encode() for other in (ALPHA, BETA, OWN) if other != tenant]
        assert [one for one in strangers if one in plain] == []
        assert [one for one in SECRETS if one in plain.replace(b"dsn_secret_ref", b"")] == []
        assert mark_of(tenant).encode() in plain or not wanted["customers"]
        for name in bag.tables:
            with bag.open(f"data/parquet/{name}.parquet") as file:
                assert pq.read_table(file).num_rows == bag.tables[name].rows == len(ndjson(bag, name))
    return archive.plain


@pytest.mark.parametrize("seed", range(SEED, SEED + max(1, ROUNDS // 25)))
def test_an_export_has_all_of_a_tenant_and_nothing_of_another(house: ExportHouse, seed: int) -> None:
    dice = Random(seed)
    emptied(house)
    turns = [(ALPHA, None), (BETA, None), (OWN, house.own)] * dice.randint(1, 2)
    dice.shuffle(turns)
    for number, (tenant, database) in enumerate(turns):
        if not keys_of(house, tenant, database)["customers"]:
            fill(house, tenant, dice, customers=dice.randint(0, 4), database=database)
        elif number % 2:
            orders = sa.select(ORDERS.c.id, sa.literal(mark_of(tenant))).where(ORDERS.c.company_id == tenant)
            house.run(LINES.insert().from_select(["order_id", "label"], orders), database=database)
    for tenant in (ALPHA, BETA, OWN):
        check(house, tenant)
    assert house.control.ledger.verify().intact


def test_the_same_rows_give_the_same_bytes_and_others_do_not(house: ExportHouse) -> None:
    emptied(house)
    fill(house, ALPHA, Random(5))

    def again() -> str:
        archive = house.export(ALPHA, "same")
        forget(house, archive.delivery)
        return archive.plain

    first = again()
    house.run(ORDERS.update().values(note=ORDERS.c.note))  # moves rows about, and changes none
    fill(house, BETA, Random(6))
    assert again() == first
    house.run(ORDERS.update().where(ORDERS.c.company_id == ALPHA).values(note="new"))
    assert again() != first


def forget(house: ExportHouse, delivery: str) -> None:
    """As if a request had never been answered."""
    with house.control._database.begin() as connection:
        connection.execute(sa.text("DELETE FROM deliveries WHERE id = :id"), {"id": delivery})
    store = house.store("exports")
    for one in list(store.list("tenants/", versions=True)):
        store.delete(one.key, version=one.version)


def test_what_is_loaded_elsewhere_is_the_same_and_goes_on_counting(house: ExportHouse) -> None:
    emptied(house)
    fill(house, ALPHA, Random(7))
    archive = house.export(ALPHA, "load")
    path = house.folder / "load.tar.age"
    path.write_bytes(house.store("exports").get(archive.key))
    with fresh_database(house.kind) as into:
        found = load(path, into, OPENER, house.work)
        assert (found.tables, found.rows, found.media) == (archive.tables, archive.rows, archive.media)
        engine = sa.create_engine(into, poolclass=sa.NullPool)
        with engine.begin() as connection:
            asked = sa.select(ORDERS.c.id, ORDERS.c.note, ORDERS.c.blob, ORDERS.c.details).order_by(ORDERS.c.id)
            mine = rows(house, asked.where(ORDERS.c.company_id == ALPHA))
            assert [tuple(row) for row in connection.execute(asked)] == mine
            assert connection.execute(sa.select(CUSTOMERS.c.password)).scalars().all() == [None] * 3
            made = connection.execute(ORDERS.insert().values(company_id=ALPHA, note="after"))
            assert made.inserted_primary_key is not None
            assert made.inserted_primary_key[0] == max(row[0] for row in mine) + 1
    assert not list(house.work.glob("opened-*"))


def test_rows_of_one_tenant_in_two_databases_are_one_table(house: ExportHouse) -> None:
    emptied(house)
    people = [{"id": f"p{number}", "company_id": OWN, "password": "hash-of-"} for number in range(9)]
    house.run(CUSTOMERS.insert().values(people[::2]))
    house.run(CUSTOMERS.insert().values(people[1::2]), database=house.own)
    with house.bag(house.export(OWN, "two")) as bag:
        assert {row["id"] for row in ndjson(bag, "customers")} == {one["id"] for one in people}
        assert bag.tables["customers"].rows == 9
    emptied(house)


def test_what_is_told_of_it(house: ExportHouse) -> None:
    emptied(house)
    fill(house, ALPHA, Random(8))
    house.asked.clear()
    steps: list[str] = []
    archive = house.export(ALPHA, "told", progress=lambda step, *_: steps.append(step), directory=house.folder)
    assert archive.copy is not None
    assert archive.copy.read_bytes() == house.store("exports").get(archive.key)
    assert {"prove", "read", "media", "pack", "reimport", "seal", "deliver"} <= set(steps)
    assert len(house.asked) == 2
    (entry,) = house.control.ledger.latest(ExportMade, archive.delivery)
    assert (entry.body.rows, entry.body.plain, entry.body.excluded) == (archive.rows, archive.plain, 4)
    assert not (house.work / archive.delivery[:32]).exists()
    (delivery,) = house.control.deliveries.of("told")
    assert (delivery.id, delivery.key, delivery.expires_at) == (archive.delivery, archive.key, archive.expires)
    with house.bag(archive) as bag:
        left_out = json.loads(bag.small("data/compliance/exclusions.json"))
        assert {(one["table"], one["column"], one["reason"]) for one in left_out["left_out"]} == {
            ("customers", "password", "secret"), ("support_logs", None, "recorded_by_us"),
            ("tenant_databases", "dsn_secret_ref", "secret"), ("tokens", None, "key_is_secret"),
        }  # fmt: skip
        assert left_out["foreign_keys"] == ["orders.fk_orders_plan"]
        assert set(left_out["reasons"]["secret"]) == {"fr", "en"}
        (rule,) = {one["en"] for one in json.loads(bag.small("data/compliance/retention.json"))}
        assert "10 years" in rule
        readmes = [bag.small(f"data/README.{language}.md").decode() for language in ("fr", "en")]
        assert all(str(archive.rows) in text and "{" not in text for text in readmes)
    assert house.export(ALPHA, "told", directory=house.folder) == archive
