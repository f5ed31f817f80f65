"""What language models do to a run: hostile ones, the cost of a good one, and what the number guard refuses."""
