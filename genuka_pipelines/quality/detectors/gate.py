"""A gate says cheaply which values are worth reading, in the database as well as here.

The detectors read only what their gate lets through, and a gate is written in the subset of regular
expressions that RE2, PostgreSQL and PCRE share: were the server's filter another one than ours, the
rows it ships and the rows we read would drift apart, and findings would be lost unseen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from genuka_pipelines.catalog.errors import GenukaError

Dialect = Literal["postgresql", "mariadb", "mysql"]

# One letter that may carry an accent, as itself, decomposed, or as a JSON or HTML escape; and, for a server,
# anything as long as the longest of these.
_ACCENT: Final = (
    r"(?:[a-z]|[^ -~]|&[a-z0-9#]{2,7};|\\{1,4}u[0-9a-f]{4})"
    "(?:[\u0300-\u036f]|" + r"\\{1,4}u03[0-6][0-9a-f]|&#(?:7[67][0-9]|8[0-7][0-9]);)?"
)
_ACCENT_THERE: Final = "[^ ]{1,18}"
_UNSHARED = re.compile(r"\\[bBdDsSwWmMyYzZAuUx]|\(\?(?!:)|[*+?}]\?|[*+?}]\+")


class UnportableGate(GenukaError):
    """A gate uses what one of the engines lacks or reads otherwise: rows would be lost there."""


class UnknownDialect(GenukaError):
    """No regular expression can be given for a server nobody wrote one for."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets through a raw value in which every pattern of one of its `ways` is found, anywhere.

    Patterns may use literals, brackets, `(?:…)`, `|`, greedy counts, `^` and `$` (the value's ends);
    `.` matches a line break, and `~` stands for one letter that may carry an accent. `inverted` lets
    through what matches none instead. Several small patterns are faster than one large one, and a server
    some hundred times slower with either: `coarse`, if given, is what it is asked instead, and must let
    through all that the ways do.
    """

    ways: tuple[tuple[str, ...], ...]
    coarse: str = ""
    any_case: bool = True
    inverted: bool = False

    def __post_init__(self) -> None:
        for pattern in (self.coarse, *(pattern for way in self.ways for pattern in way)):
            found = _UNSHARED.search(pattern)
            if found is not None:
                raise UnportableGate(
                    f"the gate {pattern[:40]!r} uses {found[0]!r}, which PostgreSQL, MariaDB and RE2 do not share: "
                    "write a bracket such as [0-9] or a group (?:…) instead"
                )

    def local(self, pattern: str) -> str:
        """One of its patterns for RE2 and Python's `re`."""
        return ("(?is)" if self.any_case else "(?s)") + pattern.replace("~", _ACCENT)

    def there(self, dialect: Dialect) -> str:
        """The whole gate as one expression for a server; pass it as a bound value."""
        if dialect not in get_args(Dialect):
            raise UnknownDialect(f"no prefilter for {dialect!r}: use one of {', '.join(get_args(Dialect))}")
        body = self._body()
        # A case-insensitive collation would otherwise make MariaDB's match so.
        exact = "(?s)" if dialect == "postgresql" else "(?s-i)"
        return ("(?is)" if self.any_case else exact) + _ascii(body, dialect)

    def _body(self) -> str:
        if self.coarse:
            return self.coarse.replace("~", _ACCENT_THERE)
        body = "|".join(_together(way) for way in self.ways)
        return f"^(?!{body})" if self.inverted else body


def gate(*ways: str | tuple[str, ...], coarse: str = "") -> Gate:
    """A gate of these ways; a single pattern is a way of its own."""
    return Gate(tuple((way,) if isinstance(way, str) else way for way in ways), coarse)


def either(gates: tuple[Gate, ...]) -> Gate:
    """One gate that lets through what any of them does; they must agree on case, and none be inverted."""
    first, *others = dict.fromkeys(gates)
    if not others:
        return first
    if any((one.any_case, one.inverted) != (first.any_case, False) for one in (first, *others)):
        raise UnportableGate(
            "these detectors cannot share one regular expression: ask for one of their kinds at a time"
        )
    ways = tuple(dict.fromkeys(way for one in gates for way in one.ways))
    coarse = "|".join(dict.fromkeys(one.coarse for one in gates)) if all(one.coarse for one in gates) else ""
    return Gate(ways, coarse, first.any_case)


def _together(way: tuple[str, ...]) -> str:
    patterns = [pattern.replace("~", _ACCENT_THERE) for pattern in way]
    if len(patterns) == 1:
        return f"(?:{patterns[0]})"
    return "^" + "".join(f"(?=.*(?:{pattern}))" for pattern in patterns)


def _ascii(body: str, dialect: Dialect) -> str:
    """Escape what is not ASCII, so that no connection's character set can change the pattern."""
    if dialect == "postgresql":
        return "".join(c if c.isascii() else f"\\U{ord(c):08x}" for c in body)
    return "".join(c if c.isascii() else f"\\x{{{ord(c):x}}}" for c in body)
