"""What can go wrong with jobs, in words fit for a person.

JobsError
└── QueueUnavailable   the queue does not answer or its address is wrong
"""


class JobsError(Exception):
    """An expected failure; its text can be shown as it is."""


class QueueUnavailable(JobsError):
    """The queue does not answer, or its address is wrong."""
