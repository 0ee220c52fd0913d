"""A key that shows itself in a log, a message or a pickle has leaked."""

from __future__ import annotations

import copy
import io
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from genuka_pipelines.keys import Keyring, Secret
from genuka_pipelines.keys.envelope import TenantKey
from genuka_pipelines.keys.files import read_secret


def everything(ring: Keyring) -> list[object]:
    tenant = TenantKey.new("t1")
    rings = [ring.pseudonym_browser, ring.pseudonym_identity]
    return [
        ring, ring.root, ring.signing, ring.suppression, ring.erasure,
        *rings, *(each.current() for each in rings),
        ring.device_day(date(2026, 11, 22)), tenant, tenant.new_epoch("2026-11-22"), Secret(b"x" * 32),
    ]  # fmt: skip


def stored(folder: Path) -> list[str]:
    keys = [read_secret(path).reveal() for path in folder.rglob("*.key")]
    age = [line for line in (folder / "root.age").read_text().splitlines() if line.startswith("AGE-SECRET")]
    assert len(keys) == 7
    return [spelling for key in keys for spelling in (key.hex(), repr(key)[2:-1])] + age


def test_no_secret_is_ever_written_down(ring: Keyring, folder: Path) -> None:
    objects = everything(ring)
    stream = io.StringIO()
    log = logging.Logger("test")
    log.addHandler(logging.StreamHandler(stream))
    for each in objects:
        log.warning("%s %r %s", each, each, pprint.pformat(each))
        log.warning(f"{each} {[each]} {getattr(each, '__dict__', '')} {dir(each)}")
    try:
        raise ValueError(objects)
    except ValueError:
        stream.write(traceback.format_exc())
    said = stream.getvalue() + str(ring.ids) + (folder / "ring.json").read_text()
    assert [secret for secret in (*stored(folder), "x" * 32) if secret in said] == []


@pytest.mark.parametrize("attempt", [pickle.dumps, copy.deepcopy])
def test_no_secret_travels(ring: Keyring, attempt: Callable[[object], object]) -> None:
    for each in everything(ring):
        if each in (ring.pseudonym_browser, ring.pseudonym_identity):
            continue  # they hold a path; the key is read when asked for
        with pytest.raises(TypeError):
            attempt(each)


def test_secrets_compare_but_do_not_hash() -> None:
    assert Secret(b"a") == Secret(b"a")
    assert Secret(b"a") != Secret(b"b")
    assert Secret(b"a") != b"a"
    with pytest.raises(TypeError):
        hash(Secret(b"a"))
