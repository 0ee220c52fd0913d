"""Forbidden things in known places, so that whatever looks for them can be shown to find them.

A check that has never been red proves nothing; each place here is returned to the caller, and a
check that misses one of them is a defect with an address.
"""

from __future__ import annotations

from collections import Counter

from genuka_pipelines.demo.seed.base import Base, refusals
from genuka_pipelines.demo.seed.plant import (
    addresses,
    cards,
    departed,
    hanging,
    offers,
    orphans,
    overdue,
    passwords,
    statements,
    ties,
    undeclared,
)
from genuka_pipelines.demo.seed.plant.bed import Bed
from genuka_pipelines.demo.seed.plant.tenants import tenants
from genuka_pipelines.demo.seed.values import GENUKA, Planted, Recipe


def plant(bases: dict[str, Base], recipe: Recipe, counts: Counter[str]) -> list[Planted]:
    """Add every forbidden thing and return their places; the rows added are added to the counts."""
    bed = Bed(bases, recipe, counts)
    with refusals(GENUKA, "planted"):
        here, there = tenants(bed)
        cards.plant(bed, here)
        statements.plant(bed)
        offers.plant(bed)
        passwords.plant(bed, here)
        addresses.plant(bed, there)
        ties.plant(bed, here, there)
        overdue.plant(bed, here)
        departed.plant(bed, here)
        hanging.plant(bed, here)
        orphans.plant(bed, here)
        undeclared.plant(bed)
        bed.commit()
    return bed.planted
