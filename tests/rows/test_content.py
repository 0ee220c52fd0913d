"""Contents of rows in stores: all of a key goes, nothing of another does, and what is unknown is not gone."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.rows.content import ByHand, Contents, Failure
from genuka_pipelines.rows.contents_in_stores import ContentsInStore, shelved
from genuka_pipelines.rows.contents_one_by_one import ask_each
from genuka_pipelines.stores.errors import ForeignFile, NoSuchObject
from genuka_pipelines.stores.folder.refill import refill
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.locks import utc_now
from genuka_pipelines.stores.store import Store, Stored
from tests.stores.backends import Backend, BucketBackend, FolderBackend
from tests.stores.servers import ministack

ULID = "01HF7YAT0Z3K6QJ5X9V2M8N4RB"
UUID = "0190a5b2-7c3d-7e4f-8a1b-2c3d4e5f6a7b"
MEDIA = (
    "12/Contrat Amina Ngo été.pdf",
    "12/conversions/logo 🌺 final-thumb.png",
    "12/conversions/logo 🌺 final-webp.webp",
    "120/photo.png",
    "1/photo.png",
    "12-old/photo.png",
    "12.png",
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as made:
        yield Path(made)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch, ministack(tmp_path_factory.mktemp("ministack")) as running:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "AKTEST")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "SKTEST")
        yield running


@pytest.fixture(params=["folder", "bucket"])
def backend(request: pytest.FixtureRequest, folder: Path) -> Backend:
    if request.param == "folder":
        return FolderBackend(Path(tempfile.mkdtemp(dir=folder)))
    return BucketBackend(request.getfixturevalue("endpoint"))


@pytest.fixture
def store(backend: Backend) -> Store:
    return backend.open()


def put(store: Store, *keys: str, versions: int = 1) -> None:
    for key in keys:
        for number in range(versions):
            store.put(key, f"{key} {number}".encode(), if_absent=False)


def names(store: Store) -> set[str]:
    """Every key of which anything is left, hidden or not."""
    return {version.key for version in store.list(versions=True)}


def test_a_key_takes_all_conversions_and_versions_and_nothing_of_its_neighbours(store: Store) -> None:
    put(store, *MEDIA, versions=3)
    store.delete(MEDIA[1])  # hidden behind a marker, and still there
    here = ContentsInStore(store)
    assert here.remaining(["12", "7"]) == {"12": True, "7": False}
    assert here.destroy(["12", "7", ""]) == {"12": None, "7": None, "": None}
    assert names(store) == set(MEDIA[3:])
    assert here.remaining(["12", "1", ""]) == {"12": False, "1": True, "": False}
    assert here.destroy(["12"]) == {"12": None}


@pytest.mark.parametrize("key", [ULID, UUID, ULID.lower(), UUID.upper(), "0", "18446744073709551615"])
def test_every_kind_of_row_number_is_a_folder_of_its_own(folder: Path, key: str) -> None:
    store = FolderStore(Path(tempfile.mkdtemp(dir=folder)), name="media", create=True)
    put(store, f"{key}/a.png", f"{key}/conversions/a-thumb.png")
    assert ContentsInStore(store).destroy([key]) == {key: None}
    assert names(store) == set()


def test_a_path_is_one_object(store: Store) -> None:
    put(store, "applications/01/cv.pdf", "applications/01/cv.pdf.bak", "applications/011/cv.pdf", versions=2)
    assert ContentsInStore(store).destroy(["applications/01/cv.pdf"]) == {"applications/01/cv.pdf": None}
    assert names(store) == {"applications/01/cv.pdf.bak", "applications/011/cv.pdf"}


def test_a_folder_of_many_is_never_taken_for_one_row(store: Store) -> None:
    put(store, "applications/01/cv.pdf", "applications/02/cv.pdf")
    keys = ["applications", "applications/01", "applications/", "/applications/01", "https://h/12"]
    answers = ContentsInStore(store).destroy(keys)
    assert [answer and answer.reason for answer in answers.values()] == ["unfit_key"] * 5
    assert ContentsInStore(store).remaining(keys) == dict.fromkeys(keys)
    assert len(names(store)) == 2


def test_what_is_retained_is_named_and_the_rest_goes(store: Store) -> None:
    if store.capabilities().lock == "none":
        pytest.skip("this server locks nothing")
    store.put("12/locked.pdf", b"x", retain_until=utc_now() + timedelta(hours=1))
    put(store, "13/free.pdf")
    answers = ContentsInStore(store).destroy(["12", "13"])
    assert [answer and answer.reason for answer in answers.values()] == ["locked", None]
    assert ContentsInStore(store).remaining(["12", "13"]) == {"12": True, "13": False}


def test_a_place_that_is_lost_makes_nothing_gone(backend: Backend) -> None:
    put(backend.open(), "12/a.png")
    here = ContentsInStore(backend.lost())
    answers = here.destroy(["12", "13"])
    assert {answer.reason for answer in answers.values() if answer} == {"refused"}
    assert None not in answers.values()
    assert here.remaining(["12"]) == {"12": None}


def test_no_sentence_shows_a_name_and_each_is_the_same_for_all(folder: Path) -> None:
    store = FolderStore(Path(tempfile.mkdtemp(dir=folder)), name="media", create=True)
    keys = [f"Contrat Amina Ngo {n}.pdf" for n in range(3)]
    for key in keys:
        store.put(key, b"x", retain_until=utc_now() + timedelta(hours=1))
        store.put(f"{key} folder/x", b"x")
    answers = ContentsInStore(store).destroy([*keys, *(f"{key} folder" for key in keys)])
    says = {answer.says for answer in answers.values() if answer}
    assert len(says) == 2
    assert not [text for text in says if "Amina" in text]


def test_what_is_put_back_at_once_is_not_called_gone(folder: Path) -> None:
    class Haunted(FolderStore):
        def delete(self, key: str, *, version: str | None = None) -> str | None:
            gone = super().delete(key, version=version)
            self.put(key, b"again", if_absent=False)
            return gone

    store = Haunted(Path(tempfile.mkdtemp(dir=folder)), name="media", create=True)
    put(store, "12/a.png")
    answer = ContentsInStore(store).destroy(["12"])["12"]
    assert answer is not None
    assert answer.reason == "still_there"


def test_two_at_once_meet_no_error(folder: Path) -> None:
    root = Path(tempfile.mkdtemp(dir=folder))
    keys = [f"{n}" for n in range(300)]
    refill(root, ((f"{key}/conversions/a.png", b"x") for key in keys), name="media", now=utc_now())
    answers: list[dict[str, Failure | None]] = []
    workers = [
        threading.Thread(target=lambda: answers.append(ContentsInStore(FolderStore(root, name="media")).destroy(keys)))
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [set(found.values()) for found in answers] == [{None}, {None}]
    assert names(FolderStore(root, name="media")) == set()


numbers = st.integers(1, 130).map(str)
paths = st.builds("{}/{}.pdf".format, st.sampled_from(["cv", "invoices", "1a"]), st.integers(1, 12))


@given(st.sets(numbers, max_size=8), st.sets(paths, max_size=8), st.data())
def test_exactly_what_the_keys_own_is_destroyed(
    folder: Path, rows: set[str], files: set[str], data: st.DataObject
) -> None:
    store = FolderStore(Path(tempfile.mkdtemp(dir=folder)), name="media", create=True)
    objects = {row: [f"{row}/a.png", f"{row}/conversions/a-thumb.png"] for row in rows}
    objects |= {file: [file] for file in files}
    put(store, *(name for owned in objects.values() for name in owned))
    doomed = data.draw(st.sets(st.one_of(numbers, paths), max_size=8)) | set(sorted(objects)[::2])
    here = ContentsInStore(store)
    assert here.destroy(sorted(doomed)) == dict.fromkeys(doomed)
    spared = {key: owned for key, owned in objects.items() if key not in doomed}
    assert names(store) == {name for owned in spared.values() for name in owned}
    assert here.remaining([*objects, *doomed]) == {key: key in spared for key in (*objects, *doomed)}


def test_a_defect_is_raised_and_stops_the_rest() -> None:
    asked: list[str] = []

    def ask(key: str) -> None:
        asked.append(key)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask_each([str(n) for n in range(1000)], ask, lambda _: Failure("refused", ""), nothing=None)
    assert len(asked) < 1000


def test_failures_of_single_keys_stop_nobody() -> None:
    def ask(key: str) -> None:
        raise GenukaError(key)

    def with_reason(reason: str) -> Callable[[GenukaError], Failure]:
        return lambda error: Failure(reason, str(error))  # type: ignore[arg-type]

    keys = [str(n) for n in range(100)]
    locked = ask_each(keys, ask, with_reason("locked"), nothing=None)
    assert [answer and answer.says for answer in locked.values()] == keys
    refused = ask_each(keys, ask, with_reason("refused"), nothing=None)
    assert len({answer and answer.says for answer in refused.values()}) < 20
    assert None not in refused.values()


def test_what_only_people_delete_waits() -> None:
    here: Contents = ByHand("tawk_to", "chat_deletions")
    answers = here.destroy(["a", ""])
    assert answers[""] is None
    assert (answer := answers["a"])
    assert (answer.reason, answer.procedure) == ("by_hand", "chat_deletions")
    assert "chat_deletions" in answer.says
    assert here.remaining(["a", ""]) == {"a": None, "": False}


def test_a_refilled_store_is_a_store_like_any_other(folder: Path) -> None:
    root = Path(tempfile.mkdtemp(dir=folder)) / "posthog"
    keys = [f"rec-{n}" for n in range(300)]
    assert refill(root, ((shelved(key), key.encode()) for key in keys), name="posthog", now=utc_now()) == 300
    store = FolderStore(root, name="posthog")
    assert store.get(shelved("rec-7")) == b"rec-7"
    assert (root / shelved("rec-7")).read_bytes() == b"rec-7"
    assert {one.key for one in store.list()} == {shelved(key) for key in keys}
    assert store.sweep() == 0
    here = ContentsInStore(store, named=shelved)
    assert set(here.destroy(keys[:100]).values()) == {None}
    assert sum(bool(left) for left in here.remaining(keys).values()) == 200
    (root / "of-somebody").write_text("else")
    assert refill(root, [(shelved("new"), b"new")], name="posthog", now=utc_now()) == 1
    assert names(store) == {shelved("new")}
    with pytest.raises(NoSuchObject):
        store.head(shelved("rec-200"))
    assert (root / "of-somebody").exists()


def test_a_refill_never_empties_a_store_that_holds_anything_else(folder: Path) -> None:
    root = Path(tempfile.mkdtemp(dir=folder))
    store = FolderStore(root, name="france", create=True)
    put(store, "backup/1")
    with pytest.raises(ForeignFile):
        refill(root, [], name="posthog", now=utc_now())
    assert names(store) == {"backup/1"}


def test_every_listed_version_is_deleted_by_its_own_name(folder: Path) -> None:
    """Also where a server lists two versions of one second in either order."""

    class Shuffled(FolderStore):
        def list(self, prefix: str = "", *, versions: bool = False) -> Iterator[Stored]:
            return iter(sorted(super().list(prefix, versions=versions), key=lambda one: (one.key, one.version)))

    store = Shuffled(Path(tempfile.mkdtemp(dir=folder)), name="media", create=True)
    put(store, "12/a.png", "12/b.png", versions=4)
    assert ContentsInStore(store).destroy(["12"]) == {"12": None}
