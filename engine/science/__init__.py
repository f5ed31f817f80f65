"""What is measured and how it is judged: pure functions from prices to a verdict (no language model, no database)."""
