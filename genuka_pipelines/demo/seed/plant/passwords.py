"""Passwords that anyone can read, or that a fast hash gives away."""

from __future__ import annotations

from genuka_pipelines.demo.seed.plant.bed import Bed
from genuka_pipelines.demo.seed.plant.tenants import Tenant
from genuka_pipelines.demo.seed.values import GENLETTER, GENUKA

PLAIN = "Soleil-de-Kribi!"
_MD5 = "9b306ab04ef5e25f9fb89c998a6aedab"


def plant(bed: Bed, here: Tenant) -> None:
    """A plain password in each table that has one, and an unsalted MD5."""
    for kind, password in (("plain_password", PLAIN), ("weak_password_hash", _MD5)):
        user = {**here.own, **bed.person(), "role": "employee", "password": password}
        bed.plant(kind, (GENUKA, "users", "password"), user)
    bed.plant("plain_password", (GENUKA, "customers", "password"), {**here.own, **bed.person(), "password": PLAIN})
    account = {"name": "Compte d'essai", "email": bed.person()["email"], "last_login_at": bed.ago(1)}
    bed.plant("plain_password", (GENLETTER, "accounts", "password"), {**account, "password": PLAIN})
