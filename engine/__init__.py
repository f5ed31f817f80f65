"""The analysis engine: goals, agents, science and reports."""
