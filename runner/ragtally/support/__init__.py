"""Public support for plugins: ranking, fusing."""
