"""Charts as Vega-Lite specifications, and the scripts that draw them; the page sets colours, light or dark."""

from __future__ import annotations

import contextlib
import functools
import math
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import altair as alt
import vl_convert

from ragtally.api.address import address
from ragtally.present.breakdown import waterfall_axis
from ragtally.present.cells import CONDITIONS
from ragtally.present.numbers import some
from ragtally.present.table import Chart
from ragtally.spec.study import LONG_CONTROLS

Rows = Sequence[Mapping[str, Any]]

_KINDS = ("right", "loss", "gain")
# Room for the numbers beside the longest bars.
_ROOM = {"left": 10, "right": 62, "top": 12, "bottom": 10}
_SPACE = "\N{NO-BREAK SPACE}"
_ORDERS = 20
_MOST_ASIDE = 9
_MOST_NAMED = 3
# How near points are on each other, as a share of the chart.
_NEAR = 0.01
_FIT_WIDTH = alt.AutoSizeParams(type="fit-x", contains="padding")
_SNIPPET = "window.vegaEmbed = vegaEmbed;"


def specification(chart: Chart) -> dict[str, Any]:
    """The Vega-Lite specification of a chart."""
    share = chart.unit == "share"
    match chart.kind:
        case "waterfall":
            return _waterfall(chart.points)
        case "curve":
            return _curve(chart.points, chart.metric, chart.against, share=share)
        case "scatter":
            return _scatter(chart.points, chart.against, chart.metric, share=share)
        case "readers":
            return _readers(chart.points, chart.metric, share=share)
        case "front":
            return _front(chart.points, chart.against, chart.metric, share=share)
        case "losses":
            return _losses(chart.points)


def _waterfall(rows: Rows) -> dict[str, Any]:
    """Bars from the gold context to the retrieved one, each with its number."""
    axis = waterfall_axis(rows)
    base = alt.Chart(_data(rows)).encode(
        alt.Y("lines:N", sort=None, title=None, axis=alt.Axis(labelExpr="split(datum.label, '\\n')")),
        tooltip=[alt.Tooltip("step:N"), alt.Tooltip("text:N", title="share")],
    )
    scale = alt.Scale(domain=axis["domain"], nice=False, zero=False)
    bars = base.mark_bar(size=22, clip=True).encode(
        alt.X("start:Q", title=axis["title"], axis=_axis(share=True), scale=scale),
        alt.X2("end:Q"),
        alt.Color("kind:N", title=None, scale=alt.Scale(domain=list(_KINDS), scheme="category10"), legend=None),
    )
    end = base.transform_calculate(right="max(datum.start, datum.end, datum.high)")
    return _vega_lite(
        [bars, *_whiskers(base, "x"), _numbers(end, "right")], height=50 + 38 * len(rows), padding=_ROOM
    )


def _curve(rows: Rows, metric: str, series: str, *, share: bool) -> dict[str, Any]:
    """A metric against chunk size: a line per series, with intervals."""
    sizes, scale = sorted({row["size"] for row in rows}), _series(rows)
    names = list(scale["domain"])
    # Series stand a little beside each other, so that each one's interval is seen.
    middle = (len(names) - 1) / 2
    spread = [{**row, "at": row["size"] * 1.025 ** (names.index(row["series"]) - middle)} for row in rows]
    base = alt.Chart(_data(spread)).encode(
        alt.X(
            "at:Q",
            title="chunk size",
            axis=alt.Axis(values=sizes, format="d"),
            scale=alt.Scale(type="log", domain=[sizes[0] / 1.25, sizes[-1] * 1.25], nice=False),
        ),
        alt.Color("series:N", title=series, scale=scale, legend=_legend(names)),
        tooltip=[alt.Tooltip("series:N", title=series), alt.Tooltip("size:Q"), alt.Tooltip("text:N", title="value")],
    )
    line = base.mark_line(point=False, strokeWidth=1.5).encode(_value(metric, share, rows))
    points = base.mark_point(filled=True, size=55, opacity=1).encode(
        _value(metric, share, rows), alt.Shape("series:N", title=series, scale=scale, legend=_legend(names))
    )
    return _vega_lite([*_whiskers(base, "y"), line, points])


def _scatter(rows: Rows, across: str, metric: str, *, share: bool) -> dict[str, Any]:
    """Answer quality against retrieval quality, a point per cell."""
    scale = _series(rows)
    names = list(scale["domain"])
    points = _spread(_heaps(rows))
    span = _span([point["at"] for point in points])
    base = alt.Chart(_data(points)).encode(
        alt.X("at:Q", title=_axis_title(across, span, share=True), axis=_axis(share=True), scale=span),
        alt.Color("series:N", title="reader", scale=scale, legend=_legend(names)),
        tooltip=[
            alt.Tooltip("cell:N"),
            alt.Tooltip("x:Q", title=across, format=".1%"),
            alt.Tooltip("text:N", title=metric),
        ],
    )
    size = alt.Size("cells:Q", legend=None, scale=alt.Scale(type="sqrt", domain=[1, 12], range=[45, 420], clamp=True))
    marks = base.mark_point(filled=True, opacity=0.9).encode(
        _value(metric, share, rows), alt.Shape("series:N", title="reader", scale=scale, legend=_legend(names)), size
    )
    return _vega_lite([*_whiskers(base, "y", opacity=0.35), marks])


def _heaps(rows: Rows) -> Rows:
    """Count the points of one series that lie on one another as one."""
    x_step, y_step = (_NEAR * _width([row[name] for row in rows]) for name in ("x", "value"))
    heaps: list[list[Mapping[str, Any]]] = []
    for row in rows:
        for heap in heaps:
            first = heap[0]
            near = abs(first["x"] - row["x"]) <= x_step and abs(first["value"] - row["value"]) <= y_step
            if near and first["series"] == row["series"]:
                heap.append(row)
                break
        else:
            heaps.append([row])
    return [
        {
            **heap[0],
            "cell": some([row["cell"] for row in heap], _MOST_NAMED),
            "cells": len(heap),
        }
        for heap in heaps
    ]


def _spread(rows: Rows) -> Rows:
    """Move points that would still lie on one another aside."""
    # In steps of a point's width, as a share of the chart's, to both sides in turn.
    step, height = (share * _width([row[name] for row in rows]) for share, name in ((0.015, "x"), (0.04, "value")))
    places: list[tuple[float, float]] = []
    for row in rows:
        for number in range(_MOST_ASIDE):
            at = row["x"] + (1 if number % 2 else -1) * ((number + 1) // 2) * step
            if all(abs(at - x) >= 0.9 * step or abs(row["value"] - y) >= height for x, y in places):
                break
        places.append((at, row["value"]))
    return [{**row, "at": round(at, 5)} for row, (at, _) in zip(rows, places, strict=True)]


def _width(values: Sequence[float]) -> float:
    return (max(values, default=1.0) - min(values, default=0.0)) or 1.0


def _readers(rows: Rows, metric: str, *, share: bool) -> dict[str, Any]:
    """Each reader's quality by condition."""
    # Long contexts have a place in the legend only where they were measured.
    conditions = [one for one in CONDITIONS if one not in LONG_CONTROLS or any(row["series"] == one for row in rows)]
    scale, span = alt.Scale(domain=conditions), _span(_ends(rows))
    base = alt.Chart(_data(rows)).encode(
        alt.Y("reader:N", title=None, sort=None, axis=alt.Axis(labelLimit=190)),
        alt.YOffset("series:N", sort=conditions),
        alt.Color("series:N", title="context", scale=scale),
        tooltip=[
            alt.Tooltip("reader:N"),
            alt.Tooltip("series:N", title="context"),
            alt.Tooltip("text:N", title=metric),
        ],
    )
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        alt.X("value:Q", title=_axis_title(metric, span, share=share), axis=_axis(share=share), scale=span),
        alt.Shape("series:N", title="context", scale=scale),
    )
    end = base.transform_calculate(right="max(datum.value, datum.high)")
    readers = len({row["reader"] for row in rows})
    return _vega_lite(
        [*_whiskers(base, "x", size=7), points, _numbers(end, "right")], height=40 + 76 * readers, padding=_ROOM
    )


def _front(rows: Rows, cost: str, metric: str, *, share: bool) -> dict[str, Any]:
    """Quality against cost, with the cells of the front joined."""
    scale = alt.Scale(domain=["on the front", "dominated"])
    costs = [row["x"] for row in rows]
    # Costs of models differ by orders of magnitude.
    is_log = min(costs) > 0 and max(costs) > _ORDERS * min(costs)
    across = (
        alt.Scale(type="log", padding=16, nice=False) if is_log else alt.Scale(zero=False, padding=16, nice=False)
    )
    base = alt.Chart(_data(rows)).encode(
        alt.X(
            "x:Q",
            title=cost,
            scale=across,
            axis=alt.Axis(format="~g", labelOverlap="greedy", labelSeparation=8, **_ticks(costs, is_log)),
        ),
        alt.Color("series:N", title=None, scale=scale),
        tooltip=[alt.Tooltip("cell:N"), alt.Tooltip("cost:N", title=cost), alt.Tooltip("text:N", title=metric)],
    )
    points = base.mark_point(filled=True, size=60, opacity=0.9).encode(
        _value(metric, share, rows), alt.Shape("series:N", title=None, scale=scale)
    )
    line = (
        base.transform_filter("datum.series === 'on the front'")
        .mark_line(strokeWidth=1.5, interpolate="step-after")
        .encode(_value(metric, share, rows), alt.Order("x:Q"))
    )
    return _vega_lite([*_whiskers(base, "y", opacity=0.35), line, points])


def _losses(rows: Rows) -> dict[str, Any]:
    """Losses against steps: a colour per model, dashes for the examples that tell when to stop."""
    parts = alt.Scale(domain=["train", "dev"], range=[[1, 0], [5, 3]])
    names = list(dict.fromkeys(row["series"] for row in rows))
    base = alt.Chart(_data(rows)).encode(
        alt.X("step:Q", title="steps of the optimiser", axis=alt.Axis(format="d")),
        alt.Y("value:Q", title="loss", scale=alt.Scale(zero=False), axis=_axis(share=False)),
        alt.Color("series:N", title="model", scale=_series(rows), legend=_legend(names)),
        alt.StrokeDash("part:N", title="loss on", scale=parts),
        tooltip=[
            alt.Tooltip("series:N", title="model"), alt.Tooltip("part:N"), alt.Tooltip("step:Q"),
            alt.Tooltip("value:Q", title="loss"),
        ],
    )  # fmt: skip
    return _vega_lite([base.mark_line(strokeWidth=1.5), base.mark_point(filled=True, size=30, opacity=1)])


def _ticks(values: Sequence[float], is_log: bool) -> dict[str, Any]:
    """Where an axis has its ticks: of a logarithmic one Vega would draw nine a decade."""
    if not is_log:
        return {"tickCount": 6}
    decades = range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))) + 1)
    steps = (1, 2, 5) if len(decades) <= 3 else (1,)
    return {"values": [float(f"{step}e{decade}") for decade in decades for step in steps]}


def _whiskers(base: alt.Chart, along: Literal["x", "y"], *, opacity: float = 0.8, size: int = 9) -> list[alt.Chart]:
    """Intervals, with a cap at each end."""
    # Vega-Lite's own error bars take no offset, by which the readers' conditions stand below each other.
    low, high = (alt.X("low:Q"), alt.X("high:Q")) if along == "x" else (alt.Y("low:Q"), alt.Y("high:Q"))
    rule = base.mark_rule(strokeWidth=1.2, opacity=opacity).encode(
        low, alt.X2("high:Q") if along == "x" else alt.Y2("high:Q")
    )
    orient: Literal["vertical", "horizontal"] = "vertical" if along == "x" else "horizontal"
    cap = base.mark_tick(orient=orient, size=size, thickness=1.2, opacity=opacity)
    return [rule, cap.encode(low), cap.encode(high)]


def _numbers(base: alt.Chart, right: str) -> alt.Chart:
    """A number to the right of what it is about."""
    text: alt.Chart = base.mark_text(align="left", dx=7, fontSize=11)
    return text.encode(alt.X(f"{right}:Q"), alt.Text("label:N"))


def _value(metric: str, share: bool, rows: Rows) -> alt.Y:
    span = _span(_ends(rows))
    return alt.Y("value:Q", title=_axis_title(metric, span, share=share), axis=_axis(share=share), scale=span)


def _axis_title(title: str, scale: alt.Scale, *, share: bool) -> str:
    """A title that says where the axis starts, if not at 0."""
    start = scale["domain"][0]
    if start <= 0:
        return title
    return f"{title} (from {f'{100 * start:.0f}{_SPACE}%' if share else f'{start:.2f}'})"


def _ends(rows: Rows) -> list[float]:
    """The values and the ends of their intervals."""
    return [row[name] for row in rows for name in ("value", "low", "high") if row[name] is not None]


def _span(values: Sequence[float]) -> alt.Scale:
    """A scale from somewhat below the lowest value to somewhat above the highest; metrics mostly end at 0 and 1."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    margin = 0.06 * (high - low) or 0.05
    bottom = low - margin if low < 0 else max(0.0, low - margin)
    top = high + margin if high > 1 else min(1.0, high + margin)
    return alt.Scale(domain=[round(bottom, 2), round(top, 4)], zero=False, nice=False)


def _series(rows: Rows) -> alt.Scale:
    """One order for colours and shapes, so that they share a legend."""
    return alt.Scale(domain=list(dict.fromkeys(row["series"] for row in rows)))


def _legend(names: Sequence[str]) -> alt.Legend | None:
    """No legend where there is nothing to tell apart."""
    return alt.Legend() if len(names) > 1 else None


def _axis(*, share: bool) -> alt.Axis:
    # Points that are moved aside may need room beyond 0 or 100 %, but nothing lies there.
    inside = "datum.value < -1e-6 || datum.value > 1 + 1e-6 ? '' : format(100 * datum.value, '~g') + '\u00a0%'"
    label = inside if share else "format(datum.value, '~g')"
    return alt.Axis(labelExpr=label, labelOverlap="greedy", labelSeparation=8, tickCount=6)


def _data(rows: Rows) -> alt.InlineData:
    return alt.InlineData(values=list(rows))


def _vega_lite(
    layers: Sequence[alt.Chart], height: int = 280, padding: Mapping[str, int] | None = None
) -> dict[str, Any]:
    width: Literal["container"] = "container"
    chart = alt.layer(*layers).properties(width=width, height=height, autosize=_FIT_WIDTH)
    # Checking a chart against Vega-Lite's schema takes as long as drawing it; the tests do that.
    specification: dict[str, Any] = chart.to_dict(validate=False) | ({} if padding is None else {"padding": padding})
    # Altair moves data aside by a name; the page may replace them, so they stand in their place.
    specification["data"] = {"values": specification.pop("datasets")[specification["data"]["name"]]}
    # The page sets colours and fonts; Altair's own default sizes would stand in its way.
    specification.pop("config", None)
    return specification


@functools.cache
def vega() -> str:
    """The bundle of Vega, Vega-Lite and Vega-Embed."""
    # Bundling takes seconds and always gives the same text, so it is cached in the user's cache folder
    # (`$XDG_CACHE_HOME/ragtally`, else below `~/.cache`); where that cannot be written, it is bundled each time.
    schema = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    about = {"vl_convert": version("vl-convert-python"), "vega_lite": schema, "snippet": _SNIPPET}
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ragtally"
    path = folder / f"vega-{address(about).partition(':')[2]}.js"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return _verify(path.read_text(encoding="utf-8"))
    bundle = vl_convert.javascript_bundle(_SNIPPET, vl_version=schema).replace("\r", "")
    with contextlib.suppress(OSError):
        _write(path, bundle)
    return _verify(bundle)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    draft.write_text(text, encoding="utf-8", newline="")
    draft.replace(path)


def _verify(bundle: str) -> str:
    if "</script" in bundle.lower():
        raise AssertionError("the bundle of Vega ends its script element early")
    return bundle
