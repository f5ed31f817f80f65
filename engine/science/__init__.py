"""What is measured and how it is judged: pure functions from prices to a verdict (no model of language, no database)."""
