"""Only what a password function made may stand in a hash column; real functions make the examples."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.quality.detectors import detectors, find

PASSWORDS = detectors("passwords")
PASSWORD, SALT = b"Soleil-de-Kribi", b"0123456789abcdef"


def kinds(value: str) -> set[str]:
    return {found.kind for found in find([value], PASSWORDS)}


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


SCRYPT = hashlib.scrypt(PASSWORD, salt=SALT, n=2**4, r=8, p=1)
PBKDF2 = hashlib.pbkdf2_hmac("sha256", PASSWORD, SALT, 1)
MADE = {
    "Werkzeug scrypt": f"scrypt:32768:8:1$saltsalt${SCRYPT.hex()}",
    "Werkzeug pbkdf2": f"pbkdf2:sha256:600000$saltsalt${PBKDF2.hex()}",
    "Django pbkdf2": f"pbkdf2_sha256$870000$saltsalt${base64.b64encode(PBKDF2).decode()}",
    "PHC scrypt": f"$scrypt$ln=15,r=8,p=1${_b64(SALT)}${_b64(SCRYPT[:32])}",
    "Laravel bcrypt": "$2y$12$" + "abcdefghijklmnopqrstuv" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234",
}


@pytest.mark.parametrize("name", MADE)
def test_what_a_password_function_made_is_let_be(name: str) -> None:
    assert kinds(MADE[name]) == set()


@pytest.mark.parametrize("name", MADE)
def test_half_of_it_is_no_hash(name: str) -> None:
    assert kinds(MADE[name][: len(MADE[name]) // 2]) == {"plain_password"}
    assert kinds(f"{MADE[name]} and more") == {"plain_password"}


@pytest.mark.parametrize("function", [hashlib.md5, hashlib.sha1, hashlib.sha256, hashlib.sha512])
def test_a_quick_hash_is_named_as_one(function: object) -> None:
    assert kinds(function(PASSWORD).hexdigest()) == {"weak_password_hash"}  # type: ignore[operator]


@given(st.text("abcdefghijklmnopqrstuvwxyzéÀ0123456789!?@$ .-", min_size=1, max_size=28))
def test_what_people_type_is_a_plain_password(typed: str) -> None:
    assert kinds(typed) in ({"plain_password"}, set()) if set(typed) <= set("!") else kinds(typed) == {"plain_password"}


def test_a_null_or_a_locked_account_has_no_password() -> None:
    assert find([None, "", "!", "*", "!!", "*LK*", "!" + "x" * 40], PASSWORDS) == []
