"""What people and tenants may ask for, and by when they are answered: declared, so that nobody's calendar decides.

A request that only an inbox knows is late before anyone looks.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from genuka_pipelines.catalog.period import Period
from genuka_pipelines.catalog.value import ClauseId, SqlName, Value, Words

RequestKind = Literal[
    "access", "rectification", "erasure", "portability", "objection", "restriction", "not_kept", "tenant_export",
    "tenant_end",
]  # fmt: skip
"""Of a person: GDPR articles 15, 16, 17, 20, 21(2), 18 and 21(1); of a tenant: its data, and its end."""
OF_TENANTS: frozenset[RequestKind] = frozenset({"tenant_export", "tenant_end"})
Channel = Literal["email", "whatsapp", "phone", "post", "hr_thread", "form", "in_person", "support_tool"]
RequestCheck = Literal["answered_in_time", "nothing_left"]
REGISTER = "requests/register"
"""The asset's key."""


class RequestPlan(Value):
    """How requests are answered.

    `answered_within` runs from the day of arrival, and may once become `extended_by` longer, with a reason
    (GDPR article 12(3)). A check of somebody's identity counts for `identity_lasts`. `objection`, `not_kept` and
    `ended` name the columns, `table: column`, in which a refusal to be written to, the wish not to be kept (on which a
    rule acts in its time), and the end of a tenant are dated at the source. A tenant that ends may fetch its data for
    `retrieved_within`, unless it waives that (EU Data Act, article 25(2)(g)). `clauses` says what each check keeps.
    """

    title: Words
    answered_within: Period = Period("P1M")
    extended_by: Period = Period("P2M")
    identity_lasts: Period = Period("P30D")
    objection: dict[SqlName, SqlName] = Field(default_factory=dict)
    not_kept: dict[SqlName, SqlName] = Field(default_factory=dict)
    retrieved_within: Period = Period("P30D")
    ended: dict[SqlName, SqlName] = Field(default_factory=dict)
    clauses: dict[RequestCheck, tuple[ClauseId, ...]] = Field(default_factory=dict)
