"""What was handed over is written down once, counted, and withdrawn once; the ledger says each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from genuka_pipelines.control import (
    Control,
    Delivery,
    DeliveryDiffers,
    DeliveryDownloaded,
    DeliveryMade,
    DeliveryOver,
    DeliveryUnknown,
    DeliveryWithdrawn,
    open_control,
)
from tests.servers import Kind, fresh_control, fresh_database

NOW = datetime(2025, 11, 22, 3, 0, tzinfo=UTC)
MADE = Delivery("a" * 64, "tenant_archive", "b" * 64, "tenants/x.tar.age", "c" * 64, 10, NOW, NOW + timedelta(days=30))


@pytest.fixture(params=["postgresql", "mariadb"])
def control(request: pytest.FixtureRequest) -> Iterator[Control]:
    kind: Kind = request.param
    fresh = fresh_control() if kind == "postgresql" else fresh_database(kind)
    with fresh as url, open_control(url.render_as_string(hide_password=False), upgrade=True) as found:
        yield found


def test_from_its_making_to_its_end(control: Control) -> None:
    assert control.deliveries.create(MADE, now=NOW)
    assert not control.deliveries.create(MADE, now=NOW)
    with pytest.raises(DeliveryDiffers):
        control.deliveries.create(replace(MADE, sha256="d" * 64), now=NOW)
    assert control.deliveries.get(MADE.id) == MADE
    assert control.deliveries.of(MADE.request) == control.deliveries.open(NOW) == (MADE,)
    later = NOW + timedelta(days=1)
    assert control.deliveries.downloaded(MADE.id, now=later).downloads == 1
    assert control.deliveries.downloaded(MADE.id, now=later).downloaded_at == later
    over = MADE.expires_at
    assert control.deliveries.open(over) == ()
    assert [one.id for one in control.deliveries.over(over)] == [MADE.id]
    with pytest.raises(DeliveryOver):
        control.deliveries.downloaded(MADE.id, now=over)
    assert control.deliveries.expire(MADE.id, now=over)
    assert not control.deliveries.expire(MADE.id, now=over)
    assert control.deliveries.over(over) == ()
    said = [entry.body for entry in control.ledger.entries()]
    assert [type(one) for one in said] == [DeliveryMade, DeliveryDownloaded, DeliveryDownloaded, DeliveryWithdrawn]
    assert said[-1] == DeliveryWithdrawn(delivery=MADE.id, why="expired")
    assert control.ledger.verify().intact


def test_what_is_not_known_and_what_is_taken_back(control: Control) -> None:
    for ask in (control.deliveries.downloaded, control.deliveries.expire):
        with pytest.raises(DeliveryUnknown):
            ask("e" * 64, now=NOW)
    control.deliveries.create(MADE, now=NOW)
    control.deliveries.expire(MADE.id, now=NOW)
    assert control.ledger.latest(DeliveryWithdrawn)[0].body.why == "withdrawn"
    assert control.deliveries.open(NOW) == ()
