"""`compose.yaml` starts what the plugin expects, for this machine alone, and sends nothing to anybody."""

from pathlib import Path
from typing import Any

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
