"""The scripts that draw the charts, bundled into one text that a page can hold."""

from __future__ import annotations

import contextlib
import functools
import os
from importlib.metadata import version
from pathlib import Path

import altair
import vl_convert

from ragtally.api.address import address

_SNIPPET = "window.vegaEmbed = vegaEmbed;"


@functools.cache
def vega() -> str:
    """Bundle Vega, Vega-Lite and Vega-Embed."""
    # Bundling takes seconds and always gives the same text, so that it is kept in the user's cache folder
    # (`$XDG_CACHE_HOME/ragtally`, else below `~/.cache`); where nothing can be kept, it is bundled each time.
    schema = ".".join(altair.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    about = {"vl_convert": version("vl-convert-python"), "vega_lite": schema, "snippet": _SNIPPET}
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ragtally"
    kept = folder / f"vega-{address(about).partition(':')[2]}.js"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return _checked(kept.read_text(encoding="utf-8"))
    bundle = vl_convert.javascript_bundle(_SNIPPET, vl_version=schema).replace("\r", "")
    with contextlib.suppress(OSError):
        _keep(kept, bundle)
    return _checked(bundle)


def _keep(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    draft.write_text(text, encoding="utf-8", newline="")
    draft.replace(path)


def _checked(bundle: str) -> str:
    if "</script" in bundle.lower():
        raise AssertionError("the bundle of Vega ends its script element early")
    return bundle
