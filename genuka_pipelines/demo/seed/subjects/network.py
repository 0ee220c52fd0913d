"""Devices on the network: an address and a browser for each device number.

A device keeps its address and browser from one row to the next, as real ones do: "a device's day",
the unit of privacy of browser data, would mean nothing over addresses drawn row by row.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from genuka_pipelines.demo.seed.arrays import Array, Ints, choose, join, strings, take
from genuka_pipelines.demo.seed.pools import agents

_GOLDEN = 0x9E3779B97F4A7C15


def mixed(devices: Ints, salt: int, size: int) -> Ints:
    """A place below the size for each device, the same each time (Fibonacci hashing)."""
    spread = (devices.astype(np.uint64) * np.uint64(2) + np.uint64(salt)) * np.uint64(_GOLDEN)
    spread ^= spread >> np.uint64(29)
    return ((spread >> np.uint64(16)) % np.uint64(size)).astype(np.int64)


def addresses_of_devices(devices: Ints) -> Array:
    """An IPv4 address of 198.18.0.0/15 or an IPv6 one of 2001:db8::/32, both reserved."""
    fours, lasts, sixes, tails = _parts()
    four = join(take(fours, mixed(devices, 1, len(fours))), take(lasts, mixed(devices, 3, len(lasts))))
    six = join(take(sixes, mixed(devices, 5, len(sixes))), take(tails, mixed(devices, 7, len(tails))))
    return choose(mixed(devices, 9, 100) < 60, four, six)


def browsers_of_devices(devices: Ints) -> Ints:
    """The place in `BROWSERS` of each device's browser."""
    weights = np.array([weight for *_, weight in agents.BROWSERS])
    edges = np.cumsum(weights / weights.sum())
    return np.searchsorted(edges[:-1], mixed(devices, 11, 1 << 20) / (1 << 20), side="right").astype(np.int64)


def user_agents(devices: Ints) -> Array:
    """The full user agent of each device, as sessions keep it."""
    spelled = strings(
        f"Mozilla/5.0 ({platform}) {browser.replace(' ', '')}/{version}"
        for browser, version, platform, _ in agents.BROWSERS
    )
    return take(spelled, browsers_of_devices(devices))


@cache
def _parts() -> tuple[Array, Array, Array, Array]:
    fours = strings(f"198.{18 + high}.{low}." for high in range(2) for low in range(256))
    lasts = strings(str(number) for number in range(1, 255))
    sixes = strings(f"2001:db8:{(number * 2654435761) % 65521:x}:{number:x}:" for number in range(2048))
    tails = strings(f":{(number * 40503) % 65521:x}" for number in range(2048))
    return fours, lasts, sixes, tails
