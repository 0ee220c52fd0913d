"""Has Stripe forget a customer: found by its id, or by its address; deleted where no subscription runs.

Interface: docs.stripe.com/api, customers (list, search, delete) and subscriptions (list). The list is exact and always
up to date, the search may be an hour late and finds other spellings; what either gives is compared here once more.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from genuka_pipelines.catalog.host import is_this_machine
from genuka_pipelines.systems.http.address import address
from genuka_pipelines.systems.http.connection import Answer, Connection
from genuka_pipelines.systems.posthog.key import read_key_file
from genuka_pipelines.systems.posthog.recordings import Manners
from genuka_pipelines.systems.recipient import Heard
from genuka_pipelines.systems.stripe.errors import StripeForbids, StripeUnclear, StripeUnreachable

_CUSTOMER = re.compile(r"cus_[A-Za-z0-9]{1,60}")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
_PAGE = 100
_MOST_PAGES = 50
_LIVE = ("sk_live_", "rk_live_")
_TEST = ("sk_test_", "rk_test_")
_AGAIN = (409, 429)
"""Another request holds the same object, or there were too many: Stripe asks to come again later."""


class Customers:
    """The customers of the account that a key is of. Every call may raise StripeError or KeyUnusable."""

    def __init__(
        self,
        connection: Connection,
        manners: Manners | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connection, self._manners = connection, manners or Manners()
        self._clock, self._sleep = clock, sleep

    def forget(self, about: Mapping[str, Sequence[str]]) -> Heard:
        """Delete the customers with these `ids`, else with these `emails`; not done where a subscription runs.

        Nothing is deleted before every customer was looked at. Who is not there, or was deleted, is forgotten.
        """
        deadline = self._clock() + self._manners.patience
        ids = [one for one in about.get("ids", ()) if _CUSTOMER.fullmatch(one)]
        if not (ids or about.get("emails")):
            return Heard(done=False)
        if not ids:
            ids = sorted({one for email in about.get("emails", ()) for one in self._with(email, deadline)})
        if any(self._subscribes(one, deadline) for one in ids):
            return Heard(done=False)
        reference = None
        for one in ids:
            reference = self._delete(one, deadline) or reference
        return Heard(True, reference)

    def close(self) -> None:
        """Close every connection."""
        self._connection.close()

    def _with(self, email: str, deadline: float) -> Iterator[str]:
        quoted = email.replace("\\", "\\\\").replace('"', '\\"')
        yield from self._pages("/v1/customers", {"email": email}, email, deadline)
        yield from self._pages("/v1/customers/search", {"query": f'email:"{quoted}"'}, email, deadline)

    def _pages(self, path: str, asked: Mapping[str, str], email: str, deadline: float) -> Iterator[str]:
        more: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            answer = self._settled("GET", f"{path}?{urlencode({**asked, 'limit': str(_PAGE), **more})}", deadline)
            page = _read(answer)
            found = [one for one in _list(page) if _CUSTOMER.fullmatch(str(one.get("id")))]
            yield from (one["id"] for one in found if str(one.get("email") or "").casefold() == email.casefold())
            if not page.get("has_more"):
                return
            more = {"page": str(page["next_page"])} if page.get("next_page") else {}
            if not more and found:
                more = {"starting_after": found[-1]["id"]}
        raise StripeUnclear("Stripe's list of customers does not end: its interface may have changed")

    def _subscribes(self, customer: str, deadline: float) -> bool:
        """Whether deleting it would end a subscription; those that ended are not in this list."""
        asked = urlencode({"customer": customer, "limit": "1"})
        answer = self._settled("GET", f"/v1/subscriptions?{asked}", deadline)
        return not _missing(answer) and bool(_list(_read(answer)))

    def _delete(self, customer: str, deadline: float) -> str | None:
        """What Stripe calls the exchange, where it says so."""
        answer = self._settled("DELETE", f"/v1/customers/{customer}", deadline)
        if not _missing(answer) and _read(answer).get("deleted") is not True:
            raise StripeUnclear("Stripe did not say that the customer is deleted: its interface may have changed")
        found = answer.reference or ""
        return found if _REFERENCE.fullmatch(found) else None

    def _settled(self, method: str, path: str, deadline: float) -> Answer:
        """The answer that stays: what may do better later is tried again, what lasts is raised."""
        failures = 0
        while True:
            left = max(deadline - self._clock(), 0.05)
            answer = self._connection.ask(method, path, seconds=min(self._manners.answer_within, left))
            if not answer.failed and answer.status not in _AGAIN:
                return answer
            failures += 1
            pause = answer.wait or self._manners.wait(failures)
            if failures >= self._manners.tries or self._clock() + pause > deadline:
                raise _unreachable(answer)
            self._sleep(pause)


def open_customers(url: str, key_file: Path, *, manners: Manners | None = None) -> Customers:
    """The customers of an account; nothing is asked yet. StripeForbids for an address that may not have the key."""
    try:
        place = address(url)
    except ValueError as error:
        raise StripeForbids(f"Stripe's address {error}") from None
    elsewhere = not is_this_machine(place.host)

    def key() -> str:
        found = read_key_file(key_file, "Stripe", "secret or restricted key")
        # A test key sees none of the people, and would find every one of them gone.
        if not found.startswith(_LIVE if elsewhere else (*_LIVE, *_TEST)):
            raise StripeForbids(
                f"Stripe's key file {key_file} holds no key of the live account: write a restricted key, which begins "
                "with rk_live_, that may write customers and read subscriptions"
            )
        return found

    return Customers(Connection(place, key, threads=1), manners)


def _missing(answer: Answer) -> bool:
    """Whether there is no such customer: Stripe says so in so many words, with a wrong address it could not."""
    if answer.status not in (400, 404):
        return False
    error = _json(answer).get("error")
    return isinstance(error, dict) and error.get("code") == "resource_missing"


def _read(answer: Answer) -> dict[str, Any]:
    if answer.status == 200:
        return _json(answer)
    if answer.status == 401:
        raise StripeForbids("Stripe does not know the key: put a valid one into GENUKA_STRIPE_KEY_FILE")
    if answer.status == 403:
        raise StripeForbids("Stripe forbids it to this key: it may write customers and read subscriptions")
    if answer.status is not None and 300 <= answer.status < 400:
        raise StripeForbids("Stripe's address leads to another, which was not followed: correct GENUKA_STRIPE_URL")
    raise StripeUnclear(f"Stripe answers {answer.status}, which means neither done nor gone: look at its status page")


def _json(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise StripeUnclear("what answers does not speak Stripe's interface: correct GENUKA_STRIPE_URL")
    return found


def _list(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    data = page.get("data")
    if not isinstance(data, list):
        raise StripeUnclear("what answers is no list of Stripe's: correct GENUKA_STRIPE_URL")
    return [one for one in data if isinstance(one, dict)]


def _unreachable(answer: Answer) -> StripeUnreachable:
    if answer.status is None:
        return StripeUnreachable("Stripe does not answer: check GENUKA_STRIPE_URL and the way there; it is tried again")
    if answer.status in _AGAIN:
        return StripeUnreachable("Stripe asks to come again later: it is tried again")
    return StripeUnreachable(f"Stripe answers with failures ({answer.status}): it is tried again")
