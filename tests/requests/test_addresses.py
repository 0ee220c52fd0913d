from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.requests.addresses import Sought, email_of, mailbox, phone_of, sought, spellings, tail
from genuka_pipelines.requests.errors import UnclearRequest

KINDS = {"user", "shopper"}


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        (" Ann@Example.ORG ", "ann@example.org"),
        ("<ann@example.org>", "ann@example.org"),
        ("Rene\u0301e@example.org", "ren\u00e9e@example.org"),
        ("ann@Exämple.org", "ann@xn--exmple-cua.org"),
        ("ann@xn--exmple-cua.org", "ann@xn--exmple-cua.org"),
        ("ann", None),
        ("ann@example", None),
        ("a b@example.org", None),
        ("ann@" + "x" * 400 + ".org", None),
        ("", None),
    ],
)
def test_an_address_has_one_spelling(typed: str, normal: str | None) -> None:
    assert email_of(typed) == normal


@given(st.emails())
def test_the_spelling_of_an_address_is_its_own(email: str) -> None:
    normal = email_of(email)
    assert normal is None or (email_of(normal) == normal and normal in spellings(normal))


def test_one_mailbox_may_have_many_addresses() -> None:
    assert mailbox("a.nn+shop@example.org") == mailbox("ann@example.org") != mailbox("anna@example.org")


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("+237 6 99 12 34 56", "+237699123456"),
        ("+33 (0)6 12 34 56 78", "+33612345678"),
        ("0033612345678", None),
        ("699123456", None),
        ("+1", None),
        ("ann@example.org", None),
    ],
)
def test_a_number_is_e164_or_none(typed: str, normal: str | None) -> None:
    assert phone_of(typed) == normal


def test_numbers_are_searched_by_their_last_digits() -> None:
    assert tail("+237 699-12-34-56") == tail("699123456") == "99123456"


def test_who_is_asked_for_is_read_from_any_of_three() -> None:
    found = sought(["Ann@example.org", "+237699123456", "user: 01ht"], KINDS)
    assert (found.emails, found.phones, found.keys) == (
        {"ann@example.org"},
        {"+237699123456"},
        {"user": frozenset({"01ht"})},
    )
    assert Sought.read(found.said) == found
    assert "ann" not in repr(found)


@pytest.mark.parametrize("given_", [[], [""], ["Ann Lee"], ["nobody:7"], ["user:"], ["699123456"]])
def test_what_names_nobody_is_refused_and_not_repeated(given_: list[str]) -> None:
    with pytest.raises(UnclearRequest) as refusal:
        sought(given_, KINDS)
    assert not any(word and word in str(refusal.value) for word in given_)
