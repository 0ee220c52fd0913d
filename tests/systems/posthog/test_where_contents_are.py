"""Which contents a house opens: PostHog over HTTP, a folder that stands for it in a demo, people, or nothing at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from genuka_pipelines.catalog.load import load_catalog
from genuka_pipelines.demo.seed import Target
from genuka_pipelines.demo.stand_ins import make_stand_ins
from genuka_pipelines.rows.content import Contents
from genuka_pipelines.runtime import Runtime, open_runtime
from genuka_pipelines.settings import Misconfigured, NotConfigured, Settings, StackFile, load_settings
from genuka_pipelines.stores.errors import NoSuchFolder
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.locks import utc_now
from tests.servers import fresh_database
from tests.systems.posthog.stand_in import posthog

HTTPS = {"POSTHOG_URL": "https://eu.posthog.com", "POSTHOG_PROJECT": "4711"}


def load(home: Path, **variables: str) -> Settings:
    return load_settings({f"GENUKA_{name}": value for name, value in variables.items()}, home=home)


@pytest.fixture
def key(tmp_path: Path) -> str:
    file = tmp_path / "posthog.key"
    file.write_text("phx_a-key")
    file.chmod(0o600)
    return str(file)


def test_posthog_is_reached_by_what_the_settings_say(tmp_path: Path) -> None:
    with posthog(recordings={"rec-1", "rec-2"}) as there:
        settings = load_settings(there.environment(tmp_path), home=tmp_path)
        with open_runtime(settings) as house:
            contents: Contents = house.contents("posthog")
            assert house.contents("posthog") is contents
            assert contents.destroy(["rec-1"]) == {"rec-1": None}
            assert contents.remaining(["rec-1", "rec-2"]) == {"rec-1": False, "rec-2": True}
            assert house.host("posthog") is None  # this machine proves no place
    assert there.recordings == {"rec-2"}


def test_production_without_posthog_says_so_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match=r"^the service posthog is not configured: set GENUKA_POSTHOG_URL$"):
        Runtime(load(tmp_path)).contents("posthog")
    with pytest.raises(NotConfigured):
        Runtime(load(tmp_path)).host("posthog")


def test_production_leaves_chats_to_a_declared_procedure(tmp_path: Path) -> None:
    answer = Runtime(load(tmp_path)).contents("tawk_to").destroy(["01"])["01"]
    assert answer is not None
    assert answer.reason == "by_hand"
    procedure = load_catalog().procedures[str(answer.procedure)]
    assert {"GL-08", "GL-11"} <= set(procedure.clauses)


def test_a_database_holds_no_contents(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured):
        Runtime(load(tmp_path)).contents("genuka_database")


def test_the_host_of_posthog_is_the_one_that_is_set(tmp_path: Path, key: str) -> None:
    settings = load(tmp_path, **HTTPS, POSTHOG_KEY_FILE=key)
    assert Runtime(settings).host("posthog") == "eu.posthog.com"
    assert "phx_a-key" not in repr(settings) + settings.model_dump_json()
    assert (settings.service("posthog").requests_per_minute, settings.service("posthog").requests_per_hour) == (
        200,
        1000,
    )


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (HTTPS, "GENUKA_POSTHOG_URL is a service: set its _PROJECT and its _KEY_FILE too"),
        (HTTPS | {"POSTHOG_URL": "http://eu.posthog.com"}, "GENUKA_POSTHOG_URL is not encrypted"),
        (HTTPS | {"POSTHOG_URL": "https://u:s3cret@h"}, "GENUKA_POSTHOG_URL holds more than a place"),
        (HTTPS | {"POSTHOG_URL": "eu.posthog.com"}, "GENUKA_POSTHOG_URL is not an address"),
        (HTTPS | {"POSTHOG_PROJECT": "@current"}, "GENUKA_POSTHOG_PROJECT is not a project's number"),
        (HTTPS | {"POSTHOG_KEY_FILE": "/nowhere/key"}, "GENUKA_POSTHOG_KEY_FILE names /nowhere/key"),
        (HTTPS | {"POSTHOG_REQUESTS_PER_MINUTE": "fast"}, "GENUKA_POSTHOG_REQUESTS_PER_MINUTE is not a number"),
        (HTTPS | {"POSTHOG_REQUESTS_PER_HOUR": "0"}, "GENUKA_POSTHOG_REQUESTS_PER_HOUR is not a number"),
        ({"POSTHOG_PROJECT": "1"}, "GENUKA_POSTHOG_URL is not set"),
        ({"POSTHOG_URL": "file:///x", "POSTHOG_PROJECT": "1"}, "GENUKA_POSTHOG_URL is a folder: leave out"),
        ({"POSTHOG_URL": "file://x/y"}, "GENUKA_POSTHOG_URL is not an absolute folder"),
        (
            {"POSTHOG_URL": "file:///x", "STORE_MEDIA": "file:///x"},
            "GENUKA_POSTHOG_URL name the same place",
        ),
        ({"TAWK_TO_URL": "https://api.tawk.to"}, "GENUKA_TAWK_TO_URL is a service"),
        ({"POSTHOG_KEY": "phx_s3cret"}, "write GENUKA_POSTHOG_KEY_FILE"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, variables: dict[str, str], sentence: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        load(tmp_path, **variables)
    assert sentence in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_tawk_to_is_only_ever_a_folder(tmp_path: Path, key: str) -> None:
    fields = {"url": "https://api.tawk.to", "project": "1", "key_file": key}
    with pytest.raises(ValueError, match="GENUKA_TAWK_TO_URL is no folder"):
        Settings.model_validate({"services": {"tawk_to": fields}})


def test_a_folder_stands_in_only_beside_the_synthetic_database(tmp_path: Path) -> None:
    home = tmp_path.resolve()
    stack = StackFile(
        home=home,
        databases={name: f"postgresql://postgres@/{name}?host=/r" for name in ("genuka", "genletter")},
        services={"posthog": (home / "p").as_uri(), "tawk_to": (home / "t").as_uri()},
    )
    (home / "stack.json").write_text(stack.model_dump_json())
    assert set(load(home).services) == {"posthog", "tawk_to"}
    assert set(load(home, DATABASE_URL="mysql://u@h/d").services) == {"tawk_to"}
    assert set(load(home, GENLETTER_URL="mysql://u@h/d").services) == {"posthog"}
    with pytest.raises(NotConfigured):
        Runtime(load(home, DATABASE_URL="mysql://u@h/d")).contents("posthog")
    with pytest.raises(NoSuchFolder):  # a folder that is gone is not an empty one
        Runtime(load(home)).contents("posthog")
    with pytest.raises(Misconfigured, match="GENUKA_POSTHOG_URL is not set"):
        load(home, POSTHOG_PROJECT="1")
    old = json.loads(stack.model_dump_json())
    del old["services"]
    (home / "stack.json").write_text(json.dumps(old))
    assert load(home).services == {}


def test_a_demo_has_one_object_for_each_recording_and_each_chat(tmp_path: Path) -> None:
    folders = {"posthog": tmp_path / "p q", "tawk_to": tmp_path / "t"}
    settings = load(tmp_path, POSTHOG_URL=folders["posthog"].as_uri(), TAWK_TO_URL=folders["tawk_to"].as_uri())
    with fresh_database("postgresql") as url:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE session_recordings (id text)")
            connection.exec_driver_sql("CREATE TABLE chat_conversations (id text)")
            connection.exec_driver_sql(
                "INSERT INTO session_recordings SELECT 'rec-' || n FROM generate_series(1, 500) n"
            )
            connection.exec_driver_sql("INSERT INTO chat_conversations VALUES ('01HF7YAT0Z3K6QJ5X9V2M8N4RB')")
        target = Target(engine, engine, lambda _: engine, lambda *_: None)
        assert make_stand_ins(settings, target, now=utc_now()) == 501
        with open_runtime(settings) as house:
            chats = house.contents("tawk_to")
            assert chats.destroy(["01HF7YAT0Z3K6QJ5X9V2M8N4RB"]) == {"01HF7YAT0Z3K6QJ5X9V2M8N4RB": None}
            recordings = house.contents("posthog")
            assert recordings.remaining(["rec-1", "rec-501"]) == {"rec-1": True, "rec-501": False}
            assert recordings.destroy(["rec-1", "rec-501"]) == {"rec-1": None, "rec-501": None}
        assert len(list(FolderStore(folders["posthog"], name="p").list(versions=True))) == 499
        assert make_stand_ins(settings, target, now=utc_now()) == 501
        engine.dispose()
    assert len(list(FolderStore(folders["posthog"], name="p").list(versions=True))) == 500


def test_nothing_is_ever_written_to_the_service_itself(tmp_path: Path) -> None:
    with posthog(recordings={"rec-1"}) as there:
        settings = load_settings(there.environment(tmp_path), home=tmp_path)
        engine = sa.create_engine("sqlite://")
        assert make_stand_ins(settings, Target(engine, engine, lambda _: engine, lambda *_: None), now=utc_now()) == 0
        assert there.asked == []
