"""The 64 shards: a fixed routing of tenants, so that one run covers many and a partition stays small."""

from __future__ import annotations

import hashlib

SHARDS = 64
NO_TENANT = 0


def shard_of(tenant: str | None) -> int:
    """The shard of a tenant id: BLAKE2b of its UTF-8 text modulo 64; rows without a tenant go to 0."""
    if tenant is None:
        return NO_TENANT
    return int.from_bytes(hashlib.blake2b(tenant.encode(), digest_size=8).digest(), "big") % SHARDS


def shard_name(shard: int) -> str:
    """`00` … `63`."""
    return f"{shard:02d}"
