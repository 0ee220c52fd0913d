"""The dictionary and the notebook: what people read and run, in both languages, without a network."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from genuka_pipelines.analytics.publishing import dictionary, notebook
from genuka_pipelines.analytics.publishing.catalogue import FILE, build
from genuka_pipelines.analytics.publishing.charts import Point, bars, figure, over_time
from genuka_pipelines.analytics.publishing.declared import declared_tables
from genuka_pipelines.analytics.publishing.entry import Entry
from genuka_pipelines.analytics.releases.release import Manifest
from tests.analytics.bounded import SHAPES
from tests.analytics.by_hand import NOW, PublishingHouse, day, days, put, release, visits, words

HOSTILE = '"><script>alert(1)</script>'
VOID = {"meta", "br", "link"}


class Page(HTMLParser):
    """A page's elements, and whether each that opens is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_clipping_is_told_by_the_bounds_that_are_declared_and_by_nothing_that_was_found(tmp_path: Path) -> None:
    """Of every way in which somebody's rows are cut there is a sentence, in both languages, before any release too."""
    tables = {f"{name}_monthly": table.model_copy(update={"dimensions": {}}) for name, table in SHAPES.items()}
    house = PublishingHouse(tmp_path, tables)
    entries = build(tmp_path, house.opened, declared_tables(house.catalog), (), NOW)
    pages = {language: dictionary.dictionary(tmp_path / FILE, entries, language, NOW) for language in ("fr", "en")}
    for entry in entries:
        bounds = [str(entry.table.groups)]
        for measure in entry.table.measures.values():
            ends = (measure.at_most, *(measure.between or ()), *measure.edges[:1], *measure.edges[-1:])
            bounds += [str(end) for end in ends if end is not None]
        for language, says in (("fr", "n'est pas compté"), ("en", "is not counted")):
            (clipped,) = [sentence for sentence in entry.caveats(language) if says in sentence]
            assert all(bound in clipped for bound in bounds), clipped
            assert escape(clipped) in pages[language]
    assert "clipped" not in Manifest.model_fields


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Entry, ...]]:
    folder = tmp_path_factory.mktemp("pages")
    house = PublishingHouse(folder, {"visits_daily": visits(), "total_daily": visits(dimensions={}), "empty": visits()})
    table = house.published["visits_daily"]
    put(
        house.opened,
        *(day("visits_daily", table, one, spec=house.spec("visits_daily")) for one in days(date(2026, 11, 1), 5)),
    )
    cells = [
        ((HOSTILE, "x" * 80), "devices", 12.0, 3.0, "released"),
        ((HOSTILE, "x" * 80), "visits", 1.5e7, 3.0, "released"),
    ]
    put(house.opened, release("visits_daily", table, "2026-11-06", cells, spec=house.spec("visits_daily")))
    alone = [((), "devices", -2.0, 3.0, "released"), ((), "visits", 4.0, 3.0, "released")]
    total = house.published["total_daily"]
    for one in days(date(2026, 11, 1), 3):
        put(house.opened, release("total_daily", total, one, alone, spec=house.spec("total_daily")))
    (folder / "made").mkdir()
    return folder / "made", build(folder / "made", house.opened, declared_tables(house.catalog), (), NOW)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_page_is_whole_accessible_and_loads_nothing(made: tuple[Path, tuple[Entry, ...]], language: str) -> None:
    folder, entries = made
    text = dictionary.dictionary(folder / FILE, entries, "fr" if language == "fr" else "en", NOW)
    page = Page(text)
    tags = [tag for tag, _ in page.found]
    assert ("html", {"lang": language}) in page.found
    assert not {"script", "link", "img", "iframe"} & set(tags)
    assert HOSTILE not in text
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    links = [str(attrs["href"]) for tag, attrs in page.found if tag == "a"]
    ids = {attrs["id"] for _, attrs in page.found if "id" in attrs}
    assert {link.removeprefix("#") for link in links if link.startswith("#")} <= ids
    assert [link for link in links if not link.startswith("#")] == [
        "dictionary.html" if language == "fr" else "dictionnaire.html"
    ]
    charts = [attrs for tag, attrs in page.found if tag == "svg"]
    assert len(charts) == 3  # a table without a dimension has one cell, now and over time; one seen once has no history
    assert all(chart["role"] == "img" for chart in charts)
    assert tags.count("title") == 1 + len(charts)
    assert tags.count("desc") == len(charts) == tags.count("figcaption")
    assert ("Rien n'est encore publié" if language == "fr" else "Nothing is released yet") in text


def test_a_page_about_no_table_says_so(tmp_path: Path) -> None:
    assert "No table is declared" in dictionary.dictionary(tmp_path / FILE, (), "en", NOW)


def test_charts_bear_their_intervals_whatever_the_figures() -> None:
    for points in ([Point("a", 0, 0, 0)], [Point("é", -5, -9, -1), Point("b", 1e9, 1, 2e9)]):
        for chart in (bars(points, "<t>", "&"), over_time(points, "<t>", "&")):
            assert chart.count('class="interval"') == len(points)
            assert "<title>&lt;t&gt;</title><desc>&amp;</desc>" in chart
            assert "nan" not in chart
    assert [figure(12345678), figure(0.5)] == ["12\u202f345\u202f678", "0.50"]


def test_the_notebook_runs_as_it_is(made: tuple[Path, tuple[Entry, ...]], tmp_path: Path) -> None:
    folder, _ = made
    content = json.loads(notebook.notebook())
    assert (content["nbformat"], len({cell["id"] for cell in content["cells"]})) == (4, len(content["cells"]))
    code = ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == "code"]
    asked = 'print(name, len(visible), chart._repr_svg_().count("<rect"), len(unbiased))'
    program = "\n".join([*code, asked])
    (tmp_path / "analytics.duckdb").symlink_to(folder / FILE)
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # The first table by name is the one without dimensions: one cell a day, two figures each.
    assert done.stdout.splitlines()[-1] == "total_daily 3 1 6"
    compile("\n".join(code), "notebook", "exec")


def test_the_notebook_runs_where_nothing_is_released(tmp_path: Path) -> None:
    house = PublishingHouse(tmp_path, {"empty": visits(title=words("Nobody's"))})
    build(tmp_path, house.opened, declared_tables(house.catalog), (), NOW)
    content = json.loads(notebook.notebook())
    code = ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == "code"]
    namespace: dict[str, object] = {}
    program = "\n".join(code).replace('"analytics.duckdb"', repr(str(tmp_path / FILE)))
    exec(program, namespace)
    assert (namespace["name"], namespace["chart"]) == (None, None)
