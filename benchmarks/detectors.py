"""How fast the detectors read, how often they are wrong, and what a server's filter costs beside them.

python -m benchmarks.detectors            rates, figures on the corpora, false alarms, PostgreSQL and MariaDB
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from genuka_pipelines.quality.detectors import detectors, find, prefilter
from tests.quality.corpora import business_texts, corpus, score
from tests.servers import fresh_database, mariadb_server

if TYPE_CHECKING:
    from genuka_pipelines.quality.detectors import Detector, Dialect

ROWS, SEED = 50_000, 1
CORPORA = {"cards": "cards", "special": "special_categories", "passwords": "passwords", "contacts": "contacts"}
MATCHES: dict[Dialect, str] = {"postgresql": "~", "mariadb": "REGEXP"}


def seconds(act: Callable[[], Any]) -> float:
    """Processor seconds of the quicker of three runs, on one core."""
    return min(_once(act) for _ in range(3))


def _once(act: Callable[[], Any]) -> float:
    start = time.process_time()
    act()
    return time.process_time() - start


def rates(texts: Sequence[str]) -> None:
    print(f"{len(texts):,} texts of {sum(map(len, texts)) / len(texts):.0f} signs on one core, rows a second")
    for name in ("cards", "special_categories", "health"):
        wanted = detectors(name)
        together = len(texts) / seconds(partial(find, texts, wanted))
        print(f"  {name:20} {together:12,.0f}  ({len(wanted)} detectors in one pass)")
        for detector in wanted:
            print(f"    {detector.id:22} {len(texts) / seconds(partial(find, texts, [detector])):8,.0f}")
    plain = [re.compile(part) for part in (r"(?:\d[ -]?){13,19}", r"(?i)catholi|musulm|syndi")]
    bare = seconds(lambda: [1 for text in texts for pattern in plain if pattern.search(text)])
    print(f"  two plain patterns of Python's re, for comparison {len(texts) / bare:12,.0f}")


def figures() -> None:
    print("found / wrongly found / missed")
    for name, family in CORPORA.items():
        for suffix in ("", "_held_out", "_held_out_2") if name == "special" else ("", "_held_out"):
            wanted = detectors(family, *(["health"] if name == "special" else []))
            told = score(corpus(name + suffix), wanted)
            print(f"  {name + suffix:20} precision {told.precision:.3f} recall {told.recall:.3f}")
            for kind, (right, wrong, missed) in told.by_kind.items():
                if right + wrong + missed:
                    print(f"    {kind:22} {right:4} {wrong:4} {missed:4}")


def false_alarms(texts: Sequence[str]) -> None:
    print(f"false alarms in {len(texts):,} ordinary texts")
    for name in ("cards", "special_categories", "health"):
        wrong = {finding.row for finding in find(texts, detectors(name))}
        print(f"  {name:20} {len(wrong):5}  {len(wrong) / len(texts):.4%}")


def servers(texts: Sequence[str]) -> None:
    kinds: list[Dialect] = ["postgresql", *(["mariadb"] if mariadb_server()[0] else [])]  # type: ignore[list-item]
    for kind in kinds:
        print(f"{kind}: rows a second through prefilter(), and the share that it ships")
        with fresh_database(kind) as url:  # type: ignore[arg-type]
            engine = sa.create_engine(url)
            with engine.connect() as connection:
                connection.execute(sa.text("CREATE TABLE seen (place integer PRIMARY KEY, told text)"))
                rows = [{"place": place, "told": told} for place, told in enumerate(texts)]
                connection.execute(sa.text("INSERT INTO seen VALUES (:place, :told)"), rows)
                for name in ("card_number", "cards", "religious_belief", "special_categories"):
                    _filter(connection, kind, name, len(texts))
            engine.dispose()


def _filter(connection: sa.Connection, kind: Dialect, name: str, rows: int) -> None:
    query = sa.text(f"SELECT count(*) FROM seen WHERE told {MATCHES[kind]} :pattern")
    start = time.perf_counter()
    shipped = connection.execute(query, {"pattern": prefilter(name, kind)}).scalar_one()
    print(f"  {name:20} {rows / (time.perf_counter() - start):12,.0f} {shipped / rows:8.1%}")


def main() -> None:
    texts = business_texts(ROWS, SEED)
    warm: tuple[Detector, ...] = detectors("cards", "special_categories", "health")
    find(texts[:100], warm)
    rates(texts)
    figures()
    false_alarms(business_texts(10_000, SEED + 1))
    servers(texts[:5_000])


if __name__ == "__main__":
    main()
