"""Charts as Vega-Lite specifications, and the scripts that draw them; the page sets colours, light or dark."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import altair as alt
import vl_convert

from ragtally.api.address import address
from ragtally.present.cells import CONDITIONS
from ragtally.present.table import Chart

Rows = Sequence[Mapping[str, Any]]

_KINDS = ("right", "loss", "gain")
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


def _waterfall(rows: Rows) -> dict[str, Any]:
    """Bars from the gold context to the retrieved one."""
    base = alt.Chart(_data(rows)).encode(
        alt.Y("step:N", sort=None, title=None, axis=alt.Axis(labelLimit=170)),
        tooltip=[alt.Tooltip("step:N"), alt.Tooltip("text:N", title="share")],
    )
    bars = base.mark_bar(size=22).encode(
        alt.X("start:Q", title="share of questions", axis=_axis(share=True), scale=alt.Scale(domain=[0, 1])),
        alt.X2("end:Q"),
        alt.Color("kind:N", title=None, scale=alt.Scale(domain=list(_KINDS), scheme="category10"), legend=None),
    )
    whiskers = base.mark_rule(strokeWidth=1.5).encode(alt.X("low:Q"), alt.X2("high:Q"))
    return _vega_lite(bars + whiskers, height=260)


def _curve(rows: Rows, metric: str, series: str, *, share: bool) -> dict[str, Any]:
    """A metric against chunk size: a line per series, with intervals."""
    sizes, scale = sorted({row["size"] for row in rows}), _series(rows)
    base = alt.Chart(_data(rows)).encode(
        alt.X(
            "size:Q",
            title="chunk size",
            axis=alt.Axis(values=sizes, format="d"),
            scale=alt.Scale(type="log", domain=[sizes[0] / 1.25, sizes[-1] * 1.25], nice=False),
        ),
        alt.Color("series:N", title=series, scale=scale),
        tooltip=[alt.Tooltip("series:N", title=series), alt.Tooltip("size:Q"), alt.Tooltip("text:N", title="value")],
    )
    line = base.mark_line(point=False, strokeWidth=1.5).encode(_value(metric, share, rows))
    points = base.mark_point(filled=True, size=55, opacity=1).encode(
        _value(metric, share, rows), alt.Shape("series:N", title=series, scale=scale)
    )
    whiskers = base.mark_rule(strokeWidth=1.2, opacity=0.7).encode(alt.Y("low:Q"), alt.Y2("high:Q"))
    return _vega_lite(whiskers + line + points)


def _scatter(rows: Rows, across: str, metric: str, *, share: bool) -> dict[str, Any]:
    """Answer quality against retrieval quality, a point per cell."""
    scale = _series(rows)
    base = alt.Chart(_data(rows)).encode(
        alt.X("x:Q", title=across, axis=_axis(share=True), scale=_span([row["x"] for row in rows])),
        alt.Color("series:N", title="reader", scale=scale),
        tooltip=[
            alt.Tooltip("cell:N"),
            alt.Tooltip("x:Q", title=across, format=".1%"),
            alt.Tooltip("text:N", title=metric),
        ],
    )
    points = base.mark_point(filled=True, size=55, opacity=0.9).encode(
        _value(metric, share, rows), alt.Shape("series:N", title="reader", scale=scale)
    )
    whiskers = base.mark_rule(strokeWidth=1, opacity=0.35).encode(alt.Y("low:Q"), alt.Y2("high:Q"))
    return _vega_lite(whiskers + points)


def _readers(rows: Rows, metric: str, *, share: bool) -> dict[str, Any]:
    """Each reader's quality by condition."""
    scale = alt.Scale(domain=list(CONDITIONS))
    base = alt.Chart(_data(rows)).encode(
        alt.Y("reader:N", title=None, sort=None, axis=alt.Axis(labelLimit=190)),
        alt.YOffset("series:N", sort=list(CONDITIONS)),
        alt.Color("series:N", title="context", scale=scale),
        tooltip=[
            alt.Tooltip("reader:N"),
            alt.Tooltip("series:N", title="context"),
            alt.Tooltip("text:N", title=metric),
        ],
    )
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        alt.X("value:Q", title=metric, axis=_axis(share=share), scale=_span(_ends(rows))),
        alt.Shape("series:N", title="context", scale=scale),
    )
    whiskers = base.mark_rule(strokeWidth=1.5).encode(alt.X("low:Q"), alt.X2("high:Q"))
    readers = len({row["reader"] for row in rows})
    return _vega_lite(whiskers + points, height=40 + 72 * readers)


def _front(rows: Rows, cost: str, metric: str, *, share: bool) -> dict[str, Any]:
    """Quality against cost, with the cells of the front joined."""
    scale = alt.Scale(domain=["on the front", "dominated"])
    base = alt.Chart(_data(rows)).encode(
        alt.X("x:Q", title=cost, scale=alt.Scale(zero=False, padding=16), axis=alt.Axis(format="~g")),
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
    whiskers = base.mark_rule(strokeWidth=1, opacity=0.35).encode(alt.Y("low:Q"), alt.Y2("high:Q"))
    return _vega_lite(whiskers + line + points)


def _value(metric: str, share: bool, rows: Rows) -> alt.Y:
    return alt.Y("value:Q", title=metric, axis=_axis(share=share), scale=_span(_ends(rows)))


def _ends(rows: Rows) -> list[float]:
    """The values and the ends of their intervals."""
    return [row[name] for row in rows for name in ("value", "low", "high") if row[name] is not None]


def _span(values: Sequence[float]) -> alt.Scale:
    """A scale from somewhat below the lowest value to somewhat above the highest; metrics mostly end at 0 and 1."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    margin = 0.06 * (high - low) or 0.05
    bottom = low - margin if low < 0 else max(0.0, low - margin)
    top = high + margin if high > 1 else min(1.0, high + margin)
    return alt.Scale(domain=[round(bottom, 4), round(top, 4)], zero=False, nice=False)


def _series(rows: Rows) -> alt.Scale:
    """One order for colours and shapes, so that they share a legend."""
    return alt.Scale(domain=list(dict.fromkeys(row["series"] for row in rows)))


def _axis(*, share: bool) -> alt.Axis:
    return alt.Axis(format=".0%") if share else alt.Axis(format=".2f")


def _data(rows: Rows) -> alt.InlineData:
    return alt.InlineData(values=list(rows))


def _vega_lite(chart: alt.LayerChart, height: int = 280) -> dict[str, Any]:
    width: Literal["container"] = "container"
    specification: dict[str, Any] = chart.properties(width=width, height=height, autosize=_FIT_WIDTH).to_dict()
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
