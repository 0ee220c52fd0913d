"""What can go wrong with a database, each named for the harm and said in one sentence.

A driver's own text quotes values, statements and sometimes passwords; it stops here, and only
what a reader can act on (which database, where, what would be right) goes on.
"""

from __future__ import annotations

from typing import Literal

from genuka_pipelines.catalog.errors import GenukaError

Trouble = Literal[
    "refused", "login", "no_database", "no_host", "no_answer", "busy", "lost", "tls", "unopened",
    "missing_table", "missing_column", "read_only", "not_permitted", "not_writable", "locked", "referenced",
    "too_slow", "too_large", "unreadable", "query",
]  # fmt: skip
"""How a driver's error is classed; everything unknown is `query` (or `unopened`, before a connection)."""


class UnknownDialect(GenukaError):
    """A URL names a kind of database that this house does not speak."""


class DatabaseUnreachable(GenukaError):
    """A database cannot be opened or was lost: what it holds is unknown, which is not zero."""


class MissingTable(GenukaError):
    """A table that is declared or asked for is not in the database."""


class MissingColumn(GenukaError):
    """A column that is declared or asked for is not in its table."""


class ReadOnlyDatabase(GenukaError):
    """Something tried to change a database that is only read here."""


class NotPermitted(GenukaError):
    """The role of the URL lacks a right that is needed."""


class RowsLocked(GenukaError):
    """Another session holds rows that were to be changed: later they can be."""


class StillReferenced(GenukaError):
    """Rows of another table name the ones that were to go, and a foreign key forbids it."""


class TooSlow(GenukaError):
    """The server ended a statement that ran longer than the timeout."""


class QueryFailed(GenukaError):
    """The server refused a statement for another reason; the code says which."""


class RowsHidden(GenukaError):
    """The role does not see every row, so that a copy would lack rows and look complete."""


class NotReadWhole(GenukaError):
    """A table cannot be read in one moment with the others, or not be made again as it is."""


class TargetNotEmpty(GenukaError):
    """Something is where a restore was to go, and would be mixed or overwritten."""


class NotRestorable(GenukaError):
    """The server does not take a definition or a row as it was."""


_SENTENCES: dict[Trouble, tuple[type[GenukaError], str]] = {
    "refused": (DatabaseUnreachable, "{at} refuses connections; start the server or correct the URL"),
    "login": (DatabaseUnreachable, "{at} refuses the user or the password of the URL; correct them"),
    "no_database": (
        DatabaseUnreachable,
        "{at} has no database of the URL's name, or the user may not enter it; create it or correct the URL",
    ),
    "no_host": (DatabaseUnreachable, "{at} has a host name that nothing resolves; correct the URL"),
    "no_answer": (DatabaseUnreachable, "{at} does not answer in time; check the network and the firewall"),
    "busy": (DatabaseUnreachable, "{at} has no connection left to give; free some or raise its limit"),
    "lost": (DatabaseUnreachable, "{at} broke the connection off; try again once the server is up"),
    "tls": (DatabaseUnreachable, "{at} and the URL disagree about encryption (TLS); correct the URL"),
    "unopened": (DatabaseUnreachable, "{at} cannot be opened; try the URL with the server's own client"),
    "missing_table": (MissingTable, "{at} lacks a table that was asked for; create or declare it anew"),
    "missing_column": (MissingColumn, "{at} lacks a column that was asked for; create or declare it anew"),
    "read_only": (ReadOnlyDatabase, "{at} is opened for reading only, and something tried to change it"),
    "not_permitted": (NotPermitted, "{at} denies the user a right; grant it reading of every declared table"),
    "not_writable": (
        NotPermitted,
        "{at} denies the user the change of a row; grant it UPDATE and DELETE on every declared table",
    ),
    "locked": (RowsLocked, "{at} has rows that another session holds; try again once it has ended"),
    "referenced": (
        StillReferenced,
        "{at} keeps rows that the table '{code}' names; declare how its rows end with them (kept_with, ends_with)",
    ),
    "too_slow": (TooSlow, "{at} ended a statement at the timeout; raise the timeout or add an index"),
    "too_large": (QueryFailed, "{at} cannot send a row larger than max_allowed_packet; raise that variable"),
    "unreadable": (QueryFailed, "{at} sent a value that does not fit its column's declared type"),
    "query": (QueryFailed, "{at} refused a statement"),
}  # fmt: skip


def named(trouble: Trouble, name: str, place: str, code: str = "") -> GenukaError:
    """The error for a trouble of the database `name` at `place` (host and port, or a socket).

    `code` is the server's own (an SQLSTATE or an error number), never its text; for `referenced`, a table.
    """
    kind, sentence = _SENTENCES[trouble]
    said = sentence.format(at=f"{name} ({place})", code=code)
    return kind(f"{said} (server code {code})" if code and "{code}" not in sentence else said)
