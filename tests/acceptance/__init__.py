"""Whole conversations with real `omc` processes: somebody types this, the thread shows that."""
