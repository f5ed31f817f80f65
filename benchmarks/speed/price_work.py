"""The pieces of work that `benchmarks.speed.prices` measures, each run as a process of its own.

python -m benchmarks.speed.price_work import|plain FILE DATABASE_URL
"""

import io
import sys
from pathlib import Path

from benchmarks.speed.measured import report


def import_file(path: Path, url: str) -> None:
    """What `omc data import` does with a file: read, judge, store in one transaction."""
    from storage.database import Database
    from storage.importing.reading import read
    from storage.importing.storing import store

    database = Database(url)
    with database.begin() as session:
        store(session, read(path))
    database.close()


def copy_plainly(path: Path, url: str) -> None:
    """The script one would write instead: pandas reads the CSV, COPY writes it; nothing is checked.

    The table has the columns and the primary key of ours.
    """
    import pandas as pd
    import psycopg

    from storage.database import Database

    frame = pd.read_csv(path)
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], unit="ms", utc=True)
    frame["symbol"] = frame["symbol"].str.removesuffix("USDT").str.lower()
    text = io.StringIO()
    frame.to_csv(text, index=False, header=False)
    with psycopg.connect(Database(url).dsn) as connection, connection.cursor() as cursor:
        cursor.execute(
            "create table plain (coin text, timestamp timestamptz, open float8, high float8, low float8,"
            " close float8, volume float8, primary key (coin, timestamp))"
        )
        with cursor.copy("copy plain from stdin (format csv)") as copy:
            copy.write(text.getvalue())


if __name__ == "__main__":
    work, path, url = sys.argv[1:]
    # Only the difference in work is measured: both have their libraries by then.
    import pandas  # noqa: F401
    import psycopg  # noqa: F401

    import storage.importing.storing  # noqa: F401

    report(lambda: (import_file if work == "import" else copy_plainly)(Path(path), url))
