"""Public support for plugins: ranking and fusion, settings and keys, HTTP failures, telemetry, compiled loops."""
