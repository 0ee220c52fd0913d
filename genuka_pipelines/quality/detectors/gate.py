"""A gate says cheaply which values are worth reading, in the database as well as here.

The detectors read only what their gate lets through, so that one regular expression in the
subset that RE2, PostgreSQL and PCRE share decides for all of them: without it, the rows a
server ships and the rows a scan reads would drift apart, and findings would be lost unseen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from genuka_pipelines.catalog.errors import GenukaError

Dialect = Literal["postgresql", "mariadb", "mysql"]

# One letter that may carry an accent, as itself, decomposed, or as a JSON or HTML escape.
ACCENT: Final = "[^ ]{1,9}"

_UNSHARED = re.compile(r"\\[bBdDsSwWmMyYzZAuUx]|\(\?(?!:)|[*+?}]\?|[*+?}]\+")


class UnportableGate(GenukaError):
    """A gate uses what one of the engines lacks or reads otherwise: rows would be lost there."""


class UnknownDialect(GenukaError):
    """No regular expression can be given for a server nobody wrote one for."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What a value must hold (`inverted`: must not be) to be read at all.

    `pattern` is searched anywhere in the raw value, `.` matching a line break. It may use literals,
    brackets, `(?:…)`, `|`, greedy counts, `^` and `$`; a `~` stands for one letter that may carry an
    accent. Non-ASCII characters are written as themselves and escaped for each server.
    """

    pattern: str
    any_case: bool = True
    inverted: bool = False

    def __post_init__(self) -> None:
        found = _UNSHARED.search(self.pattern)
        if found is not None:
            raise UnportableGate(
                f"the gate {self.pattern[:40]!r} uses {found[0]!r}, which PostgreSQL, MariaDB and RE2 do not "
                "share: write a bracket such as [0-9] or a group (?:…) instead"
            )

    @property
    def body(self) -> str:
        """The pattern in full, without flags."""
        return self.pattern.replace("~", ACCENT)

    def here(self) -> str:
        """For RE2 and Python's `re`; `inverted` is the reader's to apply."""
        return ("(?is)" if self.any_case else "(?s)") + self.body

    def there(self, dialect: Dialect) -> str:
        """For `column ~ :pattern` (PostgreSQL) or `column REGEXP :pattern`; pass it as a bound value."""
        body = f"^(?!{self.body})" if self.inverted else self.body
        # A case-insensitive collation would otherwise make MariaDB's match so.
        exact = "(?s)" if dialect == "postgresql" else "(?s-i)"
        return ("(?is)" if self.any_case else exact) + _ascii(body, dialect)


def either(gates: tuple[Gate, ...]) -> Gate:
    """One gate that lets through what any of them does; they must agree on case and direction."""
    first, *others = dict.fromkeys(gates)
    if not others:
        return first
    if any((gate.any_case, gate.inverted) != (first.any_case, False) for gate in (first, *others)):
        raise UnportableGate(
            "these detectors cannot share one regular expression: ask for one of their kinds at a time"
        )
    return Gate("|".join(f"(?:{gate.pattern})" for gate in (first, *others)), first.any_case)


def _ascii(body: str, dialect: Dialect) -> str:
    """Escape what is not ASCII, so that no connection's character set can change the pattern."""
    if dialect not in get_args(Dialect):
        raise UnknownDialect(f"no prefilter for {dialect!r}: use one of {', '.join(get_args(Dialect))}")
    if dialect == "postgresql":
        return "".join(c if c.isascii() else f"\\U{ord(c):08x}" for c in body)
    return "".join(c if c.isascii() else f"\\x{{{ord(c):x}}}" for c in body)
