"""From settings to a store: what is wrong is said in one sentence, before any request."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.stores.errors import BadStoreUrl, NoSuchFolder
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.open import open_store
from genuka_pipelines.stores.s3.connection import credentials
from genuka_pipelines.stores.s3.store import S3Store

S3: dict[str, Any] = {"region": "gra", "endpoint": "https://s3.example.test"}


@pytest.mark.parametrize(
    ("url", "options", "expected"),
    [
        ("", {}, "file:///path/to/folder or s3://bucket/prefix"),
        ("/var/lib/store", {}, "file:///path"),
        ("file:relative", {}, "file:///path"),
        ("file://server/share", {}, "file:///path"),
        ("file:///", {}, "file:///path"),
        ("http://[", {}, "file:///path"),
        ("https://bucket.example.test", {}, "s3://bucket"),
        ("file:///tmp/x", {"region": "gra"}, "leave out its endpoint"),
        ("s3://", S3, "not a bucket name"),
        ("s3://AB", S3, "not a bucket name"),
        ("s3://a_b/c", S3, "not a bucket name"),
        ("s3://key:secret@bucket", S3, "s3://bucket/prefix"),
        ("s3://bucket?lock=no", S3, "s3://bucket/prefix"),
        ("s3://bucket/a//b", S3, "empty segment"),
        ("s3://bucket/../b", S3, "segment of dots"),
        ("s3://bucket/" + "p/" * 101, S3, "at most 200 bytes"),
        ("s3://bucket", {"endpoint": "https://s3.example.test"}, "names no region"),
        ("s3://bucket", {"region": "gra", "endpoint": "s3.example.test"}, "https://host"),
        (
            "s3://bucket",
            {"region": "gra", "endpoint": "https://me:secret@s3.example.test"},
            "without credentials",
        ),
        ("s3://bucket", {"region": "gra", "endpoint": "http://s3.example.test"}, "not encrypted"),
    ],
)
def test_a_wrong_place_is_one_clear_sentence(url: str, options: dict[str, Any], expected: str) -> None:
    with pytest.raises(GenukaError) as wrong:
        open_store(url, name="france", **options)
    message = str(wrong.value)
    assert expected in message
    assert "france" in message
    assert "secret" not in message
    assert "\n" not in message
    assert wrong.value.exit_code == 2


def test_a_folder_is_made_only_when_asked(tmp_path: Path) -> None:
    place = tmp_path / "été 2026" / "%41"
    url = f"file://{tmp_path}/%C3%A9t%C3%A9%202026/%2541"
    with pytest.raises(NoSuchFolder, match="does not exist"):
        open_store(url, name="usa")
    assert not place.exists()
    store = open_store(url, name="usa", create=True)
    assert isinstance(store, FolderStore)
    store.put("a/b", b"x")
    assert (place / "a/b").read_bytes() == b"x"
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert open_store(url, name="usa").get("a/b") == b"x"


def test_an_ordinary_folder_or_file_is_not_a_store(tmp_path: Path) -> None:
    with pytest.raises(NoSuchFolder, match="not a store yet"):
        open_store(tmp_path.as_uri(), name="usa")
    (tmp_path / "file").write_text("x")
    for create in (False, True):
        with pytest.raises(NoSuchFolder):
            open_store((tmp_path / "file").as_uri(), name="usa", create=create)


def test_a_folder_of_another_format_is_refused(tmp_path: Path) -> None:
    open_store(tmp_path.as_uri(), name="usa", create=True)
    (tmp_path / ".store/format").write_text("genuka folder store 9\n")
    with pytest.raises(NoSuchFolder, match="has another format"):
        open_store(tmp_path.as_uri(), name="usa")


def test_a_bucket_is_opened_without_a_request_or_a_client() -> None:
    code = (
        "import sys\n"
        "from genuka_pipelines.stores.open import open_store\n"
        "open_store('s3://bucket/p', name='france', region='gra', endpoint='https://s3.example.test')\n"
        "print([m for m in ('boto3', 'botocore', 'pyarrow', 'pandas', 'sqlalchemy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_loopback_endpoint_needs_no_encryption() -> None:
    for host in ("127.0.0.1:9", "localhost:9", "[::1]:9"):
        assert isinstance(open_store("s3://bucket", name="a", region="x", endpoint=f"http://{host}"), S3Store)


def test_credentials_of_one_store_are_never_mixed() -> None:
    common = {"AWS_ACCESS_KEY_ID": "common", "AWS_SECRET_ACCESS_KEY": "common-secret"}
    own = {"AWS_ACCESS_KEY_ID__FRANCE": "own", "AWS_SECRET_ACCESS_KEY__FRANCE": "own-secret"}
    assert credentials("france", common) == ("common", "common-secret", None)
    assert credentials("france", {**common, "AWS_SESSION_TOKEN": "t"}) == ("common", "common-secret", "t")
    assert credentials("france", {**common, **own, "AWS_SESSION_TOKEN": "t"}) == ("own", "own-secret", None)
    assert credentials("usa-2", {**common, "AWS_ACCESS_KEY_ID__USA": "x"}) == (
        "common",
        "common-secret",
        None,
    )
    for half in ({"AWS_ACCESS_KEY_ID__FRANCE": "own", **common}, {"AWS_SECRET_ACCESS_KEY": "s3cr3t"}, {}):
        with pytest.raises(BadStoreUrl) as missing:
            credentials("france", half)
        assert "s3cr3t" not in str(missing.value)
        assert "own" not in str(missing.value)


def test_a_role_has_credentials_of_its_own_and_no_others() -> None:
    common = {"AWS_ACCESS_KEY_ID": "common", "AWS_SECRET_ACCESS_KEY": "common-secret"}
    own = {"AWS_ACCESS_KEY_ID__FRANCE": "own", "AWS_SECRET_ACCESS_KEY__FRANCE": "own-secret"}
    ends = {"AWS_ACCESS_KEY_ID__FRANCE_EXPIRY": "ends", "AWS_SECRET_ACCESS_KEY__FRANCE_EXPIRY": "ends-secret"}
    assert credentials("france", {**common, **own, **ends}, "expiry") == ("ends", "ends-secret", None)
    assert credentials("france", {**common, **own, **ends}) == ("own", "own-secret", None)
    with pytest.raises(BadStoreUrl, match="of its own for expiry: set both AWS_ACCESS_KEY_ID__FRANCE_EXPIRY"):
        credentials("france", {**common, **own}, "expiry")


def test_missing_credentials_are_said_when_first_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    store = open_store("s3://bucket", name="france", **S3)
    with pytest.raises(BadStoreUrl, match="AWS_ACCESS_KEY_ID"):
        store.head("x")
