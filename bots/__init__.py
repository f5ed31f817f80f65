"""The chat platforms, the command line, and the one conversation they share."""
