"""How fast: `python -m benchmarks.speed.prices` and its neighbours print what was measured on this machine."""
