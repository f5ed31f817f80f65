"""Work in the background: the queue, the task, the worker that runs it and the sweeper that repairs."""
