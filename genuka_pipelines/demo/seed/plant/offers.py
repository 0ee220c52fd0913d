"""Fields that are asked for once an offer is made, filled in before."""

from __future__ import annotations

from datetime import date

from genuka_pipelines.demo.seed.plant.bed import Bed
from genuka_pipelines.demo.seed.values import GENUKA

_EARLY: dict[str, object] = {
    "birthdate": date(1990, 5, 17),
    "postal_address": "3 rue des Manguiers, Douala",
    "social_security_number": "SS-AbCd-412",
    "bank_account": "IBAN-AbCdEfGhIjKl",
    "emergency_contact": "Ma sœur",
}


def plant(bed: Bed) -> None:
    """One application for each field, received and not decided."""
    for column, value in _EARLY.items():
        sent = {**bed.person(), "status": "received", "source": "website", column: value}
        bed.plant("offer_stage", (GENUKA, "job_applications", column), sent)
