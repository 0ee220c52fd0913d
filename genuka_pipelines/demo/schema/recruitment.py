"""Candidates, and the file of those who were hired.

Offer-stage fields stand beside the letter and the CV, so that "more only once an offer is made" is
a question about a row's state and not about its columns.
"""

from __future__ import annotations

from sqlalchemy import Column, Date

from genuka_pipelines.demo.schema.columns import key, moment, ref, soft_delete, stamps, table
from genuka_pipelines.demo.schema.databases import PLATFORM
from genuka_pipelines.demo.schema.types import document, prose, words

job_applications = table(
    "job_applications",
    PLATFORM,
    key(),
    ref("job_posting_id"),
    Column("first_name", words()),
    Column("last_name", words()),
    Column("email", words(), index=True),
    Column("phone", words(40)),
    Column("source", words(40)),
    Column("cover_letter", prose()),
    Column("cv_key", words()),
    Column("cv_file_name", words()),
    Column("country", words(2)),
    Column("status", words(40)),
    Column("birthdate", Date()),
    Column("postal_address", prose()),
    Column("social_security_number", words(64)),
    Column("bank_account", words(64)),
    Column("emergency_contact", words()),
    moment("offered_at"),
    moment("decided_at", index=True),
    moment("hired_at"),
    moment("keep_opt_out_at"),
    moment("last_message_at"),
    *stamps(),
    *soft_delete(),
)

employees = table(
    "employees",
    PLATFORM,
    key(),
    ref("job_application_id", index=True),
    Column("first_name", words()),
    Column("last_name", words()),
    Column("email", words()),
    Column("phone", words(40)),
    Column("country", words(2)),
    Column("position", words()),
    Column("birthdate", Date()),
    Column("postal_address", prose()),
    Column("social_security_number", words(64)),
    Column("bank_account", words(64)),
    Column("emergency_contact", words()),
    Column("notes", prose()),
    Column("legal_data", document()),
    moment("hired_at"),
    moment("left_at", index=True),
    *stamps(),
)
