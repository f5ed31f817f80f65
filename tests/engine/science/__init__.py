"""Tests of the numbers behind a verdict."""
