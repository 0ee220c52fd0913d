"""Postal addresses that no invoice and no delivery needs."""

from __future__ import annotations

from genuka_pipelines.demo.seed.plant.bed import Bed
from genuka_pipelines.demo.seed.plant.tenants import Tenant
from genuka_pipelines.demo.seed.values import GENUKA

KIND = "address_not_needed"


def plant(bed: Bed, there: Tenant) -> None:
    """The address of a company that was never invoiced, and one given in a contact form."""
    address = {
        **there.own,
        "addressable_type": "App\\Models\\Company",
        "addressable_id": there.company,
        "line1": "12 rue des Manguiers",
        "city": "Douala",
        "country": "Cameroun",
    }
    bed.plant(KIND, (GENUKA, "addresses", "line1"), address)
    request = {
        "email": bed.person()["email"],
        "subject": "demo",
        "message": "Bonjour, je souhaite une démonstration.",
        "postal_address": "7 avenue de l'Indépendance, Yaoundé",
    }
    bed.plant(KIND, (GENUKA, "contact_requests", "postal_address"), request)
