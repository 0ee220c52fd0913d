"""What an application leaves when it takes a row and not what hangs on it: rows that name nobody.

No date says since when, so no period counts them; a sweep that only follows dates keeps them for ever.
Those of them that have no tenant either are with the rows that belong to none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from genuka_pipelines.demo.seed.files import PNG, SIZES
from genuka_pipelines.demo.seed.plant.bed import Bed
from genuka_pipelines.demo.seed.plant.overdue import OVERDUE
from genuka_pipelines.demo.seed.plant.tenants import Tenant
from genuka_pipelines.demo.seed.values import GENLETTER, GENUKA

# (table, the column by which the row hung, the rest of the row)
_Left = tuple[str, str, dict[str, Any]]


def plant(bed: Bed, here: Tenant) -> None:
    """A row in every table whose rows go with an owner, each of an owner that nobody can find."""
    nobody = bed.ulid(30)
    for table, column, values in _left(bed, here):
        held = bed.bases[GENUKA].tables[table].c
        own = here.own if "company_id" in held and column != "company_id" else {}
        bed.plant(OVERDUE, (GENUKA, table, column), {**own, **values, column: nobody}, age=2)
    variant = bed.add(GENUKA, "product_variants", {"product_id": nobody, "price": 100}, age=2)
    bed.plant(OVERDUE, (GENUKA, "services", "product_variant_id"), {"product_variant_id": variant}, age=2)
    said = {"conversation_id": nobody, "author": "visitor", "body": "Bonjour", "sent_at": bed.ago(2)}
    bed.plant(OVERDUE, (GENLETTER, "chat_messages", "conversation_id"), said, age=2)
    profile = {"account_id": nobody, "preferences": []}
    bed.plant(OVERDUE, (GENLETTER, "user_profiles", "account_id"), profile, age=2)


def _left(bed: Bed, here: Tenant) -> Iterator[_Left]:
    order = {"addressable_type": "App\\Models\\Order", "city": "Douala"}
    yield "addresses", "addressable_id", order
    yield "reviews", "reviewable_id", {"reviewable_type": "App\\Models\\Product", "reviewer_id": here.customer}
    yield "shop_user", "user_id", {"shop_id": here.shop}
    yield "customer_shop", "shop_id", {"customer_id": here.customer}
    picture = {"file_name": "perdue.png", "mime_type": PNG, "size": SIZES[PNG], "generated_conversions": []}
    yield "media", "model_id", {**picture, "model_type": "App\\Models\\Order"}
    tag = bed.add(GENUKA, "tags", {**here.own, "name": "Ancien"}, age=2)
    yield "taggables", "taggable_id", {"tag_id": tag, "taggable_type": "App\\Models\\Order"}
    yield "company_consents", "company_id", {"purpose": "analytics", "granted_at": bed.ago(2)}
    token = {"id": "planted-left", "name": "Jeton", "scopes": [], "revoked": False, "expires_at": bed.ago(-30)}
    yield "oauth_access_tokens", "user_id", token
    yield "event_partners", "event_id", {"name": "Zénith", "role": "partner"}
    person = bed.person()
    yield "event_registrations", "event_id", {"name": person["last_name"], "email": person["email"], "shared_with": []}
    session = {"id": "planted-left", "payload": "", "last_activity": bed.recipe.now - 3600, "created_at": bed.ago(1)}
    yield "sessions", "user_id", session
    seen = {"id": "planted-nobody", "distinct_id": "nobody", "started_at": bed.ago(1), "ended_at": bed.ago(1)}
    yield "session_recordings", "user_id", seen
