"""The statements that make a MySQL or MariaDB database again, as the server shows them.

It shows foreign keys inside of their table, and whoever defined a view by name and host; the first would
forbid loading tables in any order, the second making the view anywhere else. Both are taken apart here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pymysql

from genuka_pipelines.systems.dump import Definition, Statement

Ask = Callable[[str], list[tuple[Any, ...]]]
_NAME = r"`((?:[^`]|``)*)`"
_FOREIGN_KEY = re.compile(
    rf",\n  (CONSTRAINT {_NAME} FOREIGN KEY \(.*?\) REFERENCES (?:{_NAME}\.)?{_NAME} \(.*?)(?=,?\n)"
)
_COUNTER = re.compile(r"(\n\).*?) AUTO_INCREMENT=\d+")
_DEFINER = re.compile(rf"\sDEFINER\s*=\s*{_NAME}(?:@{_NAME})?")
_CODE = (
    (
        "FUNCTION",
        "SELECT routine_name, '' FROM information_schema.routines"
        " WHERE routine_schema = database() AND routine_type = 'FUNCTION' ORDER BY 1",
    ),
    (
        "PROCEDURE",
        "SELECT routine_name, '' FROM information_schema.routines"
        " WHERE routine_schema = database() AND routine_type = 'PROCEDURE' ORDER BY 1",
    ),
    ("VIEW", "SELECT table_name, '' FROM information_schema.views WHERE table_schema = database() ORDER BY 1"),
    (
        "TRIGGER",
        "SELECT trigger_name, event_object_table FROM information_schema.triggers"
        " WHERE trigger_schema = database() ORDER BY event_object_table, event_manipulation, action_order",
    ),
    ("EVENT", "SELECT event_name, '' FROM information_schema.events WHERE event_schema = database() ORDER BY 1"),
)
_PLACES = {"FUNCTION": (1, 2), "PROCEDURE": (1, 2), "VIEW": (None, 1), "TRIGGER": (1, 2), "EVENT": (1, 3)}
"""Where SHOW CREATE has the SQL mode and the statement."""
_DENIED = (1044, 1142, 1143, 1227, 1305, 1360, 1370, 1539)
"""The codes of a right that is lacking, and of an object that the server therefore calls missing."""
_SEQUENCES = """
    SELECT concat('sequence ', table_name) FROM information_schema.tables
     WHERE table_schema = database() AND table_type = 'SEQUENCE' ORDER BY 1"""


def quoted(name: str) -> str:
    """A name between backticks."""
    return "`" + name.replace("`", "``") + "`"


def definition(ask: Ask, tables: list[str]) -> Definition:
    """The definition of the current database, by a function that asks one query of its server."""
    made = [one for table in tables for one in _table(ask, table)]
    unread = [name for (name,) in ask(_SEQUENCES)]
    for kind, names in _CODE:
        for name, table in ask(names):
            shown, (mode, text) = _shown(ask, kind, name), _PLACES[kind]
            if not shown or not shown[text]:
                unread.append(f"{kind.lower()} {name}")
                continue
            plain = _DEFINER.sub("", shown[text], count=1)
            made.append(Statement("code", name, plain, table, "", True, shown[mode] if mode is not None else ""))
    ((version,),) = ask("SELECT version()")
    return Definition("mysql", version, tuple(made), tuple(unread))


def _shown(ask: Ask, kind: str, name: str) -> tuple[Any, ...]:
    """What SHOW CREATE gives; nothing where the role may not see it."""
    try:
        return ask(f"SHOW CREATE {kind} {quoted(name)}")[0]
    except pymysql.MySQLError as error:
        if not error.args or error.args[0] not in _DENIED:
            raise
        return ()


def _table(ask: Ask, table: str) -> Iterator[Statement]:
    ((_, shown),) = ask(f"SHOW CREATE TABLE {quoted(table)}")
    yield Statement("tables", table, _COUNTER.sub(r"\1", _FOREIGN_KEY.sub("", shown), count=1), table)
    for clause, name, elsewhere, parent in _FOREIGN_KEY.findall(shown):
        name, parent = (text.replace("``", "`") for text in (name, parent))
        whose = f"{elsewhere}.{parent}" if elsewhere else parent
        yield Statement("foreign_keys", name, f"ALTER TABLE {quoted(table)} ADD {clause}", table, whose)
