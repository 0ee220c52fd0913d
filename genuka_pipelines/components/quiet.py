"""Facts that make no asset of their own: the policy, what is planned, the duties, the vocabulary.

They are components all the same, so that `dg check defs` judges them like every other fact.
"""

from __future__ import annotations

from genuka_pipelines.catalog import policy, procedure, vocabulary
from genuka_pipelines.components.fact import FactComponent


class Policy(FactComponent):
    """A published privacy policy: its clauses, tensions and sentences."""

    model = policy.Policy


class PlannedKeepers(FactComponent):
    """Capabilities to come, and the clauses they will keep."""

    model = policy.PlannedKeepers


class Procedure(FactComponent):
    """A duty that people perform and date."""

    model = procedure.Procedure


class Vocabulary(FactComponent):
    """Purposes, data subjects and classifications of this deployment."""

    model = vocabulary.Vocabulary
