#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Mutate the driver in many small ways, and see which of its KUnit cases notice.

usage: mutants.py DRIVER KERNEL INITRD_TREE OUT [REGEX]

Run by mutants.sh. Prints a line for each mutation whose name matches: what killed it, or
that it survived. Fails if a mutation survived that mutants.txt does not name, if
mutants.txt names one that was killed or is no more, or if too few were killed.
"""

import collections
import gzip
import hashlib
import pathlib
import queue
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import mutations
from kept import read_kept

FILES = ["fixup_main.c", "fixup_bus.c", "fixup_overlay.h", "fixup_devlist.h"]
KILLED = 97  # per cent, at least
HERE = pathlib.Path(__file__).resolve().parent
CONFIG = "CONFIG_XEN_PCIDEV_BACKEND_FIXUP_KUNIT_TEST"
BUILDS = 2  # at a time
MACHINES = 4  # at a time; most of the time they wait
LIMIT = 900  # seconds; the machine's init gives up before

CASE = re.compile(r"^    (not )?ok \d+ (\w+)")
SPLAT = re.compile(r"((BUG:|WARNING:|Oops|general protection|KASAN:|INFO: (possible|task|rcu)"
                   r"|refcount_t:|Kernel panic|Call Trace|list_(add|del) corruption).*)")
START = time.monotonic()


def progress(text):
    print(f"[{time.monotonic() - START:5.0f}s] {text}", file=sys.stderr, flush=True)


def each(threads, function, *jobs):
    """Like map(), on several threads."""
    results = []
    with ThreadPoolExecutor(threads) as pool:
        for result in pool.map(function, *jobs):
            results.append(result)
            if len(results) % 50 == 0:
                progress(f"{len(results)} of {len(jobs[0])}")
    return results


class Builder:
    """A folder in which the module is built, and built again for each mutation."""

    def __init__(self, driver, kernel, directory):
        self.dir = directory
        self.dir.mkdir()
        for file in [*driver.glob("fixup_*.[ch]"), *driver.glob("Makefile*")]:
            shutil.copy(file, self.dir)
        self.make = ["make", "-C", kernel, f"M={self.dir}", f"{CONFIG}=y", "modules",
                     f"KCFLAGS=-D{CONFIG}=1 -include {HERE}/dom0.h"
                     f" -ffile-prefix-map={self.dir}=."]  # short names in reports

    def build(self, to):
        """Return a digest of the code, or None if it does not compile."""
        with open(self.dir / "build.log", "w", encoding="utf-8") as log:
            if subprocess.run(self.make, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                              check=False).returncode:
                return None
        to.write_bytes(gzip.compress((self.dir / "xen-pciback-fixup.ko").read_bytes(), 1))
        code = [file.read_bytes() for file in sorted(self.dir.glob("fixup_*.o"))]
        return hashlib.sha256(b"".join(code)).hexdigest()

    def build_mutation(self, mutation, to):
        path = self.dir / mutation.path
        text = path.read_text()
        path.write_text(text[:mutation.start] + mutation.text + text[mutation.end:])
        try:
            return self.build(to)
        finally:
            path.write_text(text)


class Machine:
    """Boots once. Each module is loaded in a copy of the machine as it was then."""

    def __init__(self, kernel, initrd, out):
        self.out, self.cases, self.leaks = out, [], 0
        self.args = ["timeout", "--foreground", "-s", "KILL", str(LIMIT),
                     "qemu-system-x86_64", "-machine", "q35,accel=tcg", "-cpu", "qemu64",
                     "-smp", "2,sockets=2", "-m", "768", "-display", "none", "-no-reboot",
                     "-nic", "none", "-kernel", kernel / "vmlinuz", "-initrd", initrd,
                     "-append", "console=ttyS0 panic=-1 oops=panic"]

    def start(self, log, *args):
        log.write_bytes(b"")
        with open(log.with_suffix(".qemu"), "w", encoding="utf-8") as said:
            return subprocess.Popen([*self.args, "-serial", f"file:{log}", *args],
                                    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)

    def boot(self):
        log = self.out / "boot.log"
        qemu = self.start(log, "-serial", "null", "-monitor", "stdio")
        try:
            while "rig: ready" not in log.read_text(errors="replace"):
                if qemu.poll() is not None:
                    sys.exit(f"error: the machine does not boot, see {log}")
                time.sleep(0.1)
            time.sleep(1)
            qemu.communicate(f'migrate "exec:cat >{self.out}/state"\nquit\n'.encode())
        finally:
            qemu.terminate()

    def log_of(self, number):
        """Return what the machine says with a module, line by line."""
        log = self.out / "logs" / f"{number}.log"
        for _ in range(2):
            qemu = self.start(log, "-serial", "stdio", "-incoming", f"exec:cat {self.out}/state")
            # Input is lost until the machine goes on.
            qemu.communicate(("\n" * 64 + f"run {number}\n").encode())
            # QEMU itself may have crashed.
            if qemu.returncode == 0:
                break
        text = log.read_text(encoding="utf-8", errors="replace").replace("\r", "")
        return [re.sub(r"^\[[ 0-9.]*\] ?", "", line) for line in text.splitlines()]

    def killer(self, number):
        """Return what killed the module, or None. Number 0, without a mutation, has to pass."""
        passed, leaks, at = [], 0, "loading"
        for line in self.log_of(number):
            case, splat = CASE.match(line), SPLAT.search(line)
            if case and case[1]:
                return case[2]
            if case:
                passed.append(case[2])
                at = (self.cases[len(passed):] or ["unloading"])[0]
            elif line.startswith("unreferenced object"):
                leaks += 1
            elif splat:
                return f"{at}: {splat[1][:60]}"
            elif line == "rig: done":
                if number == 0:
                    self.cases, self.leaks = passed, leaks
                if not passed or passed != self.cases:
                    return "not all cases were run"
                return "kmemleak" if leaks > self.leaks else None
            elif line.startswith("rig: "):
                return line[len("rig: "):]
        return f"{at}: no end"


def main(driver, kernel, tree, out, only=""):
    driver, kernel, tree, out = map(pathlib.Path, [driver, kernel, tree, out])
    every = [m for file in FILES
             for m in mutations.mutations(file, (driver / file).read_text())]
    chosen = [m for m in every if re.search(only, m.name)]
    modules = [tree / f"modules/{number}.ko.gz" for number in range(len(chosen) + 1)]

    progress(f"building {len(chosen)} of {len(every)} mutations")
    # The same code is not the same object in each folder: KASAN's data has the folder's name.
    idle, seen = queue.SimpleQueue(), {None: "does not compile"}
    for n in range(BUILDS):
        builder = Builder(driver, kernel, out / f"src{n}")
        seen[builder.build(modules[0])] = "changes no code"
        idle.put(builder)

    def build(mutation, to):
        builder = idle.get()
        try:
            return builder.build_mutation(mutation, to)
        finally:
            idle.put(builder)

    codes = each(BUILDS, build, chosen, modules[1:])
    todo, result = {}, {}
    for number, (mutation, code) in enumerate(zip(chosen, codes), 1):
        if code in seen:
            result[mutation] = seen[code]
            modules[number].unlink(missing_ok=True)
        else:
            todo[mutation] = number
            seen[code] = f"the code of another: line {mutation.line}, " + \
                mutation.name.split("(): ")[1]

    initrd = out / "initrd.gz"
    with open(initrd, "wb") as file:
        subprocess.run("find . | cpio --quiet -o -H newc -R 0:0 | gzip -1", shell=True,
                       check=True, cwd=tree, stdout=file)
    machine = Machine(kernel, initrd, out)
    machine.boot()
    killer = machine.killer(0)
    if killer:
        sys.exit(f"error: the module fails without a mutation: {killer}; see {out}/logs")
    progress(f"{len(machine.cases)} cases pass without a mutation; {len(todo)} modules to try")
    for mutation, killer in zip(todo, each(MACHINES, machine.killer, list(todo.values()))):
        result[mutation] = killer or "SURVIVED"
    return report(every, result, todo)


def report(every, result, run):
    kept, status = read_kept(HERE / "mutants.txt"), 0
    for m, text in result.items():
        survived = text == "SURVIVED"
        if m in run and survived != (m.name in kept):
            text += ", and mutants.txt does not say why" if survived else ", but mutants.txt has it"
            status = 1
        print(f"{m.path}:{m.line}: {m.name.split(': ', 1)[1]}: {text}")
    for name in kept.keys() - {m.name for m in every}:
        print(f"there is no such mutation: {name}")
        status = 1
    survived = sum(result[m] == "SURVIVED" for m in run)
    share = 100 * (len(run) - survived) / max(len(run), 1)
    others = collections.Counter(text.split(":")[0] for m, text in result.items() if m not in run)
    print(f"{len(run)} mutations: {share:.1f} % killed, {survived} survived. Not run:",
          ", ".join(f"{number} ({why})" for why, number in others.items()))
    if share < KILLED and len(result) == len(every):
        print(f"error: fewer than {KILLED} % were killed")
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
