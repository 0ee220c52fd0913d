"""Opens the control database as one value, so that nobody else knows there is an engine behind it."""

from __future__ import annotations

from types import TracebackType

from sqlalchemy import text

from genuka_pipelines.control import schema
from genuka_pipelines.control.budgets import Budgets
from genuka_pipelines.control.cuts import Cuts
from genuka_pipelines.control.database import Database, connect
from genuka_pipelines.control.deliveries import Deliveries
from genuka_pipelines.control.erasures import Erasures
from genuka_pipelines.control.holds import Holds
from genuka_pipelines.control.intake import Intake
from genuka_pipelines.control.leases import Leases
from genuka_pipelines.control.ledger import Ledger
from genuka_pipelines.control.notices import Notices
from genuka_pipelines.control.pace import Paces
from genuka_pipelines.control.recipients import Recipients
from genuka_pipelines.control.requests import Requests
from genuka_pipelines.control.reviews import Reviews
from genuka_pipelines.control.suppressions import Suppressions
from genuka_pipelines.control.switches import Switches


class Control:
    """The control database, one attribute for each of its registers. Close it, or use it as a context."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.ledger = Ledger(database)
        self.leases = Leases(database)
        self.reviews = Reviews(database)
        self.holds = Holds(database, self.ledger)
        self.pace = Paces(database)
        self.requests = Requests(database, self.ledger)
        self.recipients = Recipients(database, self.ledger)
        self.intake = Intake(database)
        self.suppressions = Suppressions(database)
        self.switches = Switches(database, self.ledger)
        self.erasures = Erasures(database)
        self.cuts = Cuts(database)
        self.notices = Notices(database, self.ledger)
        self.budgets = Budgets(database, self.ledger)
        self.deliveries = Deliveries(database, self.ledger)

    def weaknesses(self) -> tuple[str, ...]:
        """What this server does not guarantee: `not_durable` (a crash may undo what was committed),
        `entries_unguarded` (the database itself would let somebody alter the ledger)."""
        queries = _MYSQL if self._database.mysql else _POSTGRESQL
        with self._database.begin() as connection:
            held = {name: connection.execute(text(query)).scalar() for name, query in queries.items()}
        return tuple(name for name, holds in held.items() if not holds)

    def close(self) -> None:
        """Gives every connection back."""
        self._database.engine.dispose()

    def __enter__(self) -> Control:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_POSTGRESQL = {
    "not_durable": "SELECT current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on' "
    "AND current_setting('synchronous_commit') <> 'off'",
    "entries_unguarded": "SELECT count(*) = 2 FROM pg_trigger WHERE tgrelid = 'ledger_entries'::regclass "
    "AND NOT tgisinternal AND tgenabled IN ('O', 'A')",
}
_MYSQL = {
    "not_durable": "SELECT @@innodb_flush_log_at_trx_commit = 1",
    "entries_unguarded": "SELECT count(*) = 2 FROM information_schema.triggers "
    "WHERE event_object_schema = DATABASE() AND event_object_table = 'ledger_entries'",
}


def open_control(url: str, *, upgrade: bool = False) -> Control:
    """Opens the control database at `url` (postgresql://, mysql:// or mariadb://): one short query.

    With `upgrade`, its tables are made or updated first. Raises ControlAddressWrong,
    ControlUnreachable, ControlNotReady, ControlTooNew, ForeignDatabase.
    """
    database = connect(url)
    try:
        if upgrade:
            schema.upgrade(database.engine)
        else:
            schema.refuse_unless_current(database.engine)
    except BaseException:
        database.engine.dispose()
        raise
    return Control(database)
