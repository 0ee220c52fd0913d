"""The words a fact may use: classifications of columns, purposes, data subjects.

Fideslang's taxonomy is the base, so that other tools read ours; what it lacks (a recorded session,
union membership) is added as data, and a misspelt word is answered with the valid ones.
"""

from __future__ import annotations

from functools import cache

from pydantic import Field

from genuka_pipelines.catalog.value import Identifier, Value, Words

DIRECT_IDENTIFIERS = (
    "user.name",
    "user.contact.email",
    "user.contact.phone_number",
    "user.contact.address.street",
    "user.contact.url",
    "user.unique_id",
    "user.device.ip_address",
    "user.device.device_id",
    "user.device.cookie_id",
    "user.account.username",
    "user.government_id",
    "user.financial",
    "user.authorization",
    "user.content",
    "user.location.precise",
    "system.authentication",
)
"""Classifications that point at one person or open a door; nothing below them is staged in clear."""

QUASI_IDENTIFIERS = (
    "user.contact.organization",
    "user.contact.address.city",
    "user.contact.address.postal_code",
    "user.demographic.date_of_birth",
    "user.job_title",
    "user.unique_id",
)
"""Classifications that point at one person or company beside little else; none tells cells apart."""


class Purpose(Value):
    """Why data are used: a title, and the word of Fideslang closest to it."""

    title: Words
    data_use: str


class Vocabulary(Value):
    """The words of one deployment, added to Fideslang's.

    `events` say a date column as the event it records, to follow "after" and "après" ("they end",
    "leur fin"); `triggers` say what ends a period sooner ("on request", "sur demande").
    """

    purposes: dict[Identifier, Purpose]
    subjects: dict[Identifier, Words]
    classifications: dict[str, Words]
    events: dict[str, Words] = Field(default_factory=dict)
    triggers: dict[Identifier, Words] = Field(default_factory=dict)


@cache
def fideslang_categories() -> frozenset[str]:
    """Every data category of Fideslang's default taxonomy."""
    from fideslang.default_taxonomy import DEFAULT_TAXONOMY

    return frozenset(str(category.fides_key) for category in DEFAULT_TAXONOMY.data_category or [])


@cache
def fideslang_uses() -> frozenset[str]:
    """Every data use of Fideslang's default taxonomy."""
    from fideslang.default_taxonomy import DEFAULT_TAXONOMY

    return frozenset(str(use.fides_key) for use in DEFAULT_TAXONOMY.data_use or [])


def is_direct_identifier(classification: str) -> bool:
    """Whether a column of this classification identifies a person by itself."""
    if classification.startswith("user.unique_id.pseudonymous"):
        return False
    return any(classification == root or classification.startswith(root + ".") for root in DIRECT_IDENTIFIERS)


def is_quasi_identifier(classification: str) -> bool:
    """Whether a value of this classification, beside one or two others, tells whose it is."""
    # A tenant's key, but not what its subscription is.
    if classification == "tenant" or is_direct_identifier(classification):
        return True
    return any(classification == root or classification.startswith(root + ".") for root in QUASI_IDENTIFIERS)


def is_personal(classification: str) -> bool:
    """Whether a column of this classification is about a person at all."""
    return classification == "user" or classification.startswith("user.")
