"""The spool: everything comes back to its owner, nothing readable lies on the disk, and memory stays flat."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.backups.capturing.spool import Spool
from genuka_pipelines.backups.errors import BackupDamaged, CannotCapture
from genuka_pipelines.backups.format.fragment import Fragment, Heading, texts_of

HEADINGS = [Heading(0, "orders", "base"), Heading(0, "l'été 😀", "rows"), Heading(1, "orders", "gone", 1)]
ADDED = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(HEADINGS), st.binary(min_size=1, max_size=60)), max_size=60
)


Texts = dict[Heading, tuple[int, bytes]]


def everything(spool: Spool, owner: int, wanted: Callable[[Heading], bool] = lambda _: True) -> Texts:
    found: Texts = {}
    for piece in spool.gather(owner, wanted):
        for heading, rows, text in texts_of(piece):
            before, so_far = found.get(heading, (0, b""))
            found[heading] = (before + rows, so_far + text)
    return found


@given(added=ADDED, budget=st.sampled_from([1, 2000, 1 << 20]), chunk=st.sampled_from([1, 700, 1 << 20]))
def test_each_owner_gets_back_its_own_in_order(
    tmp_path_factory: pytest.TempPathFactory, added: list[tuple[int, Heading, bytes]], budget: int, chunk: int
) -> None:
    expected: dict[int, Texts] = {}
    with Spool(tmp_path_factory.mktemp("spool"), budget=budget, chunk=chunk) as spool:
        for owner, heading, text in added:
            spool.add(heading, [(owner, text, 2)])
            rows, so_far = expected.setdefault(owner, {}).get(heading, (0, b""))
            expected[owner][heading] = (rows + 2, so_far + text)
        spool.finish()
        assert spool.owners() == set(expected)
        for owner in range(5):
            assert everything(spool, owner) == expected.get(owner, {})
            some = everything(spool, owner, lambda heading: heading.kind != "rows")
            assert some == {key: value for key, value in expected.get(owner, {}).items() if key.kind != "rows"}


def test_large_texts_are_compressed_once_and_small_ones_joined(tmp_path: Path) -> None:
    with Spool(tmp_path, chunk=1 << 20) as spool:
        for number in range(200):
            spool.add(HEADINGS[0], [(7, b"%03d\n" % number * 10_000, 10_000)])
            spool.add(Heading(0, f"t{number % 20}", "base"), [(7, b"row\n", 1), (2, b"row\n", 1)])
        spool.finish()
        written = {spool._read(7, chunk) for chunk in spool._chunks[7] if chunk}
        *large, small = spool.gather(7)
        assert {piece.frame for piece in large} < written
        assert sum(section.rows for piece in large for section in piece.sections) == 2_000_000
        assert [section.rows for section in small.sections] == [10] * 20
        (other,) = spool.gather(2)
        assert [section.rows for section in other.sections] == [10] * 20


def test_nothing_readable_or_named_lies_on_the_disk(tmp_path: Path) -> None:
    secret = os.urandom(64).hex().encode()
    with Spool(tmp_path, budget=1) as spool:
        spool.add(HEADINGS[0], [(1, secret + b"\n", 1)])
        spool.finish()
        assert list(tmp_path.iterdir()) == []
        raw = os.pread(spool._file.fileno(), 1 << 20, 0)
        assert raw
        assert secret not in raw
        assert zstandard.FRAME_HEADER not in raw[:8]


def test_many_owners_stay_within_the_budget(tmp_path: Path) -> None:
    line, heading = b"x" * 199 + b"\n", Heading(0, "orders", "base")
    with Spool(tmp_path, budget=1 << 20) as spool:
        most = 0
        for _ in range(12):
            for start in range(0, 1000, 100):
                spool.add(heading, [(owner, line, 1) for owner in range(start, start + 100)])
                most = max(most, sum(len(text) for one in spool._waiting.values() for text in one.texts[heading]))
        spool.finish()
        assert everything(spool, 999) == {heading: (12, line * 12)}
        assert spool._held == 0
    assert most < 1 << 20


def test_a_full_disk_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with Spool(tmp_path, budget=1) as spool:
        monkeypatch.setattr("genuka_pipelines.backups.capturing.spool.os.pwrite", full)
        with pytest.raises(CannotCapture, match="free some"):  # noqa: PT012 - either may be first to know
            spool.add(HEADINGS[0], [(1, b"row\n", 1)])
            spool.finish()


def test_a_frame_that_holds_something_else_is_refused() -> None:
    frame = zstandard.ZstdCompressor().compress(b"{}\nrow\n")
    with pytest.raises(BackupDamaged, match="does not hold"):
        list(texts_of(Fragment(frame, 7, ((HEADINGS[0], 1, 4),))))
