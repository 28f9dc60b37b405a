#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run QEMU with a dom0 that does a job, and print what the job prints.

usage: machine.py DIR QEMU [ARGUMENT...]

What the job prints comes through a virtio port. "@stage SECONDS TEXT" names the next step
and its time limit, "@end STATUS" ends the job. Exits 0 if STATUS is 0. Writes to DIR the log
of the console, what the job printed (results) and the guests' logs (guests/).
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time

# QEMU's TCG with SVM sometimes loses the wake-up of a halted CPU: the timer's interrupt is
# pending in the local APIC, and the CPU sleeps on. Any other interrupt ends that, such as a
# key's. The keys do not slow down guests.
KEY = b"sendkey shift\n"
KEY_INTERVAL = 0.5  # seconds

# Keys for the console of a machine that stands still: Xen prints the state of dom0's CPUs,
# Linux prints it as well, and the blocked tasks.
QUESTIONS = [b"\1\1\1", b"0", b"\1\1\1", b"\17l", b"\17w"]

START = time.monotonic() - float(os.environ.get("SECONDS_BEFORE", 0))


class Stuck(Exception):
    """The machine stands still, or went down."""


def say(text):
    print(f"[{time.monotonic() - START:4.0f}s] {text}", file=sys.stderr, flush=True)


def last_lines(path, number):
    with open(path, encoding="utf-8", errors="replace", newline="") as file:
        return file.read().replace("\r", "").splitlines()[-number:]


def ask_why():
    with socket.socket(socket.AF_UNIX) as console:
        console.connect("console")
        for keys in QUESTIONS:
            console.sendall(keys)
            end = time.monotonic() + 2
            while (left := end - time.monotonic()) > 0:
                # The log has the output; unread, it would block QEMU.
                if select.select([console], [], [], left)[0] and not console.recv(65536):
                    return


def lines(qemu, results, deadline):
    """Yield the lines that the job prints, and press keys. deadline() is the time by which
    there must be another line."""
    rest, key = b"", 0
    while True:
        now = time.monotonic()
        if now >= deadline():
            raise TimeoutError
        if now >= key:
            key = now + KEY_INTERVAL
            with contextlib.suppress(BrokenPipeError):
                qemu.stdin.write(KEY)
        if select.select([results], [], [], min(key, deadline()) - now)[0]:
            data = os.read(results, 65536)
            if not data:
                return
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                yield line.rstrip(b"\r").decode(errors="replace")


def do_job(qemu, results):
    stage, deadline = "Xen and dom0 come up", time.monotonic() + 240
    try:
        with open("results", "w", encoding="utf-8", buffering=1) as kept:
            for line in lines(qemu, results, lambda: deadline):
                print(line, file=kept)
                if line.startswith("@stage "):
                    _, limit, stage = line.split(" ", 2)
                    deadline = time.monotonic() + int(limit)
                    say(stage)
                elif line.startswith("@end "):
                    return int(line.split()[1])
                else:
                    print(line, flush=True)
    except TimeoutError:
        with contextlib.suppress(OSError):
            ask_why()
        raise Stuck(f"this stage did not end in time: {stage}") from None
    if qemu.wait() < 0:
        with open("qemu.log", "a", encoding="utf-8") as log:
            print(f"QEMU crashed ({signal.Signals(-qemu.returncode).name})", file=log)
    raise Stuck("\n".join([f"the machine went down during: {stage}", "QEMU's last words:",
                           *last_lines("qemu.log", 3)]))


def main():
    # A socket's path must not be long.
    os.chdir(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    results, job = os.pipe()
    ports = {"results": f"/dev/fd/{job}", "files": "files.tar"}
    command = [*sys.argv[2:], "-monitor", "stdio", "-serial", "chardev:console", "-chardev",
               "socket,id=console,path=console,server=on,wait=off,logfile=console.log"]
    for name, path in ports.items():
        command += ["-chardev", f"file,id={name},path={path}",
                    "-device", f"virtserialport,chardev={name},name={name}"]
    with open("qemu.log", "wb") as log:
        qemu = subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE,
                                stdout=subprocess.DEVNULL, stderr=log, pass_fds=[job])
    os.close(job)
    os.set_blocking(qemu.stdin.fileno(), False)
    try:
        status = do_job(qemu, results)
        if status:
            print(f"error: the job failed in dom0 (status {status})", file=sys.stderr)
        return status
    except Stuck as error:
        print(f"error: {error}", "The console ends with:", *last_lines("console.log", 30),
              f"All of it is in {os.getcwd()}/console.log", sep="\n", file=sys.stderr)
        return 1
    finally:
        # Not a shutdown: QEMU 7.2 may crash as Xen turns off the IOMMU, which still knows
        # the bus of a switch that was unplugged.
        qemu.kill()
        qemu.wait()
        os.makedirs("guests", exist_ok=True)
        subprocess.run(["tar", "-C", "guests", "-xf", "files.tar"], check=False,
                       stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
