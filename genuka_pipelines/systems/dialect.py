"""The dialect seam: everything in which two servers differ, as one interface.

A difference handled anywhere else would be tested on one server and wrong on the other; a third
server is one more class here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import sqlalchemy as sa

from genuka_pipelines.systems.column_types import as_text
from genuka_pipelines.systems.errors import Trouble, UnknownDialect
from genuka_pipelines.systems.key_block import key_block

if TYPE_CHECKING:
    from genuka_pipelines.systems.database import Database
    from genuka_pipelines.systems.dump import Dump, Load
    from genuka_pipelines.systems.snapshot import Snapshot
    from genuka_pipelines.systems.writer import Writer

DialectName = Literal["postgresql", "mysql"]
CONNECT_SECONDS = 10
Text = sa.ColumnElement[str]
Bytes = sa.ColumnElement[bytes]
Pad = bytes | Bytes
"""A padded key block of RFC 2104 (64 bytes), or an expression that yields one, or NULL."""


class Dialect(ABC):
    """How one kind of server is opened, read and spoken to."""

    name: ClassVar[DialectName]
    drivername: ClassVar[str]
    inventory: ClassVar[str]
    """One query: table, column, declared type, base type, collation, nullable; of every table that holds rows."""
    row_security: ClassVar[str | None]
    """A query for the tables whose rows may be hidden from the current role, or None where none can be."""
    bypasses_row_security: ClassVar[str | None]

    @abstractmethod
    def connect_args(self, url: sa.URL) -> dict[str, Any]:
        """Arguments of the driver beside the URL."""

    @abstractmethod
    def prepare(self, connection: Any, timeout: float | None) -> None:
        """Make a fresh connection read-only, repeatable-read, in UTC, with a timeout in seconds."""

    @abstractmethod
    def sql_type(self, base: str, declared: str, collation: str | None) -> sa.types.TypeEngine[Any]:
        """The SQLAlchemy type of a column of the inventory."""

    @abstractmethod
    def trouble(self, error: BaseException) -> tuple[Trouble, str]:
        """The class of a driver's error, and the server's code where it gave one."""

    @abstractmethod
    def driver_errors(self) -> tuple[type[Exception], ...]:
        """The base errors of the drivers, imported on use."""

    @abstractmethod
    def snapshot(self, engine: sa.Engine, timeout: float | None) -> Snapshot:
        """An open consistent view."""

    @abstractmethod
    def dump(self, database: Database, workers: int) -> Dump:
        """An open consistent view of the whole database, in its own text."""

    @abstractmethod
    def load(self, database: Database, schema: str | None) -> Load:
        """A way to put such a text into an empty database or schema."""

    @abstractmethod
    def writer(self) -> Writer:
        """How rows are changed there."""

    @abstractmethod
    def product(self, connection: sa.Connection) -> tuple[str, str]:
        """The server's product name and version."""

    @abstractmethod
    def day(self, moment: sa.ColumnElement[Any]) -> sa.ColumnElement[date]:
        """The UTC day of a moment."""

    @abstractmethod
    def month(self, moment: sa.ColumnElement[Any]) -> sa.ColumnElement[date]:
        """The first day of the UTC month of a moment."""

    @abstractmethod
    def minutes_between(self, earlier: sa.ColumnElement[Any], later: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
        """Whole minutes from one moment to a later one."""

    def months_between(self, earlier: sa.ColumnElement[Any], later: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
        """Calendar months from one moment's UTC month to a later one's."""
        counted = [sa.extract("year", one) * 12 + sa.extract("month", one) for one in (earlier, later)]
        return sa.cast(counted[1] - counted[0], sa.BigInteger)

    @abstractmethod
    def setting(self, document: sa.ColumnElement[Any], key: str) -> Text:
        """The text of what a JSON document holds under a key; NULL where it holds nothing there."""

    @abstractmethod
    def days_since(self, first: date, day: sa.ColumnElement[date]) -> sa.ColumnElement[int]:
        """Whole days from `first` to a day."""

    @abstractmethod
    def from_seconds(self, seconds: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """The moment of a number of seconds since 1970, fractions kept."""

    @abstractmethod
    def as_moment(self, day: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """The midnight, UTC, at which a day begins."""

    @abstractmethod
    def alike(
        self, mine: sa.ColumnElement[Any], theirs: sa.ColumnElement[Any]
    ) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
        """Two columns in forms that compare; theirs stays as it is where it can, for its index."""

    @abstractmethod
    def text(self, element: sa.ColumnElement[Any]) -> Text:
        """The text of a column, in a form that mixes with that of others."""

    @abstractmethod
    def position(self, needle: Text, hay: str) -> sa.ColumnElement[int]:
        """The 1-based place of a text in a constant, 0 where it is not."""

    @abstractmethod
    def part(self, text: Text, separator: str, place: int) -> Text:
        """The part at 1, 2 or -1 (the last) between separators; empty where there is no such part."""

    @abstractmethod
    def matches(self, text: Text, pattern: str) -> sa.ColumnElement[bool]:
        """Whether a regular expression matches, minding case; classes hold ASCII only."""

    @abstractmethod
    def digits(self, text: Text) -> Text:
        """The ASCII digits of a text, in their order."""

    @abstractmethod
    def before(self, text: Text, other: str) -> sa.ColumnElement[bool]:
        """Whether a lower-case ASCII text sorts before another, byte for byte."""

    @abstractmethod
    def octets(self, text: Text) -> Bytes:
        """The UTF-8 bytes of a text."""

    @abstractmethod
    def piece(self, block: bytes, start: sa.ColumnElement[int], length: int) -> Bytes:
        """`length` bytes of secret `block` from the 1-based `start`; NULL where they are all zero."""

    @abstractmethod
    def _hmac(self, message: Bytes, ipad: Bytes, opad: Bytes) -> Text: ...

    def hmac_sha256(self, message: sa.ColumnElement[Any], ipad: Pad, opad: Pad) -> Text:
        """HMAC-SHA256 (RFC 2104) of a column's UTF-8 text, lower-case hex; NULL where any part is NULL."""
        inner, outer = (key_block(pad) if isinstance(pad, bytes) else pad for pad in (ipad, opad))
        return sa.type_coerce(self._hmac(self.octets(as_text(message)), inner, outer), sa.Text())


def hmac_sha256(dialect: Dialect, message: sa.ColumnElement[Any], ipad: Pad, opad: Pad) -> Text:
    """`Dialect.hmac_sha256` under the name of what it computes."""
    return dialect.hmac_sha256(message, ipad, opad)


def dialect_of(url: sa.URL) -> Dialect:
    """The dialect of a URL; UnknownDialect names the schemes that are spoken here."""
    from genuka_pipelines.systems.mysql.dialect import MySQL
    from genuka_pipelines.systems.postgresql.dialect import PostgreSQL

    scheme = url.get_backend_name()
    if scheme in ("postgresql", "postgres"):
        return PostgreSQL()
    if scheme in ("mysql", "mariadb"):
        return MySQL()
    raise UnknownDialect(f"'{scheme}' is not a database spoken here; write postgresql://… or mysql://…")
