"""Addresses of Postgres and Redis as people write them: read into the form we use, and tried.

Every complaint is a ServiceError of one sentence that names the setting and never shows a password.
"""

import re
from urllib.parse import quote, urlsplit

from storage.errors import ServiceError

WAIT_SECONDS = 10


def read_postgres(text: str) -> str:
    """DATABASE_URL in SQLAlchemy's form for psycopg; postgres:// and other drivers' names are taken too."""
    scheme, rest = _split(
        text, "DATABASE_URL", {"postgres", "postgresql"}, "postgresql://USER:PASSWORD@HOST:5432/DATABASE"
    )
    del scheme
    return f"postgresql+psycopg://{rest}"


def read_redis(text: str) -> str:
    """REDIS_URL in redis-py's form; valkey:// is taken too."""
    scheme, rest = _split(
        text,
        "REDIS_URL",
        {"redis", "rediss", "unix", "valkey", "valkeys"},
        "redis://:PASSWORD@HOST:6379/0",
    )
    place = urlsplit(f"{scheme}://{rest}")
    if scheme != "unix" and not re.fullmatch(r"/?\d*/?", place.path):  # redis-py would take the first one
        raise ServiceError(
            f"REDIS_URL names the database {place.path.lstrip('/')[:40]!r}, but Redis numbers them: end it with /0."
        )
    return f"{scheme.replace('valkey', 'redis')}://{rest}"


def build_redis(host: str, port: int, db: int, password: str | None) -> str:
    """The URL that says the same as REDIS_HOST and its companions."""
    secret = f":{quote(password, safe='')}@" if password else ""
    return f"redis://{secret}{f'[{host}]' if ':' in host else host}:{port}/{db}"


def check_postgres(url: str) -> None:
    """Connect to `url` (from `read_postgres`) once. Raises ServiceError."""
    import psycopg

    try:
        psycopg.connect(url.replace("+psycopg", "", 1), connect_timeout=WAIT_SECONDS).close()
    except psycopg.OperationalError as error:
        raise _unreachable("DATABASE_URL", url, error, "a Postgres") from error
    except psycopg.Error as error:  # libpq cannot read it; its words quote the address, password and all
        words = str(error)
        why = (
            words.splitlines()[0] if words.startswith("invalid URI query parameter") else "it cannot be read"
        )
        raise ServiceError(
            f"DATABASE_URL is not right: {why}. Write it as postgresql://USER:PASSWORD@HOST:5432/DATABASE, special "
            "characters of the password percent-encoded (@ as %40)."
        ) from error


def check_redis(url: str) -> None:
    """Ping the server at `url` (from `read_redis`) once. Raises ServiceError."""
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    try:
        with redis.Redis.from_url(
            url,
            socket_connect_timeout=WAIT_SECONDS,
            socket_timeout=WAIT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        ) as server:
            server.ping()
    except redis.RedisError as error:
        raise _unreachable("REDIS_URL", url, error, "a Valkey") from error
    except ValueError as error:
        raise ServiceError(
            "REDIS_URL is not right: it cannot be read. Write it as redis://:PASSWORD@HOST:6379/0, special "
            "characters of the password percent-encoded (@ as %40)."
        ) from error


def _split(text: str, setting: str, schemes: set[str], form: str) -> tuple[str, str]:
    scheme, mark, rest = text.strip().partition("://")
    name = scheme.lower().partition("+")[0]
    if not mark or not rest:
        raise ServiceError(f"{setting} is not an address. Write it as {form}.")
    if name not in schemes:
        raise ServiceError(f"{setting} begins with {scheme}://, which is not supported. Write it as {form}.")
    if urlsplit(f"{name}://{rest}").netloc.count("@") > 1:  # servers would take its second half for the host
        raise ServiceError(f"{setting} has an @ in its name or password: write it as %40, in {form}.")
    try:
        urlsplit(f"{name}://{rest}").port  # noqa: B018 - a property that complains
    except ValueError as error:
        raise ServiceError(
            f"{setting} has no valid host and port. Write it as {form}, special characters of the password "
            "percent-encoded (@ as %40, / as %2F)."
        ) from error
    return name, rest


def _unreachable(setting: str, url: str, error: Exception, built_in: str) -> ServiceError:
    # What stands before the @ may hold a password.
    where = url.partition("://")[2].rpartition("@")[2].partition("?")[0]
    cause = str(error).strip().splitlines() or ["no answer"]
    return ServiceError(
        f"The server of {setting} at {where} cannot be used: {cause[0].rstrip('.')}. "
        f"Check {setting} and that the server runs, or unset it to use {built_in} that omc starts itself."
    )
