from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.keys import HmacKey, Secret, hmac_pads

RFC_4231 = [
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (
        bytes(range(1, 26)),
        b"\xcd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        b"\xaa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data. The key needs "
        b"to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
]


def by_pads(key: bytes, message: bytes) -> bytes:
    inner, outer = hmac_pads(key)
    return hashlib.sha256(outer + hashlib.sha256(inner + message).digest()).digest()


@pytest.mark.parametrize(("key", "message", "expected"), RFC_4231)
def test_rfc_4231(key: bytes, message: bytes, expected: str) -> None:
    assert HmacKey("test", "1", Secret(key)).hex(message) == expected
    assert by_pads(key, message).hex() == expected


@given(st.binary(max_size=140), st.binary(max_size=200))
def test_the_padded_blocks_give_the_same_hash(key: bytes, message: bytes) -> None:
    assert by_pads(key, message) == hmac.digest(key, message, "sha256")
    assert [len(pad) for pad in hmac_pads(key)] == [64, 64]
