"""What the README cannot hold, and what makes its pictures."""
