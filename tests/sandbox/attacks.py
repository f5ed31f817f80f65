"""Attacks of our own, beside the corpus: each tries one way out, and says PWNED when it finds one open."""

from tests.sandbox.trial import Attack

RAW = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    return libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
def attempt(name, action):
    try:
        found = action()
    except BaseException as error:
        print(name, type(error).__name__)
    else:
        print("PWNED", name, repr(found)[:100])
def nonnegative(value):
    if value < 0: raise OSError(ctypes.get_errno(), "refused")
    return value
"""

# kind, how success shows, code. System-call numbers are x86-64's; elsewhere they name other calls that must not work.
_SOURCES: dict[str, tuple[str, str, str]] = {
    "generator_frame_builtins": ("lang", "canary", """
g = (x for x in [1])
print(g.gi_frame.f_builtins["open"]("@SECRET_FILE@").read())
"""),
    "formatter_field_to_environment": ("lang", "canary", """
import string
value, _ = string.Formatter().get_field("0.io.common.os.environ", (pd,), {})
print(dict(value)); print(open("/proc/@DECOY@/environ", "rb").read())
"""),
    "async_coroutine_import": ("lang", "canary", """
async def f():
    import os
    return os.popen("cat @SECRET_FILE@").read()
try: f().send(None)
except StopIteration as stop: print(stop.value)
"""),
    "garbage_collector_finds_open": ("lang", "canary", """
import gc, io
for thing in gc.get_objects():
    if isinstance(thing, dict) and "open_code" in thing:
        print(thing["open_code"]("@SECRET_FILE@").read()); break
"""),
    "memory_map_of_a_secret": ("fileapi", "canary", "print(bytes(np.memmap('@SECRET_FILE@', dtype='u1', mode='r')))"),
    "environments_in_proc": ("fileapi", "canary", """
import os
for pid in ("self", "1", "@DECOY@", "@PARENT_PID@", str(os.getppid()), "thread-self"):
    for name in ("environ", "cmdline", "maps", "mem", "root/etc/passwd", "cwd/x", "fd"):
        try: print("PWNED" if pid != "self" and name != "maps" else "", open(f"/proc/{pid}/{name}", "rb").read(500))
        except OSError as error: print(error)
"""),
    "path_descriptors_and_reopening": ("fileapi", "stdout:PWNED", RAW + """
attempt("O_PATH", lambda: os.open("@SECRET_FILE@", 0o10000000))
attempt("chdir", lambda: os.chdir("/"))
attempt("fchdir", lambda: os.fchdir(os.open("/", os.O_RDONLY)))
attempt("chroot", lambda: os.chroot("."))
attempt("handle", lambda: nonnegative(call(303, -100, b"@SECRET_FILE@", ctypes.create_string_buffer(200), ctypes.byref(ctypes.c_int()), 0)))
attempt("openat2", lambda: nonnegative(call(437, -100, b"@SECRET_FILE@", ctypes.create_string_buffer(24), 24)))
"""),
    "links_tell_where_they_lead": ("fileapi", "stdout:PWNED", RAW + """
for name in ("/proc/@DECOY@/exe", "/proc/@DECOY@/cwd", "/proc/self/exe", "/proc/self/cwd", "/proc/1/root"):
    attempt(name, lambda: os.readlink(name))
"""),
    "links_and_renames": ("fileapi", "canary", RAW + """
attempt("link", lambda: os.link("@SECRET_FILE@", "here"))
attempt("symlink", lambda: os.symlink("@SECRET_FILE@", "there"))
attempt("rename", lambda: os.rename("@SECRET_FILE@", "mine"))
attempt("rename own", lambda: os.rename("stdout.txt", "@WDIR@/out"))
for name in os.listdir():
    if name in ("here", "there", "mine"): print(open(name).read())
"""),
    "marks_on_files_outside": ("fileapi", "stdout:PWNED", RAW + """
attempt("chmod", lambda: os.chmod("@SECRET_FILE@", 0o777))
attempt("chown", lambda: os.chown("@SECRET_FILE@", os.getuid(), os.getgid()))
attempt("utime", lambda: os.utime("@SECRET_FILE@", (1, 1)))
attempt("xattr", lambda: os.setxattr("@SECRET_FILE@", "user.x", b"1"))
attempt("xattrs", lambda: os.listxattr("@SECRET_FILE@"))
attempt("truncate", lambda: os.truncate("@SECRET_FILE@", 0))
attempt("remove", lambda: os.remove("@SECRET_FILE@"))
attempt("mkdir", lambda: os.mkdir("@WDIR@/d"))
attempt("mkfifo", lambda: os.mkfifo("fifo"))
attempt("mknod", lambda: os.mknod("node"))
attempt("rmdir", lambda: os.rmdir("@SECRET_DIR@"))
"""),
    "emptying_a_file_opened_for_reading": ("fileapi", "stdout:PWNED", RAW + """
attempt("O_TRUNC", lambda: os.open("/dev/null", os.O_RDONLY | os.O_TRUNC))
attempt("O_TMPFILE", lambda: os.open(".", os.O_TMPFILE | os.O_RDWR))
attempt("library", lambda: os.open(np.__file__, os.O_RDWR))
attempt("remove own", lambda: os.remove("stdout.txt"))
"""),
    "watching_files_outside": ("fileapi", "stdout:PWNED", RAW + """
attempt("inotify", lambda: nonnegative(call(294, 0)))
attempt("fanotify", lambda: nonnegative(call(300, 0, 0)))
attempt("statfs", lambda: os.statvfs("@SECRET_DIR@"))
attempt("access", lambda: os.access("@SECRET_FILE@", os.R_OK) or 1 / 0)
"""),
    "sockets_by_number": ("net", "stdout:PWNED", RAW + """
for family in (1, 2, 10, 16, 17, 38, 40, 44):
    for kind in (1, 2, 3, 5):
        attempt(f"socket {family} {kind}", lambda: nonnegative(call(41, family, kind, 0)))
attempt("socketpair", lambda: nonnegative(call(53, 1, 1, 0, ctypes.create_string_buffer(8))))
attempt("x32 socket", lambda: nonnegative(call(0x40000000 | 41, 2, 1, 0)))
"""),
    "abstract_socket": ("net", "abstract", """
import socket
s = socket.socket(socket.AF_UNIX); s.connect("\\0@ABSTRACT@"); s.send(b"x")
"""),
    "datagram": ("net", "udp", """
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", @UDP@))
"""),
    "url_readers": ("net", "port", """
for read in (pd.read_csv, pd.read_json, pd.read_parquet, pd.read_xml, pd.read_pickle, np.genfromtxt, np.loadtxt):
    try: read("http://127.0.0.1:@PORT@/x")
    except BaseException as error: print(type(error).__name__)
from sklearn.datasets import fetch_openml
try: fetch_openml("x")
except BaseException as error: print(type(error).__name__)
"""),
    "processes_by_every_road": ("proc", "stdout:PWNED", RAW + """
import subprocess
def fork():
    pid = os.fork()
    if pid == 0: os._exit(0)
    return pid
attempt("fork", fork)
attempt("posix_spawn", lambda: os.posix_spawn("/bin/true", ["true"], {}))
attempt("subprocess", lambda: subprocess.run(["true"]))
attempt("clone3", lambda: nonnegative(call(435, ctypes.create_string_buffer(88), 88)))
attempt("clone userns", lambda: nonnegative(call(56, 0x10000000 | 17, 0, 0, 0, 0)))
attempt("vfork flags", lambda: nonnegative(call(56, 0x4100 | 17, 0, 0, 0, 0)))
attempt("execveat", lambda: nonnegative(call(322, -100, b"/bin/true", 0, 0, 0)))
"""),
    "corners_of_the_kernel": ("proc", "stdout:PWNED", RAW + """
buffer = ctypes.create_string_buffer(256)
for name, number, *args in (
    ("ptrace traceme", 101, 0, 0, 0, 0), ("ptrace attach", 101, 16, @DECOY@, 0, 0), ("bpf", 321, 0, buffer, 72),
    ("perf", 298, buffer, 0, -1, -1, 0), ("userfaultfd", 323, 1), ("io_uring", 425, 4, buffer), ("aio", 206, 4, buffer),
    ("keyctl", 250, 0, -3, 1), ("add_key", 248, b"user", b"a", b"b", 1, -3), ("personality", 135, 0x0400000),
    ("unshare", 272, 0x10000000), ("setns", 308, 1, 0), ("mount", 165, b"x", b".", b"tmpfs", 0, 0),
    ("pivot_root", 155, b".", b"."), ("memfd", 319, b"x", 0), ("memfd_secret", 447, 0), ("shmget", 29, 0, 4096, 0o1600),
    ("msgget", 68, 0, 0o1600), ("semget", 64, 0, 1, 0o1600), ("mq_open", 240, b"/x", 0o102, 0o600, 0),
    ("pidfd_open", 434, @DECOY@, 0), ("pidfd_getfd", 438, 1, 0, 0), ("kcmp", 312, @DECOY@, @DECOY@, 0, 0, 0),
    ("process_vm_writev", 311, @DECOY@, buffer, 0, buffer, 0, 0), ("process_madvise", 440, 1, buffer, 0, 20, 0),
    ("seccomp", 317, 2, 0, buffer), ("landlock", 444, 0, 0, 1), ("timer", 222, 1, 0, buffer), ("acct", 163, b"x"),
    ("swapon", 167, b"x", 0), ("reboot", 169, 0, 0, 0, 0), ("syslog", 103, 10, 0, 0), ("quotactl", 179, 0, 0, 0, 0),
    ("modify_ldt", 154, 0, buffer, 256), ("iopl", 172, 3), ("remap_file_pages", 216, 0, 0, 0, 0, 0), ("capset", 126, buffer, buffer),
    ("setuid", 105, 0), ("setgroups", 116, 0, buffer), ("sethostname", 170, b"x", 1), ("splice", 275, 0, 0, 1, 0, 1, 0),
    ("vmsplice", 278, 1, buffer, 1, 0), ("sendfile", 40, 1, 0, 0, 1), ("copy_file_range", 326, 0, 0, 1, 0, 1, 0),
    ("set_mempolicy", 238, 0, 0, 0), ("move_pages", 279, 0, 0, 0, 0, 0, 0), ("mlock", 149, buffer, 4096), ("mlockall", 151, 4),
):
    attempt(name, lambda: nonnegative(call(number, *args)))
"""),
    "signals_by_every_road": ("proc", "signal", RAW + """
import signal
info = ctypes.create_string_buffer(128)
for name, action in (
    ("kill", lambda: os.kill(@DECOY@, 10)), ("group", lambda: os.killpg(os.getpgid(@DECOY@), 10)), ("all", lambda: os.kill(-1, 0)),
    ("own group", lambda: os.kill(0, 0)), ("tgkill", lambda: nonnegative(call(234, @DECOY@, @DECOY@, 10))),
    ("tkill", lambda: nonnegative(call(200, @DECOY@, 10))), ("queue", lambda: nonnegative(call(129, @DECOY@, 10, info))),
    ("tgqueue", lambda: nonnegative(call(297, @DECOY@, @DECOY@, 10, info))), ("parent", lambda: os.kill(os.getppid(), 0)),
    ("worker", lambda: os.kill(@PARENT_PID@, 0)), ("pidfd", lambda: signal.pidfd_send_signal(os.pidfd_open(@DECOY@), 10)),
    ("negative", lambda: os.kill(-@DECOY@, 10)),
):
    attempt(name, action)
"""),
    "signals_said": ("proc", "stdout:PWNED", RAW + """
for name, action in (
    ("all", lambda: os.kill(-1, 0)), ("own group", lambda: os.kill(0, 0)), ("parent", lambda: os.kill(os.getppid(), 0)),
    ("worker", lambda: os.kill(@PARENT_PID@, 0)), ("decoy", lambda: os.kill(@DECOY@, 0)), ("init", lambda: os.kill(1, 0) if os.getpid() != 1 else 1 / 0),
    ("affinity", lambda: os.sched_setaffinity(@DECOY@, {0})), ("affinity read", lambda: os.sched_getaffinity(@DECOY@)),
    ("priority", lambda: os.setpriority(0, @DECOY@, 5)), ("priority read", lambda: os.getpriority(0, @DECOY@)),
    ("scheduler", lambda: os.sched_setscheduler(@DECOY@, 0, os.sched_param(0))), ("session", lambda: os.getsid(@DECOY@)),
    ("ioprio", lambda: nonnegative(call(251, 1, @DECOY@, 0))), ("limits", lambda: nonnegative(call(302, @DECOY@, 7, 0, ctypes.create_string_buffer(16)))),
):
    attempt(name, action)
"""),
    "machine_code_from_a_file": ("proc", "stdout:PWNED", RAW + """
import mmap
code = b"\\xb8\\x2a\\x00\\x00\\x00\\xc3".ljust(4096, b"\\x90")
open("code.so", "wb").write(code)
file = os.open("code.so", os.O_RDWR)
attempt("mapped", lambda: mmap.mmap(file, 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC))
attempt("loaded", lambda: ctypes.CDLL(os.path.abspath("code.so")))
memory = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=3)
place = ctypes.addressof(ctypes.c_char.from_buffer(memory))
attempt("mprotect", lambda: nonnegative(call(10, place, 4096, 5)))
attempt("pkey_mprotect", lambda: nonnegative(call(329, place, 4096, 5, -1)))
attempt("execute only", lambda: nonnegative(call(10, place, 4096, 4)))
attempt("grow stack", lambda: nonnegative(call(10, place, 4096, 7 | 0x01000000)))
"""),
    "undoing_the_boundary": ("proc", "stdout:PWNED", RAW + """
for option, value in ((1, 0), (4, 1), (8, 1), (22, 1), (24, 0), (36, 1), (0x59616D61, -1), (28, 0), (41, 0), (38, 0), (47, 4), (52, 1), (53, 1), (59, 1)):
    attempt(f"prctl {option}", lambda: nonnegative(call(157, option, value, 0, 0, 0)))
attempt("arch_prctl", lambda: nonnegative(call(158, 0x1022, 0)))
import resource
for name in ("AS", "FSIZE", "NOFILE", "CPU", "CORE", "MEMLOCK"):
    kind = getattr(resource, "RLIMIT_" + name)
    attempt("raise " + name, lambda: resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)))
"""),
    "own_memory_file": ("proc", "stdout:PWNED", RAW + """
for name in ("/proc/self/mem", "/proc/self/task/self/mem", "/dev/mem", "/dev/kmsg", "/dev/tty", "/dev/ptmx", "/dev/fuse", "/dev/shm/@TAG@", "/proc/self/oom_score_adj", "/proc/sysrq-trigger", "/sys/kernel/notes"):
    attempt(name, lambda: open(name, "r+b", 0))
    attempt(name + " read", lambda: open(name, "rb", 0).read(1))
"""),
    "descriptors_left_open": ("chan", "stdout:PWNED", """
import os, stat
for number in range(3, 1024):
    try: kind = os.fstat(number).st_mode
    except OSError: continue
    if stat.S_ISSOCK(kind) or stat.S_ISFIFO(kind): print("PWNED", number, oct(kind))
    try: os.write(number, b"x"); print("PWNED wrote to", number)
    except OSError: pass
    try: print("PWNED", os.listdir(number))
    except OSError: pass
    try: os.open("..", os.O_RDONLY, dir_fd=number); print("PWNED above", number)
    except OSError: pass
"""),
    "scratch_from_above": ("chan", "stdout:PWNED", RAW + """
attempt("parent folder", lambda: os.listdir(".."))
attempt("other runs", lambda: os.listdir("@OTHER_RUN@"))
attempt("socket", lambda: open("../../socket"))
attempt("tmp", lambda: os.listdir("/tmp"))
attempt("memory", lambda: os.listdir("/dev/shm"))
"""),
    "an_environment_with_something_in_it": ("chan", "stdout:PWNED", """
import os
for name in os.environ:
    if any(word in name for word in ("KEY", "TOKEN", "SECRET", "URL", "PASSWORD", "HOME", "PATH", "USER", "OMC")): print("PWNED", name)
"""),
    "memory_in_stacks": ("res", "mem", """
import threading, time
threading.stack_size(64 << 20)
def fill(n):
    data = bytearray(60 << 20); time.sleep(1)
for i in range(60): threading.Thread(target=fill, args=(i,), daemon=True).start()
time.sleep(1.5)
"""),
    "memory_in_pipes_and_files": ("res", "mem", """
import os, fcntl
pipes = []
for i in range(25):
    r, w = os.pipe(); pipes.append((r, w))
    try: fcntl.fcntl(w, 1031, 1 << 20); print("PWNED")
    except OSError: pass
    os.set_blocking(w, False)
    try:
        while True: os.write(w, bytes(65536))
    except BlockingIOError: pass
for i in range(40):
    with open(f"m{i}", "wb") as f: f.write(bytes(16 << 20))
"""),
    "writers_in_parallel": ("res", "disk", """
import threading, itertools
block = bytes(1 << 20); names = itertools.count()
def write():
    while True:
        try:
            with open(f"w{next(names)}", "wb", 0) as f:
                for _ in range(64): f.write(block)
        except OSError: pass
for _ in range(8): threading.Thread(target=write, daemon=True).start()
write()
"""),
    "many_files_opened_before_any_is_filled": ("res", "disk", """
files = [open(f"f{i}", "wb", 0) for i in range(48)]
block = bytes(1 << 20)
for turn in range(16):
    for f in files:
        try: f.write(block)
        except OSError: pass
import mmap
for f in files:
    try: f.truncate(1 << 40)
    except OSError: pass
"""),
    "threads_below_python": ("res", "stdout:PWNED", """
import ctypes
libc = ctypes.CDLL(None)
started = 0
for i in range(2000):
    thread = ctypes.c_ulong()
    if libc.pthread_create(ctypes.byref(thread), None, libc.pause, None) == 0: started += 1
print("PWNED" if started > 200 else "limited", started)
"""),
    "a_figure_that_unpacks_to_gigabytes": ("res", "fig", """
import struct, zlib, os
def chunk(kind, body): return struct.pack("!I", len(body)) + kind + body + struct.pack("!I", zlib.crc32(kind + body))
body = zlib.compress(bytes(1 << 24))
png = b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack("!IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
for i in range(1, 40): open(f"figure_{i}.png", "wb").write(png)
open("result.json", "w").write('{"status": "ok", "value": 1, "notes": []}'); os._exit(0)
"""),
    "deaf_to_every_signal": ("res", "time", """
import signal, threading
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
lock = threading.Lock(); lock.acquire(); lock.acquire()
"""),
    "an_error_of_a_hundred_megabytes": ("res", "result", "raise ValueError('x' * 100_000_000)"),
    "a_result_nested_and_forged": ("chan", "result", """
import os
open("result.json", "w").write('{"status": "ok", "value": ' + '[' * 900 + ']' * 900 + ', "error": {"a": 1}, "notes": [' + '"n",' * 5000 + '"n"]}')
os._exit(0)
"""),
    "a_result_that_is_no_json": ("chan", "result", """
import os
open("result.json", "wb").write(b'{"status": "ok", "value": ' + b'9' * 100_000 + b', "notes": null}'); os._exit(0)
"""),
    "places_of_results_taken": ("chan", "canary", """
import os
for name in ("result.json", "stdout.txt", "figure_1.png"):
    for action in (lambda: os.unlink(name), lambda: os.symlink("@SECRET_FILE@", name), lambda: os.mkfifo(name), lambda: os.mkdir(name), lambda: os.link("@SECRET_PNG@", name)):
        try: action()
        except OSError as error: print(error.errno)
os._exit(0)
"""),
    "libraries_poisoned_for_the_next": ("chan", "next", """
import builtins, ctypes, sys, gc
np.mean = sum = lambda *a, **k: 666
pd.DataFrame.__getitem__ = lambda *a: 666
builtins.print = lambda *a: None
sys.modules["numpy"] = None; sys.modules.clear(); gc.disable()
ctypes.memset(id(1), 0, 24)
"""),
    "a_crash_on_purpose": ("chan", "next", "import ctypes; ctypes.string_at(0)"),
    "an_end_in_the_middle": ("chan", "next", """
import os, threading
threading.Thread(target=lambda: os.abort()).start()
while True: pass
"""),
}  # fmt: skip

ATTACKS = [Attack(name, *source) for name, source in _SOURCES.items()]

# Only namespaces hide that a file exists: neither Landlock nor seccomp can tell paths of a stat apart.
SEEN_WITHOUT_NAMESPACES = [
    Attack(
        "stat_outside",
        "fileapi",
        "stdout:PWNED",
        "import os\nprint('PWNED', os.stat('@SECRET_FILE@').st_size)",
    ),
    Attack(
        "processes_seen", "proc", "stdout:PWNED", "import os\nprint('PWNED', os.stat('/proc/@DECOY@').st_uid)"
    ),
]
