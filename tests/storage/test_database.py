"""The tables brought up to date, by one process or by many that start together, and the address psycopg reads."""

import subprocess
import sys
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict

from storage.database import Database, is_current
from storage.embedded import Services

PROJECT = Path(__file__).parents[2]
UPGRADE = "import sys; from storage.database import upgrade; upgrade(sys.argv[1])"


def test_processes_that_start_together_upgrade_one_after_the_other(
    services: Services, administrator: psycopg.Connection
) -> None:
    """An index of LangGraph's tables is built when no transaction is open: nobody may wait inside of one."""
    administrator.execute("create database empty_for_three")
    url = services.database_url.replace("/omc?", "/empty_for_three?", 1)
    starting = [subprocess.Popen([sys.executable, "-c", UPGRADE, url], cwd=PROJECT) for _ in range(3)]
    try:
        assert [process.wait(120) for process in starting] == [0, 0, 0]
        database = Database(url)
        assert is_current(database.engine)
        assert sa.inspect(database.engine).has_table("checkpoints")
        database.close()
    finally:
        for process in starting:
            process.kill()
            process.wait()
        administrator.execute("drop database empty_for_three with (force)")


def test_a_folder_with_blanks_and_signs_stays_itself_in_the_address_psycopg_reads() -> None:
    database = Database("postgresql+psycopg://omc@/omc?host=/a%20home%20%C3%A4/b%2Bc/run&port=5432")
    assert conninfo_to_dict(database.dsn)["host"] == "/a home ä/b+c/run"
    database.close()
