"""What was handed over to people and tenants: until when it may be fetched, and whether it was.

A copy of somebody's data that nobody remembers having made is fetched by the wrong person years later; so each is
written down with its end before anybody is told of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from genuka_pipelines.control.bodies import Body, DeliveryDownloaded, DeliveryMade, DeliveryWithdrawn
from genuka_pipelines.control.canonical import in_utc
from genuka_pipelines.control.database import Database
from genuka_pipelines.control.errors import DeliveryDiffers, DeliveryOver, DeliveryUnknown
from genuka_pipelines.control.ledger import Ledger
from genuka_pipelines.control.tables import deliveries


@dataclass(frozen=True, slots=True)
class Delivery:
    """An encrypted object of a store. `id` is 64 hex digits, opaque as `request` and `key` are; `size` in bytes."""

    id: str
    kind: str
    request: str
    key: str
    sha256: str
    size: int
    made_at: datetime
    expires_at: datetime
    downloads: int = 0
    downloaded_at: datetime | None = None
    withdrawn_at: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether it may still be fetched."""
        return self.withdrawn_at is None and now < self.expires_at


class Deliveries:
    """The deliveries of one control database."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database, self._ledger = database, ledger

    def create(self, made: Delivery, *, also: Sequence[Body] = (), now: datetime) -> bool:
        """Write a delivery down, with `also` what else is to be said of it; False, and nothing done, where it is known.

        DeliveryDiffers where the id is known with other bytes. Raises ClockSetBack, ClockAhead.
        """
        with self._database.begin() as connection:
            self._ledger.alone(connection)
            known = _one(connection, made.id)
            if known is not None:
                if (known.key, known.sha256) != (made.key, made.sha256):
                    raise DeliveryDiffers("this was delivered already, with other bytes: give the request another name")
                return False
            moments = {name: in_utc(getattr(made, name)) for name in ("made_at", "expires_at")}
            connection.execute(insert(deliveries).values(**{**asdict(made), **moments}))
            said = DeliveryMade(
                delivery=made.id,
                what=made.kind,
                sha256=made.sha256,
                size=made.size,
                expires=moments["expires_at"].date(),
            )
            self._ledger.append_within(connection, [*also, said], as_of=now, now=now)
        return True

    def get(self, delivery: str) -> Delivery | None:
        """A delivery by its id."""
        with self._database.begin() as connection:
            return _one(connection, delivery)

    def of(self, request: str) -> tuple[Delivery, ...]:
        """What was handed over for a request, oldest first."""
        return self._read(deliveries.c.request == request)

    def open(self, now: datetime, kind: str | None = None) -> tuple[Delivery, ...]:
        """What may be fetched, the first to end first; of one kind, or all."""
        chosen = [] if kind is None else [deliveries.c.kind == kind]
        return self._read(deliveries.c.withdrawn_at.is_(None), deliveries.c.expires_at > in_utc(now), *chosen)

    def over(self, now: datetime) -> tuple[Delivery, ...]:
        """What may be fetched no more and was not withdrawn: its object is to be destroyed, then `expire` says so."""
        return self._read(deliveries.c.withdrawn_at.is_(None), deliveries.c.expires_at <= in_utc(now))

    def downloaded(self, delivery: str, *, now: datetime) -> Delivery:
        """Count a download. DeliveryUnknown, DeliveryOver."""
        with self._database.begin() as connection:
            self._ledger.alone(connection)
            found = self._there(connection, delivery)
            if not found.is_open(now):
                raise DeliveryOver("this delivery was withdrawn or its time is over: ask for another")
            count = found.downloads + 1
            changed = update(deliveries).where(deliveries.c.id == delivery)
            connection.execute(changed.values(downloads=count, downloaded_at=in_utc(now)))
            said = DeliveryDownloaded(delivery=delivery, downloads=count)
            self._ledger.append_within(connection, [said], as_of=now, now=now)
            return self._there(connection, delivery)

    def expire(self, delivery: str, *, now: datetime) -> bool:
        """Withdraw a delivery, in its time or before it, once its object is gone; False where it was withdrawn."""
        with self._database.begin() as connection:
            self._ledger.alone(connection)
            found = self._there(connection, delivery)
            if found.withdrawn_at is not None:
                return False
            connection.execute(update(deliveries).where(deliveries.c.id == delivery).values(withdrawn_at=in_utc(now)))
            said = DeliveryWithdrawn(delivery=delivery, why="withdrawn" if now < found.expires_at else "expired")
            self._ledger.append_within(connection, [said], as_of=now, now=now)
        return True

    def _there(self, connection: Connection, delivery: str) -> Delivery:
        found = _one(connection, delivery)
        if found is None:
            raise DeliveryUnknown("no delivery has this id: `genuka export list` shows those that are open")
        return found

    def _read(self, *which: ColumnElement[bool]) -> tuple[Delivery, ...]:
        query = select(deliveries).where(*which).order_by(deliveries.c.expires_at, deliveries.c.id)
        with self._database.begin() as connection:
            return tuple(map(_delivery, connection.execute(query)))


def _one(connection: Connection, delivery: str) -> Delivery | None:
    row = connection.execute(select(deliveries).where(deliveries.c.id == delivery)).first()
    return None if row is None else _delivery(row)


def _delivery(row: Row[tuple[object, ...]]) -> Delivery:
    return Delivery(**row._mapping)
