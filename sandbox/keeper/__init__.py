"""The keeper: a small process beside the worker that holds the socket, looks after the zygote and watches each run.

Standard library only. It never runs, parses or unpickles anything that a run made.
"""
