"""What the tests of this deployment's facts read: the one catalogue, and its rules by place."""

from __future__ import annotations

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.load import load_catalog
from genuka_pipelines.catalog.rule import Rule

FACTS: Catalog = load_catalog()


def rule_of(category: str, table: str, name: str | None) -> Rule:
    (rule,) = [rule for rule in FACTS.categories[category].tables[table].retention if rule.name == name]
    return rule
