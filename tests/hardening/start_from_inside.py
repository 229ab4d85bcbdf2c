#!/usr/bin/env python3
"""Lets a running program try to start another one: whether the kernel lets it.

    start_from_inside.py RESULT PROGRAM ARGUMENT...

Runs PROGRAM with its own input and output. At SIGUSR1 it has every thread of it call
`execve("/bin/true")`, by ptrace(2), and writes one line for each to RESULT: the id of the thread,
and the name of the error, or `started`. A refused thread goes on as if nothing had happened. If
ptrace is not possible, the one line begins with SKIPPED and says why.
"""

import ctypes
import errno
import os
import platform
import signal
import struct
import subprocess
import sys
import time

# <sys/ptrace.h>, <sys/user.h>, and the system calls of x86-64.
PEEK, POKE, CONTINUE, STEP, GET, SET, ATTACH, DETACH = 1, 4, 7, 9, 12, 13, 16, 17
REGISTERS = 27
RAX, RDX, RSI, RDI, ORIG_RAX, RIP, RSP = 10, 12, 13, 14, 15, 16, 19
EXECVE, SYSCALL = 59, 0x050F
WAIT_FOR_ALL = 0x40000000
PROGRAM = b"/bin/true\0".ljust(16, b"\0")
# Far below the stack pointer of the thread, where nothing is in use.
BELOW = 1024
ATTEMPTS = 200

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, thread, address=None, data=None):
    ctypes.set_errno(0)
    result = libc.ptrace(request, thread, address, data)
    if ctypes.get_errno():
        raise OSError(ctypes.get_errno(), f"ptrace request {request}")
    return result


def wait(thread):
    """Waits for the next stop, and returns its signal; None if the thread has ended."""
    _, status = os.waitpid(thread, WAIT_FOR_ALL)
    return os.WSTOPSIG(status) if os.WIFSTOPPED(status) else None


def get(thread):
    registers = (ctypes.c_ulonglong * REGISTERS)()
    ptrace(GET, thread, None, ctypes.addressof(registers))
    return registers


def put(thread, registers):
    ptrace(SET, thread, None, ctypes.addressof(registers))


def try_to_start(thread):
    """Has a stopped thread call execve, and returns what comes of it."""
    before = get(thread)
    # A thread that waits does so in a system call: its instruction is the last one.
    call = before[RIP] - 2
    if ptrace(PEEK, thread, call) & 0xFFFF != SYSCALL:
        raise BlockingIOError("the thread is not in a system call")
    place = (before[RSP] - BELOW) & ~0xF
    words = struct.unpack("<2Q", PROGRAM) + (place, 0)
    saved = [ptrace(PEEK, thread, place + 8 * number) for number in range(len(words))]
    for number, word in enumerate(words):
        ptrace(POKE, thread, place + 8 * number, word)
    registers = (ctypes.c_ulonglong * REGISTERS)(*before)
    registers[RAX], registers[RIP], registers[ORIG_RAX] = EXECVE, call, 2**64 - 1
    # The path, its one argument, and no environment.
    registers[RDI], registers[RSI], registers[RDX] = place, place + 16, place + 24
    put(thread, registers)
    ptrace(STEP, thread)
    stopped, after = wait(thread), get(thread)
    if stopped == signal.SIGTRAP and after[RAX] == 0:
        return "started"
    for number, word in enumerate(saved):
        ptrace(POKE, thread, place + 8 * number, word)
    put(thread, before)
    if stopped != signal.SIGTRAP:
        raise BlockingIOError("a signal came first")
    return errno.errorcode.get(2**64 - after[RAX], "?")


def of_thread(thread):
    """Tries it again while the thread is busy."""
    for _ in range(ATTEMPTS):
        try:
            return once(thread)
        except BlockingIOError as error:
            problem = error
            time.sleep(0.05)
    raise problem


def once(thread):
    ptrace(ATTACH, thread)
    try:
        while (stopped := wait(thread)) != signal.SIGSTOP:
            if stopped is None:
                return "ended"
            ptrace(CONTINUE, thread, None, stopped)
        return try_to_start(thread)
    finally:
        ptrace(DETACH, thread)


def all_threads(process):
    if platform.machine() != "x86_64":
        return [f"SKIPPED: the registers of {platform.machine()} are not known here"]
    lines = []
    for thread in sorted(map(int, os.listdir(f"/proc/{process}/task"))):
        try:
            lines.append(f"{thread} {of_thread(thread)}")
        except PermissionError as error:
            return [f"SKIPPED: ptrace is not permitted here: {error.strerror}"]
        if lines[-1].endswith("started"):
            break
    return lines


def main():
    result, *command = sys.argv[1:]
    awaited = {signal.SIGUSR1, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    unblock = lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, awaited)
    program = subprocess.Popen(command, preexec_fn=unblock)
    while program.poll() is None:
        if signal.sigwait(awaited) == signal.SIGUSR1:
            lines = all_threads(program.pid)
            with open(result + ".new", "w", encoding="utf-8") as file:
                file.write("".join(line + "\n" for line in lines))
            os.rename(result + ".new", result)
    sys.exit(program.returncode)


if __name__ == "__main__":
    main()
