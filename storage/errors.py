"""What can go wrong with stored things, in words fit for a person.

StorageError
├── ServiceError          the built-in database or queue could not be started or reached
├── DatabaseUnavailable   the database does not answer or its address is wrong
├── ArtifactError         a file could not be kept or found
├── UnknownSession        there is no such run
├── NotAllowed            a move the session's status does not permit
└── PriceError            prices are missing or cannot be read
LeaseLost                 another worker has taken the session over (a stop, not an error)
"""


class StorageError(Exception):
    """An expected failure; its text can be shown as it is."""


class ServiceError(StorageError):
    """The built-in database or queue could not be started or reached."""


class DatabaseUnavailable(StorageError):
    """The database does not answer, or its address is wrong."""


class ArtifactError(StorageError):
    """A file could not be kept or found."""


class UnknownSession(StorageError):
    """There is no such run, or it belongs to somebody else."""


class NotAllowed(StorageError):
    """The session's status does not permit this move."""


class PriceError(StorageError):
    """Prices are missing or cannot be read."""


class LeaseLost(BaseException):
    """Another worker holds the session now; whatever this one still does must leave no trace.

    Not an Exception on purpose: retries and fallbacks on the way must let it through.
    """
