"""Whatever somebody wrote is text on the page and a value in the data; and a stream is the ZIP that a file would be."""

from __future__ import annotations

import io
import json
import os
import zipfile
from html.parser import HTMLParser
from typing import Any, BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genuka_pipelines.exports.sealing.passphrase import seal, unseal
from genuka_pipelines.requests.package.choosing import Choice
from genuka_pipelines.requests.package.described import Package
from genuka_pipelines.requests.package.errors import PackageTooLarge
from genuka_pipelines.requests.package.objects import File, Pointed
from genuka_pipelines.requests.package.packing import Reader, packed
from genuka_pipelines.requests.package.page import _value, page
from genuka_pipelines.requests.package.records import Records, Tally
from genuka_pipelines.requests.package.texts import _SAID, words
from genuka_pipelines.requests.package.values import plain, written
from tests.scenarios.sweeping_world import AS_OF

ROUNDS = int(os.environ.get("GENUKA_ROUNDS", "25"))
HOSTILE = st.sampled_from([
    "<script>alert(1)</script>", "\"' onmouseover=x", "]]></style><svg/onload=x>", "\u202eevil\u2066", "شكرا",
    "👩\u200d👧", "&lt;b&gt;", "{controller}", "{0}", "javascript:x", "<!--", "\ud800",
])  # fmt: skip
WRITTEN = st.one_of(HOSTILE, st.text(max_size=30), st.builds("".join, st.lists(HOSTILE, max_size=3)))
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "input", "label", "main", "header", "p", "h1", "h2", "h3", "span",
    "nav", "ul", "li", "a", "small", "section", "dl", "div", "dt", "dd", "code", "bdi", "pre", "table", "thead",
    "tbody", "tr", "th", "td", "article", "details", "summary",
}  # fmt: skip


class _Seen(HTMLParser):
    """What a browser would make of it: tags that are ours, closed in order, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: set[str] = set()
        self.said: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED
        self.attributes |= {name for name, _ in attrs}
        if tag == "a":
            assert all(not value or value.startswith(("#", "files/")) for name, value in attrs if name == "href")
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)


@settings(max_examples=ROUNDS, deadline=None)
@given(tenant=WRITTEN, address=WRITTEN, name=WRITTEN)
def test_names_of_tenants_addresses_and_files_are_text(tenant: str, address: str, name: str) -> None:
    choice = Choice("access", (), {"t": 1}, {})
    package = Package(
        "access", "bcdf", AS_OF, AS_OF, "fr", "Genuka", (address,), choice, {}, {}, (("t", tenant or None, 1),),
        {"media_store": (words("files"), "FR")},
    )  # fmt: skip
    given = File(Pointed("media", "media_store", name), name, "given", "files/000001.pdf", 3)
    content = b"".join(page(package, Records({}), Tally(), [given], 5))
    seen = _Seen(content.decode())
    assert seen.attributes <= {"lang", "charset", "http-equiv", "content", "name", "type", "id", "checked", "for",
                               "href", "class", "scope", "dir", "title"}  # fmt: skip
    readable = name.replace("\r", "\n").encode("utf-8", "replace").decode()
    if "\ud800" not in name and "\x00" not in name:
        assert readable.replace("\n", "") in "".join(seen.said).replace("\r", "").replace("\n", "")


@settings(max_examples=ROUNDS * 2, deadline=None)
@given(st.recursive(WRITTEN | st.integers() | st.none() | st.booleans(), lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(WRITTEN, inner, max_size=3), max_leaves=6))  # fmt: skip
def test_a_value_comes_out_as_it_went_in(value: Any) -> None:
    text = json.dumps(value)
    assert json.loads(written(plain(text, "json"))) == value
    assert json.loads(written(plain(text, "text"))) == text
    _Seen(f"<p>{_value(value, 'json').encode('utf-8', 'xmlcharrefreplace').decode()}</p>")


@pytest.mark.parametrize("text", ["NaN", "[1e999]", "[" * 100_000, "{", "1" * 5_000, ""])
def test_json_that_other_programs_cannot_read_stays_text(text: str) -> None:
    assert json.loads(written(plain(text, "json"))) == text


@settings(max_examples=ROUNDS, deadline=None)
@given(st.lists(st.binary(max_size=70_000), max_size=4), st.lists(st.integers(1, 40_000), min_size=1, max_size=5))
def test_a_zip_is_the_same_however_it_is_read(contents: list[bytes], sizes: list[int]) -> None:
    def members() -> Any:
        return packed(
            (f"{number:03d}", iter([content[:7], b"", content[7:]])) for number, content in enumerate(contents)
        )

    whole, reader, parts, turn = b"".join(members()), Reader(members()), [], 0
    while part := reader.read(sizes[turn % len(sizes)]):
        parts.append(part)
        turn += 1
    assert b"".join(parts) == whole
    assert all(len(part) == sizes[at % len(sizes)] for at, part in enumerate(parts[:-1]))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert [archive.read(name) for name in archive.namelist()] == contents


@settings(max_examples=5, deadline=None)
@given(st.binary(max_size=300_000))
def test_a_passphrase_seals_what_is_read_as_a_stream(content: bytes) -> None:
    sealed, out = io.BytesIO(), io.BytesIO()
    chunks = (content[at : at + 1_000] for at in range(0, len(content), 1_000))
    seal(cast("BinaryIO", Reader(chunks)), sealed, b"a passphrase", work=6)
    unseal(io.BytesIO(sealed.getvalue()), out, b"a passphrase")
    assert out.getvalue() == content


def test_names_out_of_order_and_defects_are_not_taken_for_a_large_file() -> None:
    with pytest.raises(ValueError, match="in the order"):
        b"".join(packed([("b", iter([b""])), ("a", iter([b""]))]))

    def broken() -> Any:
        yield b"x"
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        b"".join(packed([("a", broken())]))
    assert issubclass(PackageTooLarge, Exception)


def test_every_text_is_in_both_languages_with_the_same_places() -> None:
    import string

    for name, (french, english) in _SAID.items():
        fields = [{field for _, field, _, _ in string.Formatter().parse(text) if field} for text in (french, english)]
        assert fields[0] == fields[1], name
        assert french.strip(), name
