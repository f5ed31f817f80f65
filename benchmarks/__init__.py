"""Measurements, each a command of its own: ratios taken side by side in one run, never limits on a clock."""
