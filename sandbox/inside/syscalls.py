"""System-call numbers and open flags of the two machines that the filter knows."""

import platform
from dataclasses import dataclass

# The kernel's uapi tables (asm/unistd_64.h; asm-generic/unistd.h), for the calls that the filter or the set-up names.
_X86_64 = """
read 0 write 1 close 3 fstat 5 poll 7 lseek 8 mmap 9 mprotect 10 munmap 11 brk 12 rt_sigaction 13
rt_sigprocmask 14 rt_sigreturn 15 ioctl 16 pread64 17 pwrite64 18 readv 19 writev 20 select 23 sched_yield 24 pipe 22
mremap 25 msync 26 mincore 27 madvise 28 dup 32 dup2 33 pause 34 nanosleep 35 getitimer 36 alarm 37 setitimer 38
getpid 39 clone 56 exit 60 kill 62 uname 63 fcntl 72 flock 73 fsync 74 fdatasync 75 ftruncate 77 getcwd 79
umask 95 gettimeofday 96 getrlimit 97 getrusage 98 sysinfo 99 times 100 getuid 102 getgid 104 geteuid 107
getegid 108 getppid 110 getpgrp 111 getgroups 115 getresuid 118 getresgid 120 getpgid 121 getsid 124
rt_sigpending 127 rt_sigtimedwait 128 rt_sigsuspend 130 sigaltstack 131 statfs 137 fstatfs 138 getpriority 140
sched_getparam 143 sched_getscheduler 145 sched_get_priority_max 146 sched_get_priority_min 147 pivot_root 155
prctl 157 mount 165 umount2 166 mount_setattr 442 gettid 186 readahead 187 time 201 futex 202 sched_getaffinity 204
epoll_ctl 233 fadvise64 221 getdents64 217 set_tid_address 218 restart_syscall 219 clock_gettime 228
clock_getres 229 clock_nanosleep 230 exit_group 231 epoll_wait 232 tgkill 234 openat 257 newfstatat 262
readlinkat 267 faccessat 269 pselect6 270 ppoll 271 unshare 272 set_robust_list 273 get_robust_list 274
epoll_pwait 281 fallocate 285 epoll_create1 291 dup3 292 preadv 295 pwritev 296 prlimit64 302 getcpu 309 setns 308
seccomp 317 getrandom 318 membarrier 324 preadv2 327 pwritev2 328 statx 332 rseq 334 clone3 435 close_range 436
faccessat2 439 landlock_create_ruleset 444 landlock_add_rule 445 landlock_restrict_self 446
stat 4 lstat 6 access 21 readlink 89 open 2 creat 85 capset 126
socket 41 connect 42 sendmsg 46 bind 49 socketpair 53 fork 57 vfork 58 execve 59 wait4 61 ptrace 101 pipe2 293
memfd_create 319 io_uring_setup 425 bpf 321 keyctl 250 shmget 29 openat2 437 pidfd_open 434 chmod 90 unlink 87
mkdir 83 symlink 88 rename 82 truncate 76 setxattr 188 utimensat 280 process_vm_readv 310 userfaultfd 323
perf_event_open 298 pidfd_send_signal 424 rt_sigqueueinfo 129 tkill 200 pkey_mprotect 329 execveat 322 mlock 149
"""

_AARCH64 = """
read 63 write 64 close 57 fstat 80 lseek 62 mmap 222 mprotect 226 munmap 215 brk 214 rt_sigaction 134
rt_sigprocmask 135 rt_sigreturn 139 ioctl 29 pread64 67 pwrite64 68 readv 65 writev 66 sched_yield 124
mremap 216 msync 227 mincore 232 madvise 233 dup 23 nanosleep 101 getitimer 102 setitimer 103
getpid 172 clone 220 exit 93 kill 129 uname 160 fcntl 25 flock 32 fsync 82 fdatasync 83 ftruncate 46 getcwd 17
umask 166 gettimeofday 169 getrlimit 163 getrusage 165 sysinfo 179 times 153 getuid 174 getgid 176 geteuid 175
getegid 177 getppid 173 getgroups 158 getresuid 148 getresgid 150 getpgid 155 getsid 156
rt_sigpending 136 rt_sigtimedwait 137 rt_sigsuspend 133 sigaltstack 132 statfs 43 fstatfs 44 getpriority 141
sched_getparam 121 sched_getscheduler 120 sched_get_priority_max 125 sched_get_priority_min 126 pivot_root 41
prctl 167 mount 40 umount2 39 mount_setattr 442 gettid 178 readahead 213 futex 98 sched_getaffinity 123
epoll_ctl 21 fadvise64 223 getdents64 61 set_tid_address 96 restart_syscall 128 clock_gettime 113
clock_getres 114 clock_nanosleep 115 exit_group 94 tgkill 131 openat 56 newfstatat 79
readlinkat 78 faccessat 48 pselect6 72 ppoll 73 unshare 97 set_robust_list 99 get_robust_list 100
epoll_pwait 22 fallocate 47 epoll_create1 20 dup3 24 preadv 69 pwritev 70 prlimit64 261 getcpu 168 setns 268
seccomp 277 getrandom 278 membarrier 283 preadv2 286 pwritev2 287 statx 291 rseq 293 clone3 435 close_range 436
faccessat2 439 landlock_create_ruleset 444 landlock_add_rule 445 landlock_restrict_self 446 capset 91
socket 198 connect 203 sendmsg 211 bind 200 socketpair 199 execve 221 wait4 260 ptrace 117 pipe2 59
memfd_create 279 io_uring_setup 425 bpf 280 keyctl 219 shmget 194 openat2 437 pidfd_open 434 fchmodat 53
unlinkat 35 mkdirat 34 symlinkat 36 renameat2 276 truncate 45 setxattr 5 utimensat 88 process_vm_readv 270
userfaultfd 282 perf_event_open 241 pidfd_send_signal 424 rt_sigqueueinfo 138 tkill 130 pkey_mprotect 288
execveat 281 mlock 228
"""


@dataclass(frozen=True)
class Machine:
    """One architecture: the audit constant that seccomp reports, its calls, and the open flags that differ."""

    name: str
    audit_arch: int
    calls: dict[str, int]
    o_directory: int
    o_nofollow: int
    o_largefile: int


def _table(text: str) -> dict[str, int]:
    words = text.split()
    return {name: int(number) for name, number in zip(words[::2], words[1::2], strict=True)}


MACHINES = {
    "x86_64": Machine("x86_64", 0xC000003E, _table(_X86_64), 0o200000, 0o400000, 0o100000),
    "aarch64": Machine("aarch64", 0xC00000B7, _table(_AARCH64), 0o40000, 0o100000, 0o400000),
}


def this_machine() -> Machine | None:
    """The table for the processor this runs on, or None when there is none."""
    return MACHINES.get(platform.machine())
