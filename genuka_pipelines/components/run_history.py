"""Dagster's run history as something that ends by age: it is a record of ours like any other.

Only Dagster can reach it; so it is handed to the sweep from here, and to nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import dagster as dg

from genuka_pipelines.rows.aged import Old

PAGE = 500
FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


class RunHistory:
    """The finished runs of an instance, by when they were created."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance

    def older(self, prefix: str, limit: datetime) -> Iterator[Old]:
        """Every finished run created at `limit` or before, oldest first."""
        cursor = None
        while True:
            wanted = dg.RunsFilter(created_before=limit, statuses=FINISHED)
            page = self._instance.get_run_records(wanted, limit=PAGE, ascending=True, cursor=cursor)
            for record in page:
                yield Old(record.dagster_run.run_id, record.create_timestamp)
            if len(page) < PAGE:
                return
            cursor = page[-1].dagster_run.run_id

    def destroy(self, old: Old) -> None:
        """Delete the run with its events and its captured output."""
        manager = self._instance.compute_log_manager
        try:
            manager.delete_logs(prefix=[old.name])
        except NotImplementedError:
            """The manager keeps no logs of its own here."""
        self._instance.delete_run(old.name)
