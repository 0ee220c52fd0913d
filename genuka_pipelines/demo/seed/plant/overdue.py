"""A row past its end for every period that the policies promise, and for each event that ends one sooner.

Each line says the column from which its period counts and how many days ago that was; a rule that
counts from another column, or from none, leaves its row standing and is found out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from genuka_pipelines.demo.seed.plant.bed import Bed
from genuka_pipelines.demo.seed.plant.tenants import Tenant
from genuka_pipelines.demo.seed.values import DAY, GENLETTER, GENUKA

OVERDUE = "overdue"
_YEAR = 365.25
# (table, column, how many days ago, the rest of the row)
_Late = tuple[str, str, float, dict[str, Any]]


def plant(bed: Bed, here: Tenant) -> None:
    """Overdue rows of every category."""
    for late in (*_browsing(bed, here), *_marketing(bed, here), *_platform(bed, here)):
        _add(bed, GENUKA, late)
    _genletter(bed)
    _recruitment(bed)
    _unused_database(bed)


def _add(bed: Bed, database: str, late: _Late) -> str:
    table, column, days, rest = late
    values = {column: bed.ago(days), **rest}
    return bed.plant(OVERDUE, (database, table, column), values, age=days + 1)


def _browsing(bed: Bed, here: Tenant) -> Iterator[_Late]:
    log = {"ip_address": "198.18.0.1", "browser": "Firefox", "country": "CM"}
    yield "browser_logs", "visited_at", 400, log
    yield "browser_logs", "legal_hold_at", 400, {**log, "visited_at": bed.ago(800)}
    yield "page_views", "viewed_at", 400, {"anonymous_id": "a" * 32}
    yield "cookie_consents", "granted_at", 430, {"policy_version": "2024-05-03", "categories": []}
    now = bed.recipe.now
    idle = {"id": "planted-idle", "last_activity": now - 9 * DAY, "created_at": bed.ago(20), "payload": ""}
    yield "sessions", "last_activity", 9, idle
    yield "sessions", "created_at", 120, {"id": "planted-long", "last_activity": now - 3600, "payload": ""}
    recording = {"company_id": here.company, "user_id": here.user, "distinct_id": here.user}
    table = "session_recordings"
    yield table, "ended_at", 40, {**recording, "id": "planted-old", "started_at": bed.ago(40)}
    yield table, "started_at", 40, {**recording, "id": "planted-endless"}
    recent = {**recording, "started_at": bed.ago(3), "ended_at": bed.ago(3)}
    for column in ("delete_requested_at", "processed_at", "irrelevant_at"):
        yield table, column, 2, {**recent, "id": f"planted-{column[:-3]}"}


def _marketing(bed: Bed, here: Tenant) -> Iterator[_Late]:
    event = bed.ulid(4 * _YEAR)
    old = {"id": event, "title": "Ancienne rencontre", "starts_at": bed.ago(4 * _YEAR)}
    yield "events", "ended_at", 4 * _YEAR, old
    yield "event_partners", "updated_at", 4 * _YEAR, {"event_id": event, "name": "Zénith", "role": "partner"}
    person = bed.person()
    came = {"event_id": event, "name": person["last_name"], "email": person["email"], "shared_with": []}
    yield "event_registrations", "created_at", 430, came
    reader = {**here.own, "subscribed_at": bed.ago(400)}
    table = "newsletter_subscribers"
    first, second = bed.person()["email"], bed.person()["email"]
    yield table, "unsubscribed_at", 60, {**reader, "email": first, "unsubscribe_token": "planted-left"}
    yield (
        table,
        "subscribed_at",
        3.2 * _YEAR,
        {**here.own, "email": second, "unsubscribe_token": "planted-old"},
    )
    yield "marketing_opt_outs", "opted_out_at", 11 * _YEAR, {"email_hash": "a" * 64, "channel": "email"}
    asked = {"email": bed.person()["email"], "subject": "demo", "message": "Bonjour"}
    yield "contact_requests", "created_at", 3.2 * _YEAR, asked


def _platform(bed: Bed, here: Tenant) -> Iterator[_Late]:
    invoice = {
        "number": "GK-PLANTED-2",
        "plan": "PRO",
        "amount": 15_000,
        "currency": "XAF",
        "processor": "stripe",
    }
    yield "platform_invoices", "issued_at", 11.5 * _YEAR, {**here.own, **invoice}
    visit = {**here.own, "staff_id": "staff-1", "reason": "support", "started_at": bed.ago(430)}
    yield "support_access_logs", "ended_at", 430, visit
    token = {
        "id": "planted-token",
        "user_id": here.user,
        "name": "Jeton expiré",
        "scopes": [],
        "revoked": False,
    }
    yield "oauth_access_tokens", "expires_at", 60, {**token, "created_at": bed.ago(425)}
    yield "password_reset_tokens", "created_at", 3, {"email": bed.person()["email"], "token": ""}


def _genletter(bed: Bed) -> None:
    def add(table: str, column: str, days: float, rest: dict[str, Any]) -> str:
        return _add(bed, GENLETTER, (table, column, days, rest))

    for column, days in (("closed_at", 60.0), ("deleted_at", 60.0), ("last_login_at", 3.2 * _YEAR)):
        account = {"name": "Ancien compte", "email": bed.person()["email"], "last_login_at": bed.ago(days)}
        key = add("accounts", column, days, account)
        profile = {"account_id": key, "preferences": []}
        bed.plant(OVERDUE, (GENLETTER, "user_profiles", "account_id"), profile, age=days)
        choice = {"account_id": key, "policy_version": "2024-05-03", "granted_at": bed.ago(3), "categories": []}
        bed.plant(OVERDUE, (GENLETTER, "cookie_consents", "account_id"), choice, age=3)
        asked = {"account_id": key, "provider": "tawk_to", "started_at": bed.ago(3), "closed_at": bed.ago(3)}
        chat = bed.plant(OVERDUE, (GENLETTER, "chat_conversations", "account_id"), asked, age=3)
        words = {"conversation_id": chat, "author": "visitor", "body": "Mon compte", "sent_at": bed.ago(3)}
        bed.plant(OVERDUE, (GENLETTER, "chat_messages", "conversation_id"), words, age=3)
    add("billing_invoices", "issued_at", 11.5 * _YEAR, {"number": "GL-PLANTED-2", "processor": "stripe"})
    chat = add("chat_conversations", "closed_at", 430, {"provider": "tawk_to", "started_at": bed.ago(431)})
    add("chat_messages", "sent_at", 430, {"conversation_id": chat, "author": "visitor", "body": "Bonjour"})
    add("cookie_consents", "granted_at", 430, {"policy_version": "2024-05-03", "categories": []})


def _recruitment(bed: Bed) -> None:
    """Refused and undecided for too long, asked not to be kept, deleted, and gone since the law's period."""
    table = "job_applications"
    refused = {**bed.person(), "source": "website", "status": "rejected"}
    _add(bed, GENUKA, (table, "decided_at", 3.2 * _YEAR, refused))
    waiting = {**bed.person(), "source": "email", "status": "received"}
    bed.plant(OVERDUE, (GENUKA, table, "id"), waiting, age=3.2 * _YEAR)
    opted_out = {**bed.person(), "source": "phone", "status": "rejected", "decided_at": bed.ago(35)}
    _add(bed, GENUKA, (table, "keep_opt_out_at", 40, opted_out))
    _add(bed, GENUKA, (table, "deleted_at", 60, {**bed.person(), "source": "email", "status": "received"}))
    person, since = bed.person(), bed.ago(14 * _YEAR)
    hired = {**person, "source": "email", "status": "hired", "offered_at": bed.ago(14 * _YEAR + 9)}
    application = _add(bed, GENUKA, (table, "hired_at", 14 * _YEAR, {**hired, "decided_at": since}))
    file = {**person, "country": "FR", "hired_at": since, "job_application_id": application}
    _add(bed, GENUKA, ("employees", "left_at", 11.5 * _YEAR, file))


def _unused_database(bed: Bed) -> None:
    """The last dedicated database: its subscription over, and nobody in it for more than four months."""
    for ref in bed.dedicated[-1:]:
        company, base = bed.tenant_of(ref), bed.bases[GENUKA]
        held, staff = base.tables["tenant_databases"], base.tables["users"]
        unused = {"last_used_at": bed.ago(200), "subscription_ended_at": bed.ago(190)}
        base.connection.execute(held.update().where(held.c.company_id == company).values(unused))
        nobody = {"last_login_at": bed.ago(200), "last_activity": bed.ago(200)}
        base.connection.execute(staff.update().where(staff.c.company_id == company).values(nobody))
        bed.note(OVERDUE, GENUKA, "tenant_databases", company, "last_used_at")
