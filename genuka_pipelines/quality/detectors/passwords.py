"""Values of a hash column that no password function makes: plain texts, and hashes too quick to trust.

A column called `password` proves nothing; one import or one support script that wrote the
password itself stays unseen until the table leaks. Judged by form alone: no value is guessed at.
"""

from __future__ import annotations

import re
from typing import Final

from genuka_pipelines.catalog.value import Words
from genuka_pipelines.quality.detectors.detector import Detector, Form
from genuka_pipelines.quality.detectors.gate import Gate

_CRYPT = "[./A-Za-z0-9]"
_B64 = "[./+A-Za-z0-9]"
_HEX = "[0-9a-fA-F]"
_BCRYPT = f"[$]2[abxy]?[$][0-9]{{2}}[$]{_CRYPT}{{53}}"
_PHC = f"(?:[$]v=[0-9]+)?[$][a-z]+=[0-9]+(?:,[a-z]+=[0-9]+){{1,4}}[$]{_B64}{{11,}}[$]{_B64}{{22,}}"

# Modular crypt, PHC strings, and the spellings of Laravel, Django, Werkzeug, passlib and WordPress.
_STRONG: Final = "|".join(
    (
        _BCRYPT,
        f"[$]wp{_BCRYPT}",
        f"(?:bcrypt|bcrypt_sha256)[$]{_BCRYPT}",
        f"[$]bcrypt-sha256[$]v=[0-9],t=2[abxy],r=[0-9]+[$]{_CRYPT}{{22}}[$]{_CRYPT}{{31}}",
        f"(?:argon2)?[$]argon2(?:id|i|d){_PHC}={{0,2}}",
        f"[$]scrypt{_PHC}={{0,2}}",
        f"scrypt:[0-9]+:[0-9]+:[0-9]+[$][^$]+[$]{_HEX}{{64,}}",
        f"scrypt[$][0-9]+[$][^$]+[$][0-9]+[$][0-9]+[$]{_B64}{{43,}}={{0,2}}",
        f"[$]7[$]{_CRYPT}{{11,}}[$]?{_CRYPT}{{43}}",
        f"pbkdf2_[a-z0-9]+[$][0-9]+[$][^$]+[$]{_B64}{{22,}}={{0,2}}",
        f"pbkdf2:[a-z0-9]+:[0-9]+[$][^$]+[$]{_HEX}{{32,}}",
        f"[$]pbkdf2(?:-[a-z0-9]+)?[$][0-9]+[$]{_B64}{{11,}}[$]{_B64}{{22,}}",
        f"(?:[{{]CRYPT[}}])?[$]6[$](?:rounds=[0-9]+[$])?{_CRYPT}{{0,16}}[$]{_CRYPT}{{86}}",
        f"(?:[{{]CRYPT[}}])?[$]5[$](?:rounds=[0-9]+[$])?{_CRYPT}{{0,16}}[$]{_CRYPT}{{43}}",
        f"[$]g?y[$]{_CRYPT}+[$]{_CRYPT}*[$]{_CRYPT}{{43}}",
    )
)
# Nobody can sign in with these: they are no password.
_LOCKED: Final = "[!*]{0,2}|[*]LK[*]|[!][A-Za-z0-9]{40}"
_KNOWN: Final = f"^(?:{_STRONG}|{_LOCKED})$"

_WEAK: Final = (
    f"^(?:{_HEX}{{32}}|{_HEX}{{40}}|{_HEX}{{56}}|{_HEX}{{64}}|{_HEX}{{96}}|{_HEX}{{128}}|[*]{_HEX}{{40}}|"
    f"[$](?:1|apr1)[$]{_CRYPT}{{0,8}}[$]{_CRYPT}{{22}}|[$][PH][$]{_CRYPT}{{31}}|"
    f"(?:md5|sha1)[$][^$]*[$]{_HEX}{{32,40}}|[{{]S?(?:MD5|SHA(?:256|384|512)?)[}}]{_B64}{{22,}}={{0,2}})$"
)
_IS_KNOWN = re.compile(_KNOWN)
_IS_WEAK = re.compile(_WEAK)
_HASHES: frozenset[Form] = frozenset({"hash"})


def _as_is(value: str) -> str:
    return value


PASSWORDS: Final = (
    Detector(
        id="passwords.plain_text",
        kind="plain_password",
        title=Words(fr="Mot de passe en clair", en="Password in plain text"),
        applies_to=_HASHES,
        gate=Gate(((_KNOWN,),), any_case=False, inverted=True),
        reads=_as_is,
        flags=lambda value: not _IS_KNOWN.search(value) and not _IS_WEAK.search(value),
    ),
    Detector(
        id="passwords.weak_hash",
        kind="weak_password_hash",
        title=Words(fr="Mot de passe haché sans protection", en="Password hashed without protection"),
        applies_to=_HASHES,
        gate=Gate(((_WEAK,),), any_case=False),
        reads=_as_is,
        flags=lambda value: bool(_IS_WEAK.search(value)),
    ),
)
