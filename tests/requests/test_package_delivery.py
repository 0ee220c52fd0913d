"""A package is sealed, written down, fetched by name, and gone after a month; in clear it is nowhere."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from genuka_pipelines.control.errors import NotOpaque, RequestNotThere
from genuka_pipelines.control.request import Request
from genuka_pipelines.exports import Opener, Recipient
from genuka_pipelines.exports.errors import WrongKey
from genuka_pipelines.keys import Secret
from genuka_pipelines.requests.package import Made, choose, fetch, hand_over, make
from genuka_pipelines.requests.package.errors import NoPlaceToPut, NoSuchPackage
from genuka_pipelines.requests.package.making import place
from genuka_pipelines.requests.person import Person
from genuka_pipelines.stores.errors import StoreUnreachable
from tests.requests.desk import Desk
from tests.requests.packages import TO, keyed, unsealed, whom
from tests.scenarios.sweeping_world import AS_OF, copied, shared_seeding, wall


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with copied(shared_seeding("postgresql")) as world:
        yield Desk(world)


@pytest.fixture
def asked(desk: Desk) -> Request:
    """A request of somebody's own each time."""
    keys = sorted(desk.world.ids("select id from job_applications where cv_key is not null and hired_at is null"))
    return desk.open("access", f"applicant:{keys[len(desk.house.control.requests.all())]}")


def person_of(desk: Desk, request: Request) -> str:
    (key,) = request.opened(desk.house.keyring)["keys"]["applicant"]
    return str(key)


def made(desk: Desk, request: Request, to: Recipient = TO) -> Made:
    key = person_of(desk, request)
    choice = choose(desk.house, "access", keyed("applicant", key), {}, as_of=AS_OF)
    return make(desk.house, request, whom(f"applicant:{key}"), choice, to=to, as_of=AS_OF, now=wall())


def test_it_is_sealed_for_whoever_asked_and_delivered_once(desk: Desk, asked: Request, tmp_path: Path) -> None:
    first = made(desk, asked)
    assert made(desk, asked) == first
    assert first.key.startswith("requests/")
    assert asked.id not in first.key
    (known,) = desk.house.control.deliveries.of(asked.id)
    assert (known.kind, known.id, known.sha256, known.size) == ("access", first.delivery, first.sha256, first.size)
    assert known.expires_at - known.made_at >= timedelta(days=28)
    fetched = fetch(desk.house, asked.id, tmp_path / "package.age", by="staff-1", now=wall())
    assert fetched.downloads == 1
    assert fetched.path.stat().st_mode & 0o777 == 0o600
    opened = unsealed(fetched.path)
    assert opened.data["request"] == asked.id
    assert opened.tables["job_applications"]["count"] == first.rows == 1
    again = fetch(desk.house, asked.id, tmp_path / "again.age", by="staff-1", now=wall())
    assert again.downloads == 2
    assert desk.house.control.ledger.verify().intact
    with pytest.raises(WrongKey):
        unsealed(fetched.path, Opener(passphrase=Secret(b"another passphrase")))


def test_it_waits_for_a_key_and_is_refused_where_only_a_tenant_can_answer(desk: Desk, asked: Request) -> None:
    person, tenants = keyed("applicant", person_of(desk, asked)), {"t": 3}

    def handed(who: Person, routed: dict[str, int], to: Recipient | None) -> tuple[object, object, dict[str, object]]:
        found = hand_over(desk.house, asked, whom("+33612345678"), who, routed, to=to, as_of=AS_OF, now=wall())
        return found[0], found[1], dict(found[2])

    nobody = keyed("applicant", "nobody")
    assert handed(nobody, tenants, TO) == ("refused", "for_the_tenant", {"routed": tenants})
    assert handed(nobody, {}, None) == ("refused", "nothing_found", {"routed": {}})
    assert handed(person, tenants, None) == ("running", "recipient", {"rows": 1, "routed": tenants})
    assert desk.house.control.deliveries.of(asked.id) == ()
    status, reason, done = handed(person, tenants, TO)
    assert (status, reason, done["rows"], done["routed"]) == ("done", None, 1, tenants)
    assert len(desk.house.control.deliveries.of(asked.id)) == 1


def test_what_is_over_withdrawn_altered_or_never_was_cannot_be_fetched(
    desk: Desk, asked: Request, tmp_path: Path
) -> None:
    to = tmp_path / "package.age"
    with pytest.raises(NoSuchPackage, match="nothing was handed over"):
        fetch(desk.house, asked.id, to, by="staff-1", now=wall())
    with pytest.raises(RequestNotThere):
        fetch(desk.house, "bbbbbbbbbbbb", to, by="staff-1", now=wall())
    delivered = made(desk, asked)
    with pytest.raises(NotOpaque):
        fetch(desk.house, asked.id, to, by="Ann Example <ann@example.org>", now=wall())
    with pytest.raises(NoSuchPackage, match="its time is over"):
        fetch(desk.house, asked.id, to, by="staff-1", now=wall() + timedelta(days=40))
    with pytest.raises(NoPlaceToPut):
        fetch(desk.house, asked.id, tmp_path / "none" / "package.age", by="staff-1", now=wall())
    to.write_bytes(b"mine")
    with pytest.raises(NoPlaceToPut):
        fetch(desk.house, asked.id, to, by="staff-1", now=wall())
    assert to.read_bytes() == b"mine"
    to.unlink()
    store = desk.house.store(place(desk.house, wall())[0])
    store.put(delivered.key, b"something else", if_absent=False)
    with pytest.raises(NoSuchPackage, match="not in its store as it was made"):
        fetch(desk.house, asked.id, to, by="staff-1", now=wall())
    desk.house.control.deliveries.expire(delivered.delivery, now=wall())
    with pytest.raises(NoSuchPackage, match="withdrawn"):
        fetch(desk.house, asked.id, to, by="staff-1", now=wall())
    assert list(tmp_path.iterdir()) == []
    assert desk.house.control.deliveries.of(asked.id)[0].downloads == 0


def test_a_store_that_is_away_leaves_nothing_and_the_next_run_delivers(
    desk: Desk, asked: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = desk.house.store("exports")

    def away(*_: object, **__: object) -> None:
        raise StoreUnreachable("store exports does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(store, "put", away)
        with pytest.raises(StoreUnreachable):
            made(desk, asked)
    assert desk.house.control.deliveries.of(asked.id) == ()
    assert made(desk, asked).size > 0


def test_a_reader_that_fails_midway_says_its_own_error(
    desk: Desk, asked: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise StoreUnreachable("store media does not answer")

    monkeypatch.setattr(desk.house.store("media_store"), "open", away)
    with pytest.raises(StoreUnreachable, match="media"):
        made(desk, asked)
    assert desk.house.control.deliveries.of(asked.id) == ()


def test_a_killed_run_leaves_nothing_in_clear_and_the_next_one_delivers(desk: Desk, asked: Request) -> None:
    before = _files(desk)
    reached, said = os.pipe()
    child = os.fork()
    if not child:
        with suppress(BaseException):
            fresh = Desk(desk.world.opened())  # the parent's connections are not ours
            fresh.house.__dict__["catalog"] = desk.house.catalog

            def stuck(*_: object, **__: object) -> None:
                os.write(said, b"x")
                time.sleep(60)

            fresh.house.store("exports").put = stuck  # type: ignore[method-assign,assignment]
            made(fresh, asked)
        os._exit(0)
    os.close(said)
    assert os.read(reached, 1) == b"x"
    os.close(reached)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert _files(desk) == before
    delivered = made(desk, asked)
    new = set(_files(desk)) - set(before)
    assert new
    who = person_of(desk, asked)
    values = desk.world.ids(f"select email from job_applications where id = '{who}'") | {who}
    assert not [path for path in new for value in values if value.encode() in path.read_bytes()]
    assert delivered.key in {one.key for one in desk.house.store("exports").list("requests/")}


def test_after_a_month_the_sweep_takes_it(desk: Desk, asked: Request) -> None:
    delivered = made(desk, asked)
    store = desk.house.store("exports")
    assert delivered.key in {one.key for one in store.list("requests/")}
    (kept,) = desk.house.catalog.categories["own/requests"].objects
    assert kept.prefix == "requests/"
    assert kept.keep is not None
    assert kept.keep.end(wall()) >= delivered.expires_at
    assert kept.ended_by == "retention_sweep"


def _files(desk: Desk) -> list[Path]:
    """Everything that lies in the house, or among its temporary files."""
    temporary = [path for path in Path(tempfile.gettempdir()).glob("genuka-*") if path.is_file()]
    return sorted([*(path for path in desk.world.folder.rglob("*") if path.is_file()), *temporary])
