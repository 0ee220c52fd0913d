"""Charts with error bars as inline SVG: they need no script and no other file, and say in words what they show.

A bar without its interval invites a comparison that the noise does not bear, so there is no way to
draw one here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _LABELS, _FIGURES = 720, 210, 90
_ROW = 24
_HEIGHT, _FOOT, _LEFT = 220, 34, 70
_LONGEST = 30
_THIN = "\u202f"


@dataclass(frozen=True)
class Point:
    """One figure with its 95 % interval."""

    label: str
    value: float
    low: float
    high: float


def bars(points: Sequence[Point], title: str, description: str) -> str:
    """One horizontal bar for each point, its interval as a whisker."""
    least = min(0.0, *(point.low for point in points))
    scale = (_WIDTH - _LABELS - _FIGURES) / ((max(0.0, *(point.high for point in points)) - least) or 1.0)

    def x(value: float) -> float:
        return round(_LABELS + (value - least) * scale, 1)

    drawn = []
    for number, point in enumerate(points):
        middle = number * _ROW + _ROW / 2
        left, right = sorted((x(0), x(point.value)))
        drawn.append(
            f'<text x="{_LABELS - 8}" y="{middle + 4}" text-anchor="end">{_short(point.label)}</text>'
            f'<rect x="{left}" y="{middle - 8}" width="{round(right - left, 1)}" height="16"/>'
            f'{_whisker(x(point.low), middle, x(point.high), middle)}'
            f'<text x="{x(point.high) + 8}" y="{middle + 4}">{figure(point.value)}</text>'
        )  # fmt: skip
    return _svg(len(points) * _ROW, "".join(drawn), title, description)


def over_time(points: Sequence[Point], title: str, description: str) -> str:
    """One dot for each period, its interval as a whisker, the dots joined."""
    least, most = min(0.0, *(point.low for point in points)), max(0.0, *(point.high for point in points))
    step = (_WIDTH - _LEFT - 20) / max(1, len(points) - 1)
    scale = (_HEIGHT - _FOOT - 12) / ((most - least) or 1.0)

    def y(value: float) -> float:
        return round(_HEIGHT - _FOOT - (value - least) * scale, 1)

    places = [(round(_LEFT + number * step, 1), point) for number, point in enumerate(points)]
    line = " ".join(f"{x},{y(point.value)}" for x, point in places)
    drawn = [
        f'<line class="axis" x1="{_LEFT - 10}" y1="{y(value)}" x2="{_WIDTH - 10}" y2="{y(value)}"/>'
        f'<text x="{_LEFT - 16}" y="{y(value) + 4}" text-anchor="end">{figure(value)}</text>'
        for value in dict.fromkeys((least, most))
    ]
    drawn.append(f'<polyline points="{line}"/>')
    drawn += [
        f'{_whisker(x, y(point.low), x, y(point.high))}<circle cx="{x}" cy="{y(point.value)}" r="3"/>'
        for x, point in places
    ]
    for (x, point), anchor in ((places[0], "start"), (places[-1], "end")):
        drawn.append(f'<text x="{x}" y="{_HEIGHT - 8}" text-anchor="{anchor}">{_short(point.label)}</text>')
    return _svg(_HEIGHT, "".join(drawn), title, description)


def figure(value: float) -> str:
    """A figure as people read it, with thin spaces between thousands."""
    return f"{value:,.0f}".replace(",", _THIN) if float(value).is_integer() else f"{value:,.2f}".replace(",", _THIN)


def _svg(height: float, drawn: str, title: str, description: str) -> str:
    return (
        f'<svg role="img" viewBox="0 0 {_WIDTH} {height:g}" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{drawn}</svg>"
    )


def _whisker(x1: float, y1: float, x2: float, y2: float) -> str:
    along = x1 == x2
    caps = "".join(
        f"M{x - 4 * along} {y - 4 * (not along)}L{x + 4 * along} {y + 4 * (not along)}" for x, y in ((x1, y1), (x2, y2))
    )
    return f'<path class="interval" d="M{x1} {y1}L{x2} {y2}{caps}"/>'


def _short(label: str) -> str:
    return escape(label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…")
