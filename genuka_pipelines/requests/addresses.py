"""One spelling for each e-mail address and telephone number, so that the same one is recognised however it is typed.

`Ann@Example.org ` and `ann@example.org` are one mailbox; `ann+shop@example.org` may be, and is only ever shown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from genuka_pipelines.requests.errors import UnclearRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
TAIL = 8
"""Last digits of a number by which a table is searched: without country codes, which are written in many ways."""


@dataclass(frozen=True)
class Sought:
    """Whom to find: normal e-mail addresses, E.164 numbers, keys by kind of person. It prints nothing of them."""

    emails: frozenset[str] = field(default=frozenset(), repr=False)
    phones: frozenset[str] = field(default=frozenset(), repr=False)
    keys: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)

    @property
    def said(self) -> dict[str, object]:
        """For the register, which seals it."""
        keys = {kind: sorted(values) for kind, values in sorted(self.keys.items())}
        return {"emails": sorted(self.emails), "phones": sorted(self.phones), "keys": keys}

    @classmethod
    def read(cls, said: Mapping[str, object]) -> Sought:
        """What `said` gave."""
        keys: Mapping[str, Iterable[str]] = said["keys"]  # type: ignore[assignment]
        return cls(
            frozenset(said["emails"]),  # type: ignore[call-overload]
            frozenset(said["phones"]),  # type: ignore[call-overload]
            {kind: frozenset(values) for kind, values in keys.items()},
        )


def sought(subjects: Iterable[str], kinds: Collection[str]) -> Sought:
    """Whom `--subject` names: an e-mail address, a number with its country code, or `kind:key`. UnclearRequest."""
    emails, phones, keys = set[str](), set[str](), dict[str, set[str]]()
    for given in subjects:
        text = given.strip()
        kind, colon, key = text.partition(":")
        if colon and kind in kinds and key.strip():
            keys.setdefault(kind, set()).add(key.strip())
        elif email := email_of(text):
            emails.add(email)
        elif phone := phone_of(text):
            phones.add(phone)
        else:
            raise UnclearRequest(
                "a subject is an e-mail address, a telephone number with its country code (+237 …), or KIND:KEY "
                f"with one of {', '.join(sorted(kinds))}; what was given is none of these"
            )
    if not (emails or phones or keys):
        raise UnclearRequest("a request of a person says who: give --subject ADDRESS, +NUMBER or KIND:KEY")
    return Sought(frozenset(emails), frozenset(phones), {kind: frozenset(found) for kind, found in keys.items()})


def email_of(text: str) -> str | None:
    """The address in its one spelling: composed characters, lower case, the domain in ASCII; None for no address."""
    found = unicodedata.normalize("NFC", text.strip()).strip("<>").casefold()
    if not _EMAIL.fullmatch(found) or len(found) > 320:
        return None
    local, _, domain = found.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode()
    except UnicodeError:
        return None
    return f"{local}@{ascii_domain}"


def spellings(email: str) -> frozenset[str]:
    """How a normal address may stand in a table: with its domain in ASCII, or in its own letters."""
    local, _, domain = email.rpartition("@")
    try:
        own = domain.encode().decode("idna")
    except UnicodeError:
        own = domain
    return frozenset({email, f"{local}@{own}"})


def mailbox(email: str) -> str:
    """What many providers take for the same mailbox: no dots in the local part, nothing after a plus."""
    local, _, domain = email.rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"


def phone_of(text: str) -> str | None:
    """A number in E.164; None where it is none, or does not say its country."""
    import phonenumbers

    if "@" in text:
        return None
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def written(phone: str) -> frozenset[str]:
    """How a number in E.164 is often written with its country: `+237699001122`, `+237 6 99 00 11 22`, `00237…`."""
    import phonenumbers

    number = phonenumbers.parse(phone, None)
    spaced = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return frozenset({phone, spaced, f"00{phone[1:]}"})


def tail(phone: str) -> str:
    """The last digits of a number, by which it is searched."""
    return re.sub(r"[^0-9]", "", phone)[-TAIL:]
