"""Rows to be counted: users with rows in many groups, more of them in some groups than in others."""

from __future__ import annotations

from pathlib import Path

import duckdb


def written(file: Path, rows: int, users: int, groups: int, skew: float = 1.5) -> Path:
    """A Parquet file of `user` (a number), `day`, `grp` (a text) and `amount` (0-99).

    The first groups are larger: at a skew of 1.5 somewhat, at 6 so much that a few hold most of the rows.
    """
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SELECT setseed(0.42)")
    connection.execute("SET threads = 1")
    connection.execute(
        "COPY (SELECT CAST(random() * $users AS BIGINT) % $users AS user, DATE '2026-10-01' + CAST(range % 31 AS INT) "
        "AS day, 'group ' || CAST(floor(pow(random(), $skew) * $groups) AS BIGINT) AS grp, "
        f"CAST(random() * 99 AS BIGINT) AS amount FROM range($rows)) TO '{file}' (FORMAT parquet)",
        {"users": users, "groups": groups, "rows": rows, "skew": skew},
    )
    return file
