"""One suite per contract; every implementation runs it."""
