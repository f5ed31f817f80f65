"""Rows, prices and files: what must survive a crash."""
