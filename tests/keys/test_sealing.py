from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.keys import KeyMissing, KeyReplaced, Keyring, KeyUnusable, SealingKey, Undecryptable, open_keyring
from genuka_pipelines.keys.files import new_secret, write_secret

KEY = SealingKey("sealing", new_secret())
EMAIL = b"aicha@exemple.cm"


@given(st.binary(max_size=3_000), st.text(max_size=60))
def test_what_is_sealed_opens_and_says_nothing(data: bytes, context: str) -> None:
    sealed = KEY.seal(data, context)
    assert KEY.unseal(sealed, context) == data
    assert len(sealed) == len(data) + 53
    assert len(data) < 8 or data not in sealed[5:]


def test_equal_bytes_never_look_equal() -> None:
    assert len({KEY.seal(EMAIL, "hold") for _ in range(50)}) == 50


@given(st.binary(min_size=1, max_size=200), st.data())
def test_no_other_byte_length_key_or_context_opens_it(data: bytes, draw: st.DataObject) -> None:
    sealed = KEY.seal(data, "hold:1")
    place = draw.draw(st.integers(0, len(sealed) - 1))
    flipped = bytearray(sealed)
    flipped[place] ^= 1 << draw.draw(st.integers(0, 7))
    for wrong in (bytes(flipped), sealed[:place], sealed + b"\x00", b"", data):
        with pytest.raises(Undecryptable, match="hold:1 cannot be decrypted"):
            KEY.unseal(wrong, "hold:1")
    for key, context in ((KEY, "hold:2"), (KEY, ""), (SealingKey("sealing", new_secret()), "hold:1")):
        with pytest.raises(Undecryptable):
            key.unseal(sealed, context)


def test_it_shows_neither_its_bytes_nor_what_it_seals() -> None:
    secret = new_secret()
    key = SealingKey("sealing", secret)
    assert secret.reveal().hex() not in repr(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(Undecryptable) as refusal:
        key.unseal(key.seal(EMAIL, "a")[:-1] + b"?", "a")
    assert "aicha" not in repr(refusal.value)
    assert refusal.value.__context__ is None or "aicha" not in repr(refusal.value.__context__)


def test_the_ring_seals_for_as_long_as_its_key_is_there(ring: Keyring, folder: Path) -> None:
    sealed = ring.seal(EMAIL, "intent")
    assert open_keyring(folder).unseal(sealed, "intent") == EMAIL
    (folder / "sealing.key").unlink()
    for create in (False, True):
        with pytest.raises(KeyMissing, match=r"sealing\.key.*put it back"):
            open_keyring(folder, create=create)


def test_another_sealing_key_is_refused(ring: Keyring, folder: Path) -> None:
    write_secret(folder / "sealing.key", new_secret())
    for create in (False, True):
        with pytest.raises(KeyReplaced, match=r"the sealing key .*stay closed"):
            open_keyring(folder, create=create)


def test_a_home_from_before_there_was_one_gets_one_from_genuka_up(ring: Keyring, folder: Path) -> None:
    before = dict(ring.ids)
    (folder / "sealing.key").unlink()
    state = json.loads((folder / "ring.json").read_text())
    del state["made"]["sealing"]
    (folder / "ring.json").write_text(json.dumps(state))
    with pytest.raises(KeyMissing, match="not made yet: `genuka up`"):
        open_keyring(folder)
    after = open_keyring(folder, create=True)
    assert {name: id_ for name, id_ in after.ids.items() if before[name] != id_}.keys() == {"sealing"}
    assert open_keyring(folder).unseal(after.seal(b"x", "c"), "c") == b"x"


def test_an_altered_or_open_key_file_is_named(ring: Keyring, folder: Path) -> None:
    (folder / "sealing.key").chmod(0o644)
    with pytest.raises(KeyUnusable, match=r"sealing\.key has mode 0644"):
        open_keyring(folder)
