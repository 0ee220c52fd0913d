from __future__ import annotations

import os
import random
import tracemalloc
from collections.abc import Iterable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.backups.errors import BackupDamaged
from genuka_pipelines.backups.format.fragment import Fragment, Heading, fragment, heading_line
from genuka_pipelines.backups.format.manifest import Section
from genuka_pipelines.backups.format.pack import PREFIX, Packed, PackWriter, packs, read_pack
from genuka_pipelines.backups.format.sealed import open_pack, seal_body, seal_pack
from genuka_pipelines.keys import Undecryptable
from genuka_pipelines.keys.envelope import TenantKey

NAME = "v1/e/2026-11-02/0f/p/aa"
KEY = TenantKey.new("0f" * 16).epoch("2026-11-02")
Text = tuple[Heading, list[bytes]]

line = st.binary(max_size=60).map(lambda row: row.replace(b"\n", b"") + b"\n")
heading = st.builds(
    Heading,
    place=st.integers(0, 3),
    table=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12),
    kind=st.sampled_from(["base", "rows", "definition", "media"]),
)
gone = st.builds(Heading, place=st.integers(0, 3), table=st.just("L'Été 🌍"), kind=st.just("gone"))
text = st.one_of(
    st.tuples(heading, st.lists(line, max_size=8)),
    st.tuples(gone, st.lists(st.binary(min_size=PREFIX, max_size=PREFIX), max_size=8)),
)
fragments = st.lists(st.lists(text, min_size=1, max_size=4), max_size=6)


def made(texts: Iterable[Text]) -> Fragment:
    return fragment((heading, len(rows), rows) for heading, rows in texts)


def content(found: Iterable[Packed]) -> list[tuple[Section, bytes]]:
    return [(section, b"".join(blocks)) for one in found for section, blocks in read_pack(one.data, one.sections, NAME)]


def one_pack(*texts: Text) -> Packed:
    (packed,) = packs([made([text]) for text in texts])
    return packed


ROWS = [b"1\tL'\xc3\x89t\xc3\xa9\t\\N\n", b"2\t\xf0\x9f\x8c\x8d\\n\n", b"\n"]
SMALL = one_pack(
    (Heading(0, "orders", "base"), ROWS),
    (Heading(0, "orders", "gone"), [b"x" * 16, b"y" * 16]),
    (Heading(1, "empty", "base"), []),
)


@given(fragments, st.integers(1, 400))
def test_what_is_packed_is_read_again_and_no_pack_is_larger_than_may_be(given_: list[list[Text]], limit: int) -> None:
    pieces = [made(texts) for texts in given_]
    found = list(packs(pieces, limit=limit))
    assert [one.ordinal for one in found] == list(range(len(found)))
    assert content(found) == [
        (heading.section(len(rows), len(b"".join(rows))), b"".join(rows)) for texts in given_ for heading, rows in texts
    ]
    frames = {piece.frame for piece in pieces}
    assert all(len(one.data) <= limit or one.data in frames for one in found)


@given(fragments.filter(bool), st.data())
def test_blocks_are_whole_rows(given_: list[list[Text]], data: st.DataObject) -> None:
    for one in packs(map(made, given_)):
        for section, blocks in read_pack(one.data, one.sections, NAME):
            for block in blocks:
                assert block
                assert len(block) % PREFIX == 0 if section.kind == "gone" else block.endswith(b"\n")


def test_nothing_is_no_pack() -> None:
    assert list(packs([])) == []
    assert PackWriter().finish() == []


def test_a_frame_that_proves_nothing_is_refused() -> None:
    unchecked = zstandard.ZstdCompressor().compress(b"x")
    for frame, plain in ((unchecked, 1), (made([(Heading(0, "t", "base"), [b"\n"])]).frame, 7)):
        with pytest.raises(ValueError, match="cannot be proved"):
            PackWriter().add(Fragment(frame, plain, ()))


def test_every_truncation_is_found() -> None:
    for length in range(len(SMALL.data)):
        with pytest.raises(BackupDamaged, match=NAME):
            content([Packed(0, SMALL.data[:length], SMALL.sections)])


def test_every_flipped_bit_is_found_or_changes_nothing() -> None:
    whole = content([SMALL])
    for at in range(len(SMALL.data)):
        for bit in range(8):
            data = bytearray(SMALL.data)
            data[at] ^= 1 << bit
            try:
                assert content([Packed(0, bytes(data), SMALL.sections)]) == whole
            except BackupDamaged as error:
                assert NAME in str(error)


def test_what_is_added_dropped_or_moved_is_found() -> None:
    frames = [made([(Heading(0, "t", "base"), [row])]).frame for row in (b"a\n", b"b\n")]
    sections = (Heading(0, "t", "base").section(1, 2),) * 2
    assert [rows for _, rows in content([Packed(0, b"".join(frames), sections)])] == [b"a\n", b"b\n"]
    skippable = bytes.fromhex("502a4d18") + (3).to_bytes(4, "little") + b"abc"
    for data in (frames[0], b"".join(frames) + frames[0], b"".join(frames) + b"\0", skippable + b"".join(frames), b""):
        with pytest.raises(BackupDamaged, match=NAME):
            content([Packed(0, data, sections)])


@pytest.mark.parametrize(
    ("said", "rows"),
    [
        ({"rows": 4}, ROWS),
        ({"rows": 2}, ROWS),
        ({"bytes": 10**12}, ROWS),
        ({"bytes": 5}, ROWS),
        ({"bytes": 0}, ROWS),
        ({}, [*ROWS[:2], b"no end"]),
        ({"kind": "gone"}, [b"x" * 16, b"y" * 15, b""]),
    ],
)
def test_a_wrong_length_is_found_before_the_rows_are_believed(said: dict[str, object], rows: list[bytes]) -> None:
    true = Heading(0, "t", "base").section(len(ROWS), len(b"".join(rows)))
    lied = Section.model_validate({**true.model_dump(), **said})
    data = zstandard.ZstdCompressor(write_checksum=True).compress(heading_line(lied) + b"".join(rows))
    with pytest.raises(BackupDamaged, match=NAME):
        content([Packed(0, data, (lied,))])


@pytest.mark.parametrize("said", [{"table": "other"}, {"place": 1}, {"kind": "rows"}, {"rows": 1}, {"bytes": 9}])
def test_a_pack_is_not_believed_against_its_manifest(said: dict[str, object]) -> None:
    other = SMALL.sections[0].model_copy(update=said)
    with pytest.raises(BackupDamaged, match="other sections than its manifest says"):
        content([Packed(0, SMALL.data, (other, *SMALL.sections[1:]))])
    with pytest.raises(BackupDamaged, match="more than its manifest says"):
        content([Packed(0, SMALL.data, SMALL.sections[:-1])])


def test_a_bomb_is_stopped_at_what_was_declared() -> None:
    zeros = zstandard.ZstdCompressor(write_checksum=True).compress(bytes(256 << 20))
    section = Heading(0, "t", "base").section(1, 2)
    line = zstandard.ZstdCompressor(write_checksum=True).compress(heading_line(section) + b"a\n")
    wide = zstandard.ZstdCompressionParameters.from_level(3, window_log=27, write_checksum=True)
    far = zstandard.ZstdCompressor(compression_params=wide).compress(os.urandom(9 << 20))
    tracemalloc.start()
    for bomb in (zeros, line + zeros, far):
        with pytest.raises(BackupDamaged):
            content([Packed(0, bomb, (section,))])
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_reading_takes_the_same_memory_however_large_the_pack() -> None:
    row = random.Random(7).randbytes(1 << 20).replace(b"\n", b"") + b"\n"
    packed = one_pack(*[(Heading(0, "t", "base"), [row])] * 24)
    tracemalloc.start()
    count = sum(len(block) for _, blocks in read_pack(packed.data, packed.sections, NAME) for block in blocks)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 24 * len(row)
    assert peak < 6 << 20


def test_blocks_that_nobody_wants_are_checked_all_the_same() -> None:
    assert [section.kind for section, _ in read_pack(SMALL.data, SMALL.sections, NAME)] == ["base", "gone", "base"]
    broken = bytearray(SMALL.data)
    broken[40] ^= 1
    with pytest.raises(BackupDamaged):
        for _ in read_pack(bytes(broken), SMALL.sections, NAME):
            pass


def test_a_sealed_pack_opens_with_its_key_alone_and_every_altered_byte_is_found() -> None:
    sealed = seal_pack(KEY, SMALL)
    assert seal_pack(KEY, SMALL) == sealed
    opened = [(s, b"".join(blocks)) for s, blocks in open_pack(KEY, sealed.data, sealed.pack, NAME)]
    assert opened == content([SMALL])
    for at in range(0, len(sealed.data), 3):
        altered = bytearray(sealed.data)
        altered[at] ^= 255
        for data in (bytes(altered), sealed.data[:at]):
            with pytest.raises(BackupDamaged, match=NAME):
                open_pack(KEY, data, sealed.pack, NAME)
    with pytest.raises(Undecryptable, match=NAME):
        open_pack(TenantKey.new("0f" * 16).epoch("2026-11-02"), sealed.data, sealed.pack, NAME)
    with pytest.raises(Undecryptable, match=NAME):
        open_pack(KEY, sealed.data, sealed.pack.model_copy(update={"ordinal": 1}), NAME)


def test_what_a_codec_broke_is_found_before_it_is_put() -> None:
    found = made([(Heading(0, "t", "base"), [b"abcdef\n" * 40])])
    broken = bytearray(found.frame)
    broken[-1] ^= 1
    (packed,) = packs([Fragment(bytes(broken), found.plain, found.held)])
    with pytest.raises(BackupDamaged, match="pack 0, just sealed"):
        seal_pack(KEY, packed)


def test_the_body_of_a_manifest_has_always_the_same_bytes() -> None:
    body = b'{"a":1}' * 1000
    assert seal_body(KEY, body) == seal_body(KEY, body)
    assert len(seal_body(KEY, body)) < 200
