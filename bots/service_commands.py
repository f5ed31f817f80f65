"""`omc worker`, `omc sweeper`, `omc sandbox` and `omc db`: the processes and the tables that runs need."""

from pathlib import Path

import click


@click.command()
@click.option("--burst", is_flag=True, help="End when nothing is left to start.")
@click.option("--parent-pid", type=int, hidden=True, help="End when this process dies.")
def worker(burst: bool, parent_pid: int | None) -> None:
    """Work on runs until told to stop (Ctrl-C or SIGTERM: the run in hand goes on elsewhere)."""
    from bots.composition import log_to_stderr, require_tables
    from jobs.worker import run_worker
    from storage.embedded import connect

    log_to_stderr()
    with connect() as services:
        require_tables(services)
        run_worker(services, burst=burst, parent_pid=parent_pid)


@click.command()
def sweeper() -> None:
    """Set going again what lost workers and queues left lying. Workers do this too while they live."""
    import signal
    import threading

    from bots.composition import log_to_stderr, require_tables
    from jobs.sweeper import run_sweeper
    from storage.embedded import connect

    log_to_stderr()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with connect() as services:
        require_tables(services)
        click.echo("Sweeping every 2 seconds; Ctrl-C stops.", err=True)
        run_sweeper(services, stop)


@click.command()
@click.option(
    "--socket",
    "address",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("/run/omc/sandbox"),
    show_default=True,
    help="The unix socket to listen at; workers are told with SANDBOX_SOCKET.",
)
def sandbox(address: Path) -> None:
    """Hold code that models wrote, for workers in other containers. Needs no network, no secret, no database."""
    from sandbox import serve

    if not address.parent.is_dir():
        raise click.UsageError(f"{address.parent} is no folder. Make it, or name another with --socket.")
    serve(address)


@click.group()
def db() -> None:
    """Look after the database's tables."""


@db.command()
def upgrade() -> None:
    """Bring the tables to this version. Safe to repeat, and to run beside workers and bots."""
    from storage.database import Database, is_current
    from storage.database import upgrade as bring_up_to_date
    from storage.embedded import connect

    with connect() as services:
        database = Database(services.database_url)
        try:
            current = is_current(database.engine)
        finally:
            database.close()
        bring_up_to_date(services.database_url)
    click.echo("The tables were up to date." if current else "The tables are up to date now.")
