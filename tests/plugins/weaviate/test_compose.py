"""`compose.yaml` starts what the plugin expects, for this machine alone, and sends nothing to anybody."""

import json
import os
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
SERVICE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["weaviate"]


def test_the_version_is_pinned() -> None:
    _, version = SERVICE["image"].rsplit(":", 1)
    assert all(part.isdecimal() for part in version.split(".")) and version.count(".") == 2


def test_only_this_machine_reaches_it() -> None:
    assert SERVICE["ports"] == ["127.0.0.1:8080:8080", "127.0.0.1:50051:50051"]


def test_no_usage_data_and_no_modules() -> None:
    settings = SERVICE["environment"]
    assert settings["DISABLE_TELEMETRY"] == "true" and settings["ENABLE_MODULES"] == ""
    assert settings["API_BASED_MODULES_DISABLED"] == "true"


def test_a_kill_loses_no_vector() -> None:
    assert SERVICE["environment"]["ASYNC_INDEXING"] == "true"


@pytest.mark.skipif(not os.environ.get("WEAVIATE_URL"), reason="no Weaviate server: WEAVIATE_URL is not set")
def test_a_real_server_of_these_settings_has_no_module_that_embeds_or_generates() -> None:
    """`ENABLE_MODULES` alone leaves those on that call other companies."""
    with urllib.request.urlopen(f"{os.environ['WEAVIATE_URL'].rstrip('/')}/v1/meta", timeout=10) as reply:
        meta = json.load(reply)
    assert not meta["modules"], f"Weaviate {meta['version']} has modules: {', '.join(meta['modules'])}"
