"""Agents that think: providers, limits, and every way of being led astray."""
