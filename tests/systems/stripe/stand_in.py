"""A Stripe on loopback that keeps to the part of its interface that forgetting a customer needs, and fails on purpose.

    with stripe() as there:
        there.customers["cus_1"] = "ann@example.org"
        environment = there.environment(folder)      # GENUKA_STRIPE_… for settings or another process
        there.faults = [Fault(429), Fault(drop="after")]
        …
        assert there.customers == {}

As docs.stripe.com/api says: GET customers lists those of the very address, a page at a time; GET customers/search finds
any spelling, and may be late (`unsearchable`); GET subscriptions of a customer lists those that were not cancelled;
DELETE of a customer gives `deleted`, ends its subscriptions, and is `resource_missing` the second time.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.systems.meeting import Meeting
from tests.systems.posthog.stand_in import Fault

KEY = "rk_test_4711stand"


@dataclass
class Stripe:
    """`faults` are met one a request, before it is answered; `lasting` by every request."""

    url: str = ""
    customers: dict[str, str] = field(default_factory=dict)
    subscriptions: dict[str, str] = field(default_factory=dict)
    unsearchable: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    lasting: Fault | None = None
    page: int = 100
    asked: list[tuple[str, str, dict[str, list[str]]]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def key_file(self, folder: Path, key: str = KEY) -> Path:
        file = folder / "stripe.key"
        file.write_text(key + "\n")
        file.chmod(0o600)
        return file

    def environment(self, folder: Path) -> dict[str, str]:
        """The variables that lead here."""
        return {"GENUKA_STRIPE_URL": self.url, "GENUKA_STRIPE_KEY_FILE": str(self.key_file(folder))}

    def count(self, method: str) -> int:
        return sum(one == method for one, _, _ in self.asked)

    def answer(self, method: str, path: str, asked: dict[str, list[str]], key: str | None) -> tuple[int, Any]:
        if key != f"Bearer {KEY}":
            return 401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided"}}
        match method, path.strip("/").split("/"):
            case "GET", ["v1", "customers"]:
                found = [one for one, email in sorted(self.customers.items()) if email == asked["email"][0]]
                return 200, self._listed(found, asked)
            case "GET", ["v1", "customers", "search"]:
                wanted = re.fullmatch(r'email:"((?:[^"\\]|\\.)*)"', asked["query"][0])
                if wanted is None:
                    return 400, {"error": {"type": "invalid_request_error"}}
                email = re.sub(r"\\(.)", r"\1", wanted[1]).lower()
                found = [one for one, said in sorted(self.customers.items())
                         if said.lower() == email and one not in self.unsearchable]  # fmt: skip
                return 200, {**self._listed(found, {}), "object": "search_result", "next_page": None}
            case "GET", ["v1", "subscriptions"]:
                (customer,) = asked["customer"]
                if customer not in self.customers:
                    return _missing("customer")
                found = [sub for sub, whose in self.subscriptions.items() if whose == customer]
                return 200, {"object": "list", "has_more": False, "data": [{"id": one} for one in found]}
            case "DELETE", ["v1", "customers", customer]:
                if self.customers.pop(customer, None) is None:
                    return _missing("id")
                self.ended += [sub for sub, whose in self.subscriptions.items() if whose == customer]
                return 200, {"id": customer, "object": "customer", "deleted": True}
        return 404, {"error": {"type": "invalid_request_error", "message": f"Unrecognized request URL ({method})"}}

    def _listed(self, found: list[str], asked: dict[str, list[str]]) -> dict[str, Any]:
        if "starting_after" in asked:
            found = found[found.index(asked["starting_after"][0]) + 1 :]
        shown = found[: min(self.page, int(asked.get("limit", ["100"])[0]))]
        data = [{"id": one, "object": "customer", "email": self.customers[one], "name": "Ann Lee"} for one in shown]
        return {"object": "list", "has_more": len(found) > len(shown), "data": data}


def _missing(param: str) -> tuple[int, Any]:
    return 404, {"error": {"code": "resource_missing", "param": param, "type": "invalid_request_error"}}


class _Handler(Meeting):
    there: Stripe

    def meet(self) -> None:
        parts = urlsplit(self.path)
        asked = parse_qs(parts.query)
        self.there.asked.append((self.command, parts.path, asked))
        fault = self.there.faults.pop(0) if self.there.faults else self.there.lasting or Fault()
        status, content = fault.status, fault.body
        if status is None and fault.drop != "before":
            status, said = self.there.answer(self.command, parts.path, asked, self.headers["Authorization"])
            content = json.dumps(said).encode()
        if fault.drop is not None:
            self.close_connection = True
            return
        with suppress(OSError):
            self.send_response(status or 500)
            named = {"Content-Type": "application/json", "Request-Id": f"req_{len(self.there.asked)}", **fault.headers}
            for name, value in named.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that went away is no news."""


@contextmanager
def stripe() -> Iterator[Stripe]:
    """A running stand-in on a free loopback port."""
    there = Stripe()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"there": there}))
    there.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield there
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
