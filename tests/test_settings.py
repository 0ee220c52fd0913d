"""Wrong surroundings are refused in one sentence, and nothing printed ever shows a password."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import URL

from genuka_pipelines.settings import (
    EMBEDDABLE,
    Misconfigured,
    NotConfigured,
    Settings,
    StackFile,
    home_of,
    load_settings,
    wanted_parts,
)

SECRET = "s3cr3t-Pa55"


def load(home: Path = Path("/nowhere"), **variables: str) -> Settings:
    return load_settings({f"GENUKA_{name}": value for name, value in variables.items()}, home=home)


@pytest.mark.parametrize(
    ("written", "opened"),
    [
        ("postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgres://u:p@h:5433/d", "postgresql+psycopg://u:p@h:5433/d"),
        ("postgresql+psycopg://u@/d?host=%2Frun%2Fpg", "postgresql+psycopg://u@/d?host=%2Frun%2Fpg"),
        ("mysql://u:p%40%2F@h/d", "mysql+pymysql://u:p%40%2F@h/d?charset=utf8mb4"),
        ("mariadb://u@h/d", "mysql+pymysql://u@h/d?charset=utf8mb4"),
        ("  mysql://u@h/d?charset=utf8mb4 ", "mysql+pymysql://u@h/d?charset=utf8mb4"),
    ],
)
def test_an_address_gets_the_driver_that_is_installed(written: str, opened: str) -> None:
    assert load(DATABASE_URL=written).url("genuka").render_as_string(hide_password=False) == opened


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"DATABASE_URL": "nonsense"}, "GENUKA_DATABASE_URL is not an address"),
        ({"DATABASE_URL": f"postgresql://u:{SECRET}@h:port/d"}, "GENUKA_DATABASE_URL is not an address"),
        ({"GENLETTER_URL": f"sqlite://u:{SECRET}@/x"}, "GENUKA_GENLETTER_URL begins with sqlite://"),
        ({"DATABASE_URL": f"mysql+mysqldb://u:{SECRET}@h/d"}, "begins with mysql+mysqldb://"),
        ({"CONTROL_URL": f"mysql://u:{SECRET}@h"}, "GENUKA_CONTROL_URL names no database"),
        ({"ANALYTICS_URL": f"postgresql://h/d?password={SECRET}"}, "GENUKA_ANALYTICS_URL holds a secret"),
        ({"DATABASE_URL": f"mysql://u:{SECRET}@h/d?charset=latin1"}, "charset that damages names"),
        ({"DATABASE_URI": f"mysql://u:{SECRET}@h/d"}, "write GENUKA_DATABASE_URL"),
        ({"HOMEE": "/x"}, "GENUKA_HOMEE is not a variable of this program: write GENUKA_HOME"),
        ({"STORE_FRNCE": "/x"}, "write GENUKA_STORE_FRANCE"),
        ({"STORE_GERMANY": "/x"}, "write GENUKA_STORE_<MEDIA|FRANCE|USA|EXPORTS|PUBLISHED>"),
        ({"STORE_FRANCE": "/backups"}, "GENUKA_STORE_FRANCE is not a store: write file:///"),
        ({"STORE_FRANCE": "file://backups/x"}, "GENUKA_STORE_FRANCE is not an absolute folder"),
        ({"STORE_FRANCE": "file:///"}, "GENUKA_STORE_FRANCE is not an absolute folder"),
        ({"STORE_FRANCE": "s3://x/y"}, "GENUKA_STORE_FRANCE names no bucket"),
        ({"STORE_FRANCE": "s3://[bad"}, "GENUKA_STORE_FRANCE is not a store"),
        ({"STORE_FRANCE": f"s3://key:{SECRET}@bucket/y"}, "leave credentials to the S3 client"),
        ({"STORE_USA_ENDPOINT": "https://s3.example"}, "GENUKA_STORE_USA is not set"),
        ({"STORE_USA": "file:///x", "STORE_USA_REGION": "us"}, "GENUKA_STORE_USA is a folder"),
        ({"STORE_USA": "s3://b-usa", "STORE_USA_ENDPOINT": "s3.example"}, "_ENDPOINT is not an endpoint"),
        ({"STORE_USA": "s3://bucket/a", "STORE_FRANCE": "s3://bucket/a/"}, "name the same place"),
        ({"STORE_USA": "file:///a%20b", "STORE_FRANCE": "file:///a b"}, "name the same place"),
        (
            {"CONTROL_URL": f"postgres://a:{SECRET}@h/d", "DATABASE_URL": "postgresql://b@h/d"},
            "GENUKA_CONTROL_URL and GENUKA_DATABASE_URL name the same database",
        ),
        ({"KEY_SIGNING_FILE": "/nowhere/key"}, "GENUKA_KEY_SIGNING_FILE names /nowhere/key"),
        ({"KEY_SIGNING": SECRET}, "write GENUKA_KEY_SIGNING_FILE"),
        ({"KEY_FILE": SECRET}, "write GENUKA_KEY_<NAME>_FILE"),
        ({"TENANT_DSN_ACME": f"mysql://u:{SECRET}@h/d"}, "write GENUKA_TENANT_DSN__ACME"),
        ({"TENANT_DSN__ACME": f"mysql:/u:{SECRET}@h/d"}, "GENUKA_TENANT_DSN__ACME is not an address"),
        ({"ASSETS": "/nowhere"}, "GENUKA_ASSETS names /nowhere"),
        ({"HOME": "~no-such-user-here/x"}, "GENUKA_HOME cannot be made an absolute path"),
    ],
)
def test_a_mistake_is_one_sentence_without_the_secret(variables: dict[str, str], sentence: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        load_settings({f"GENUKA_{name}": value for name, value in variables.items()})
    text = str(caught.value)
    assert sentence in text
    assert SECRET not in text
    assert "\n" not in text
    assert caught.value.exit_code == 2
    assert caught.value.__cause__ is None


@given(st.text(min_size=4, max_size=40).filter(lambda text: text.strip() and "*" not in text))
def test_no_printed_form_shows_a_password(password: str) -> None:
    password = f"pw{password}"
    url = URL.create("postgresql", "u", password, "h", None, "d").render_as_string(hide_password=False)
    settings = load(DATABASE_URL=url, TENANT_DSN__ACME=url.replace("/d", "/e"))
    assert settings.url("genuka").password == password
    for printed in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert password not in printed
        assert "**********" in printed


def test_what_nobody_configured_says_how(tmp_path: Path) -> None:
    settings = load(tmp_path)
    with pytest.raises(
        NotConfigured,
        match="the database genuka is not configured: set GENUKA_DATABASE_URL or run `genuka up`",
    ):
        settings.url("genuka")
    with pytest.raises(NotConfigured, match=r"analytics is not configured: set GENUKA_ANALYTICS_URL$"):
        settings.url("analytics")
    with pytest.raises(NotConfigured, match="the store usa is not configured: set GENUKA_STORE_USA or run `genuka up`"):
        settings.store("usa")
    with pytest.raises(NotConfigured, match="set GENUKA_TENANT_DSN__ACME_1"):
        settings.tenant_url("acme-1")
    with pytest.raises(NotConfigured, match="valid are genuka, genletter, control, analytics"):
        settings.url("oracle")
    with pytest.raises(NotConfigured, match="valid are media, france, usa, exports, published"):
        settings.store("germany")


def stack_file(home: Path) -> StackFile:
    return StackFile(
        home=home.resolve(),
        databases={
            "genuka": "postgresql+psycopg://postgres@/genuka?host=/r",
            "control": "postgresql://postgres@/c?host=/r",
        },
        tenants={
            "ACME": "postgresql://postgres@/tenant_acme?host=/r",
            "ZED": "postgresql://postgres@/tenant_zed?host=/r",
        },
        stores={"france": (home / "stores/france").as_uri(), "usa": (home / "stores/usa").as_uri()},
    )


def test_the_environment_comes_before_the_stack(tmp_path: Path) -> None:
    home = tmp_path / "it's a home"
    home.mkdir()
    (home / "stack.json").write_text(stack_file(home).model_dump_json())
    settings = load(home, DATABASE_URL="mysql://u@h/d", STORE_USA="s3://bucket", TENANT_DSN__ZED="mysql://u@h/zed")
    assert settings.url("genuka").drivername == "mysql+pymysql"
    assert settings.url("control").database == "c"
    assert settings.store("usa").url == "s3://bucket"
    assert settings.store("france").url == (home / "stores/france").as_uri()
    assert settings.tenant_url("acme").database == "tenant_acme"
    assert settings.tenant_url("Zed").database == "zed"
    assert settings.embedded == {"control", "france"}
    assert settings.keys == home / "keys"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 2}', '{"home": "/x", "surprise": 1}', "\x00"])
def test_a_damaged_stack_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "stack.json").write_text(content)
    with pytest.raises(Misconfigured, match=r"stack\.json is damaged: run `genuka up`"):
        load(tmp_path)


def test_an_address_damaged_in_the_stack_file_is_not_blamed_on_a_variable(tmp_path: Path) -> None:
    fields = json.loads(stack_file(tmp_path).model_dump_json())
    (tmp_path / "stack.json").write_text(json.dumps(fields | {"databases": {"genuka": "nonsense"}}))
    with pytest.raises(Misconfigured, match=r"stack\.json is damaged \(genuka is not an address"):
        load(tmp_path)


def test_the_stack_file_of_another_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(stack_file(tmp_path / "before").model_dump_json())
    with pytest.raises(Misconfigured, match="run `genuka up` to renew it"):
        load(tmp_path)


def test_an_empty_variable_is_not_set_and_strangers_are_not_ours(tmp_path: Path) -> None:
    settings = load(tmp_path, DATABASE_URL="", ROUNDS="3", SEED="1", MARKETING_TEAM="x", genletter_url="mysql://u@h/d")
    assert set(settings.databases) == {"genletter"}


def test_a_home_is_absolute_and_read_even_when_all_else_is_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = {"GENUKA_DATABASE_URL": "nonsense"}
    assert home_of(wrong) == tmp_path / ".genuka"
    assert home_of(wrong | {"GENUKA_HOME": "state"}) == tmp_path / "state"
    assert load_settings({}).home == tmp_path / ".genuka"


def test_up_has_to_bring_what_the_environment_leaves_out() -> None:
    assert wanted_parts({}) == EMBEDDABLE
    told = {
        "GENUKA_CONTROL_URL": "mysql://u@h/d",
        "GENUKA_STORE_USA": "s3://bucket",
        "GENUKA_STORE_FRANCE_REGION": "gra",
    }
    assert wanted_parts(told) == EMBEDDABLE - {"control", "usa"}


def test_keys_and_facts_are_named_by_their_variables(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("k")
    settings = load(KEY_PSEUDONYM_BROWSER_FILE=str(key), ASSETS=str(tmp_path))
    assert settings.key_files == {"pseudonym_browser": key}
    assert settings.assets == tmp_path
    assert (load().assets / "policies").parent.name == "assets"


def test_importing_the_settings_loads_no_database_library() -> None:
    script = (
        "import sys; import genuka_pipelines.settings as settings; settings.load_settings({});"
        "heavy = {'sqlalchemy', 'psycopg', 'pymysql', 'boto3', 'dagster', 'pyarrow'};"
        "print(*heavy.intersection(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
