"""Attacks on how a run ends: its error put in words, its result, what is still at work then, and who else is there."""

from tests.sandbox.attacks import RAW
from tests.sandbox.trial import Attack

# kind, how success shows, code.
_SOURCES: dict[str, tuple[str, str, str]] = {
    "an_error_whose_words_never_come": ("res", "time", """
class E(Exception):
    def __str__(self):
        while True: pass
raise E
"""),
    "an_error_whose_kind_has_no_name": ("chan", "next", """
class Kind(type):
    @property
    def __name__(cls): raise SystemError("x" * 10_000_000)
class E(Exception, metaclass=Kind): pass
raise E
"""),
    "a_syntax_error_with_a_line_of_its_own": ("chan", "next", """
class Line(int):
    def __lt__(self, other): return True
    def __bool__(self): raise KeyboardInterrupt
    def __sub__(self, other): return 10 ** 10
e = SyntaxError("x"); e.filename = "<code>"; e.lineno = Line(1); e.msg = type("M", (), {"__format__": lambda *a: "y" * 50_000_000})()
raise e
"""),
    "an_exit_with_words_that_never_come": ("res", "time", """
class Code:
    def __repr__(self):
        while True: pass
raise SystemExit(Code())
"""),
    "an_error_that_leads_back_to_itself": ("chan", "result", """
def fall(n):
    try: fall(n + 1)
    finally: raise ValueError("x" * 5_000)
import sys
sys.setrecursionlimit(10 ** 6)
fall(0)
"""),
    "work_left_for_the_end": ("res", "time", """
import atexit, threading, weakref, sys, time
def forever(*a):
    while True: time.sleep(0.01)
atexit.register(forever)
class Last:
    def __del__(self): forever()
kept = Last(); sys.modules["last"] = kept; weakref.finalize(Last, forever)
for _ in range(5): threading.Thread(target=forever).start()
result = 1
"""),
    "alarms_while_the_result_is_written": ("chan", "next", """
import signal
def again(*a): raise KeyboardInterrupt
for number in (signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF): signal.signal(number, again)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
result = list(range(20_000))
while True:
    try: pass
    except BaseException: break
"""),
    "the_writer_of_results_replaced": ("chan", "canary", """
import sys, json, os, builtins
for module in list(sys.modules.values()):
    for name in ("_write", "_explain", "_draw_figures", "dumps", "convert"):
        if getattr(module, "__name__", "").startswith(("sandbox", "json")) and hasattr(module, name):
            setattr(module, name, lambda *a, **k: open("@SECRET_FILE@").read())
builtins.open = os.open
frame = sys._getframe()
while frame:
    for name, value in list(frame.f_locals.items()):
        if hasattr(value, "send") and hasattr(value, "fileno"):
            try: value.send(b"\\0\\0\\0\\2{}"); print("PWNED", name)
            except OSError: pass
    frame = frame.f_back
result = 1
"""),
    "sockets_and_boundary_found_by_the_collector": ("chan", "stdout:PWNED", """
import gc, socket, os, sys
sys.stdout.flush()
for thing in gc.get_objects() + [v for o in gc.get_objects() if isinstance(o, dict) for v in list(o.values())]:
    if isinstance(thing, socket.socket):
        for act in (lambda: thing.send(b"{}"), lambda: thing.recv(1), lambda: socket.send_fds(thing, [b"x"], [1])):
            try: act(); print("PWNED socket", thing)
            except (OSError, ValueError): pass
    if type(thing).__name__ == "Boundary":
        for number in thing.readable:
            try: os.fstat(number); os.listdir(number); print("PWNED folder", number)
            except OSError: pass
"""),
    "a_picture_that_is_a_program_of_pickles": ("chan", "next", """
import pickle, os
class Open:
    def __reduce__(self): return (os.system, ("touch @WDIR@/unpickled",))
bomb = pickle.dumps(Open())
for name in ("result.json", "figure_1.png", "stdout.txt", "result.pkl", "result.parquet"):
    try:
        with open(name, "r+b" if os.path.exists(name) else "wb") as file: file.write(bomb)
    except OSError: pass
os._exit(0)
"""),
    "a_figure_with_a_thousand_texts": ("res", "fig", """
import struct, zlib, os
def chunk(kind, body): return struct.pack("!I", len(body)) + kind + body + struct.pack("!I", zlib.crc32(kind + body))
text = b"".join(chunk(b"zTXt", b"a\\0\\0" + zlib.compress(bytes(5_000_000))) for _ in range(100))
png = b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack("!IIBBBBB", 2, 2, 8, 0, 0, 0, 0)) + text + chunk(b"IDAT", zlib.compress(bytes(6))) + chunk(b"IEND", b"")
for i in range(1, 9): open(f"figure_{i}.png", "wb").write(png)
"""),
    "a_parquet_bomb_for_whoever_opens_it": ("res", "mem", """
import pyarrow as pa, pyarrow.parquet as pq
table = pa.table({"a": pa.array(["x" * 1_000_000]).dictionary_encode().take(pa.array([0] * 2_000_000, pa.int32()))})
pq.write_table(table, "bomb.parquet", compression="gzip")
result = len(pd.read_parquet("bomb.parquet").a.astype(str).str.cat())
"""),
    "floods_past_pythons_own_output": ("res", "disk", RAW + """
import os, itertools
block = b"\\x1b[2J" * 200_000
for i in itertools.count():
    for number in (1, 2):
        try: os.write(number, block)
        except OSError: pass
    try: os.pwrite(1, block, 1 << 40); os.ftruncate(1, 1 << 40)
    except OSError: pass
"""),
    "a_sum_that_python_cannot_leave": ("res", "time", "sum(range(10 ** 13))"),
    "a_number_without_end": ("res", "time", "result = len(str(7 ** 7 ** 8))"),
    "a_matrix_below_pythons_lock": ("res", "time", """
import threading
a = np.ones((1500, 1500))
def work():
    while True: np.linalg.svd(a)
for _ in range(8): threading.Thread(target=work).start()
work()
"""),
    "threads_that_start_threads": ("res", "time", """
import threading, _thread
def breed():
    while True:
        try: _thread.start_new_thread(breed, ())
        except RuntimeError: pass
breed()
"""),
    "trackers_of_learning_libraries": ("net", "port", """
import os, importlib
for act in (
    lambda: importlib.import_module("xgboost.collective").init(dmlc_communicator="rabit", dmlc_tracker_uri="127.0.0.1", dmlc_tracker_port=@PORT@, dmlc_retry=1, dmlc_timeout=1),
    lambda: importlib.import_module("xgboost.tracker").RabitTracker(n_workers=1, host_ip="127.0.0.1").start(),
    lambda: importlib.import_module("fsspec").open("http://127.0.0.1:@PORT@/x").open(), lambda: importlib.import_module("fsspec").filesystem("ftp", host="127.0.0.1", port=@PORT@),
    lambda: pd.read_csv("ftp://127.0.0.1:@PORT@/x"), lambda: pd.read_sql("select 1", "postgresql://127.0.0.1:@PORT@/x"), lambda: importlib.import_module("logging.handlers").SysLogHandler(("127.0.0.1", @PORT@), socktype=1).emit(None),
    lambda: importlib.import_module("multiprocessing.connection").Client(("127.0.0.1", @PORT@)), lambda: importlib.import_module("joblib").load("http://127.0.0.1:@PORT@/x"),
):
    try: act()
    except BaseException as error: print(type(error).__name__, str(error)[:60])
"""),
    "other_processes_of_the_same_user": ("proc", "stdout:PWNED", RAW + """
import glob
mine = str(os.getpid())
buffer = ctypes.create_string_buffer(8)
for pid in range(1, 60_000) if not os.path.isdir("/proc/1") else [int(p) for p in os.listdir("/proc") if p.isdigit()] if os.access("/proc", os.R_OK) else []:
    for name in ("mem", "environ", "maps", "fd", "cwd", "root"):
        if str(pid) != mine: attempt(f"{pid}/{name}", lambda: open(f"/proc/{pid}/{name}", "rb").read(1))
for pid in (os.getppid(), @PARENT_PID@, @DECOY@):
    local = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8); remote = (ctypes.c_void_p * 2)(0x400000, 8)
    attempt("readv", lambda: nonnegative(call(310, pid, local, 1, remote, 1, 0)))
    attempt("seize", lambda: nonnegative(call(101, 0x4206, pid, 0, 0)))
    attempt("pidfd", lambda: nonnegative(call(434, pid, 0)))
"""),
    "calls_newer_than_the_list": ("proc", "stdout:PWNED", RAW + """
buffer = ctypes.create_string_buffer(256)
for number in range(424, 520):  # 335 and 336 are for the probes of tracers: the kernel ends whoever else makes them
    if number in (435, 436, 439): continue
    for args in ((0, 0, 0, 0, 0, 0), (buffer, 0, 0, 0, 0, 0), (-100, b".", 0, 0, 0, 0), (1, buffer, 1, 0, 0, 0)):
        attempt(str(number), lambda: nonnegative(call(number, *args)))
"""),
}  # fmt: skip

ATTACKS_ON_THE_END = [Attack(name, *source) for name, source in _SOURCES.items()]

# Two runs at once: one holds a secret in its memory, its file and its output; the other looks for it everywhere.
HOLDER = """
import time
secret = "@CANARY@" * 1_000
open("held.txt", "w").write(secret); print(secret[:30], flush=True)
end = time.monotonic() + 3
while time.monotonic() < end: time.sleep(0.01)
result = [open("held.txt").read() == secret, sorted(__import__("os").listdir())]
"""
SEEKER = (
    RAW
    + """
import glob, signal, time
end = time.monotonic() + 2
while time.monotonic() < end:
    for place in ("..", "../..", "/tmp", "/dev/shm", "/proc", "/proc/@HOLDER@/root", "/proc/@HOLDER@/cwd", "@BASE@"):
        for name in ("held.txt", "stdout.txt", "result.json"):
            for path in (f"{place}/{name}", *glob.glob(f"{place}/run-*/{name}")):
                try: print("FOUND", open(path).read()[:40])
                except OSError: pass
                try: open(path, "w").write("PWNED"); print("PWNED", path)
                except OSError: pass
    for pid in range(max(os.getpid() - 60, 2), os.getpid() + 60):
        if pid != os.getpid():
            for number in (0, signal.SIGTERM, signal.SIGKILL):
                try: os.kill(pid, number); print("PWNED signalled", pid)
                except OSError: pass
    time.sleep(0.05)
"""
)
