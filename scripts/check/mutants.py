#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Mutate the driver in many small ways, and see which of its KUnit cases notice.

Run by mutants.sh. Prints a line for each mutation: which case killed it, or that it
survived. Fails if one survived that the kept file does not name with a reason, or if
the kept file names one that was killed or is no more.
"""

import argparse
import collections
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys
import time

import mutations

FILES = ["fixup_main.c", "fixup_bus.c", "fixup_overlay.h", "fixup_devlist.h"]
OBJECTS = ["fixup_main", "fixup_bus"]
MODULE = "xen-pciback-fixup"

# A machine without Xen is to be a dom0 for the driver.
DOM0_H = """#include <xen/xen.h>
#undef xen_initial_domain
#define xen_initial_domain() true
"""
# So these need a machine with Xen.
NEEDS_XEN = re.compile(r"fixup_init\(\): .*(xen_initial_domain|ENODEV|not loaded)"
                       r"|fixup_init\(\): negate: !$")

CASE = re.compile(r"^    (not )?ok \d+ (\w+)")
SPLAT = re.compile(r"(BUG:.*|WARNING:.*|Oops.*|general protection.*|KASAN:.*"
                   r"|INFO: (possible|task|rcu).*|refcount_t:.*|Kernel panic.*"
                   r"|Call Trace.*|unreferenced object.*|list_(add|del) corruption.*)")


def progress(text):
    print(f"[{time.monotonic() - START:5.0f}s] {text}", file=sys.stderr, flush=True)


class Builder:
    """Builds the module as kbuild does, and then what a mutation changes of it."""

    def __init__(self, driver, kernel, out):
        self.kernel, self.dir = kernel, out / "src"
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)
        for file in [*driver.glob("fixup_*.[ch]"), *driver.glob("Makefile*")]:
            shutil.copy(file, self.dir)
        (self.dir / "dom0.h").write_text(DOM0_H)
        with open(out / "build.log", "w") as log:
            subprocess.run(
                ["make", "-C", kernel, f"M={self.dir}", "modules",
                 "KCFLAGS=-DCONFIG_XEN_PCIDEV_BACKEND_FIXUP_KUNIT_TEST=1"
                 f" -include {self.dir}/dom0.h"],
                check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.text = {file: (self.dir / file).read_text() for file in FILES}
        self.original = self.objects()

    def objects(self):
        return {name: (self.dir / f"{name}.o").read_bytes() for name in OBJECTS}

    def remake(self, target):
        """Run the command again with which kbuild made a file."""
        saved = (self.dir / f".{target}.cmd").read_text().split("\n")[0]
        command = saved.split(" := ", 1)[1].replace("$$", "$").replace("$(pound)", "#")
        return subprocess.run(command, shell=True, cwd=self.kernel, stdin=subprocess.DEVNULL,
                              capture_output=True, check=False).returncode == 0

    def includes(self, name, file):
        return file == f"{name}.c" or f'#include "{file}"' in (self.dir / f"{name}.c").read_text()

    def build(self, mutation, to):
        """Returns a digest of the code, or None if it does not compile."""
        path = self.dir / mutation.path
        text = self.text[mutation.path]
        try:
            path.write_text(mutations.apply(mutation, text))
            compiled = all(self.remake(f"{name}.o") for name in OBJECTS
                           if self.includes(name, mutation.path))
            if not compiled:
                return None
            objects = self.objects()
            if objects != self.original:
                self.link(to)
            return digest(objects)
        finally:
            path.write_text(text)
            for name, content in self.original.items():
                (self.dir / f"{name}.o").write_bytes(content)

    def link(self, to):
        if not (self.remake(f"{MODULE}.o") and self.remake(f"{MODULE}.ko")):
            sys.exit("error: a mutated module cannot be linked")
        shutil.copy(self.dir / f"{MODULE}.ko", to)


def digest(objects):
    return hashlib.sha256(b"".join(objects.values())).hexdigest()


class Machine:
    """Boots once. Each module is loaded in a copy of the machine as it was then."""

    def __init__(self, kernel, initrd, out, toggles):
        self.out, self.toggles = out, toggles
        self.args = ["qemu-system-x86_64", "-machine", "q35,accel=tcg", "-cpu", "qemu64",
                     "-smp", "2,sockets=2", "-m", "1024", "-display", "none", "-no-reboot",
                     "-nic", "none", "-kernel", kernel / "vmlinuz", "-initrd", initrd,
                     "-append", "console=ttyS0 panic=-1"]

    def start(self, log, *args):
        log.unlink(missing_ok=True)
        log.touch()
        return subprocess.Popen([*self.args, "-serial", f"file:{log}", *args],
                                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                stderr=open(self.out / "qemu.log", "w"))

    def boot(self):
        log = self.out / "boot.log"
        qemu = self.start(log, "-serial", "null", "-monitor", "stdio")
        try:
            for _ in range(3000):
                if "rig: ready" in log.read_text(errors="replace"):
                    break
                time.sleep(0.1)
            else:
                sys.exit(f"error: the machine does not boot, see {log}")
            time.sleep(1)
            qemu.communicate(f'migrate "exec:cat >{self.out}/state"\nquit\n'.encode())
        finally:
            qemu.kill()

    def lines(self, name, silence, total):
        """What the machine says with a module; None if it stands still."""
        log = self.out / "logs" / f"{name}.log"
        qemu = self.start(log, "-serial", "stdio", "-incoming", f"exec:cat {self.out}/state")
        # What arrives before the machine goes on is lost.
        qemu.stdin.write(("\n" * 64 + f"run {name} {self.toggles}\n").encode())
        qemu.stdin.flush()
        start = last = time.monotonic()
        try:
            with open(log, errors="replace") as file:
                rest = ""
                while True:
                    ended = qemu.poll() is not None
                    read = file.read()
                    now = time.monotonic()
                    if read:
                        last = now
                    *lines, rest = (rest + read).split("\n")
                    for line in lines:
                        yield re.sub(r"^\[[ 0-9.]*\] ?", "", line.rstrip("\r"))
                    if ended:
                        return
                    if now - last > silence or now - start > total:
                        yield None
                        return
                    time.sleep(0.05)
        finally:
            qemu.kill()
            qemu.wait()


class Judge:
    """What the module does without a mutation is what is expected of the others."""

    def __init__(self):
        self.cases, self.leaks = [], 0

    def killer(self, lines, first=False):
        """What killed the module, or None."""
        passed, leaks, at = [], 0, "loading"
        for line in lines:
            if passed:
                at = (self.cases[len(passed):] or ["unloading"])[0]
            if line is None:
                return f"{at}: no end"
            case, splat = CASE.match(line), SPLAT.search(line)
            if case and case[1]:
                return case[2]
            if case:
                passed.append(case[2])
            elif splat and splat[1].startswith("unreferenced object"):
                leaks += 1
            elif splat:
                return f"{at}: {splat[1][:60]}"
            elif line.startswith("rig: insmod") or line == "rig: rmmod failed":
                return line[len("rig: "):]
            elif line == "rig: done":
                if first:
                    self.cases, self.leaks = passed, leaks
                if not passed or passed != self.cases:
                    return "not all cases were run"
                return "kmemleak" if leaks > self.leaks else None
        return f"{at}: the machine went down"


def read_kept(path):
    """Names of mutations, each with the reason below it, indented."""
    kept, name = {}, None
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.startswith("fixup_"):
            name = line
            kept[name] = ""
        elif line.startswith("\t") and name:
            kept[name] += line.strip() + " "
        elif line:
            name = None
    return kept


def main():
    parser = argparse.ArgumentParser()
    for name in ["driver", "kernel", "initrd-tree", "out", "kept"]:
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--only", default="", help="a regular expression for the names")
    parser.add_argument("--toggles", type=int, default=200)
    args = parser.parse_args()
    out = args.out
    (out / "logs").mkdir(parents=True, exist_ok=True)
    modules = args.initrd_tree / "modules"
    shutil.rmtree(modules, ignore_errors=True)
    modules.mkdir()

    builder = Builder(args.driver, args.kernel, out)
    shutil.copy(builder.dir / f"{MODULE}.ko", modules / "0.ko")
    every = [m for file in FILES for m in mutations.mutations(file, builder.text[file])]
    chosen = [m for m in every if re.search(args.only, m.name)]
    progress(f"building {len(chosen)} of {len(every)} mutations")
    same_as, result = {digest(builder.original): "the same code"}, {}
    for i, m in enumerate(chosen, 1):
        if NEEDS_XEN.search(m.name):
            result[m] = "needs Xen"
            continue
        code = builder.build(m, modules / f"{i}.ko")
        if code is None:
            result[m] = "does not compile"
        elif code in same_as:
            result[m] = same_as[code]
            (modules / f"{i}.ko").unlink(missing_ok=True)
        else:
            same_as[code] = m
        if i % 50 == 0:
            progress(f"built {i}")

    initrd = out / "initrd.gz"
    with open(initrd, "wb") as file:
        subprocess.run("find . | cpio --quiet -o -H newc -R 0:0 | gzip -1", shell=True,
                       check=True, cwd=args.initrd_tree, stdout=file)
    progress("booting the machine")
    machine = Machine(args.kernel, initrd, out, args.toggles)
    machine.boot()
    judge, start = Judge(), time.monotonic()
    killer = judge.killer(machine.lines(0, 60, 600), first=True)
    if killer:
        sys.exit(f"error: the module fails without a mutation: {killer}; see {out}/logs/0.log")
    whole = time.monotonic() - start
    progress(f"without a mutation, {len(judge.cases)} cases pass in {whole:.0f} s")

    with open(out / "results", "w") as log:
        for i, m in enumerate(chosen, 1):
            if m not in result:
                killer = judge.killer(machine.lines(i, max(15, whole / 2), 60 + 4 * whole))
                result[m] = killer or "survived"
                print(f"{i} {m.name} = {result[m]}", file=log, flush=True)
                if i % 20 == 0:
                    progress(f"{i} of {len(chosen)}")
    return report(args, chosen, every, result)


def report(args, chosen, every, result):
    kept = read_kept(args.kept)
    totals, status = collections.Counter(), 0
    for m in chosen:
        text = result[m]
        first = None
        while isinstance(text, mutations.Mutation):
            first, text = first or text, result[text]
        if text in {"the same code", "does not compile", "needs Xen"} or first:
            totals[text if not first else "repeated"] += 1
            text = f"as line {first.line}, {first.name.split('(): ')[1]}" if first else text
        elif text == "survived":
            totals[text] += 1
            reason = kept.get(m.name)
            if not reason:
                status = 1
            text = f"SURVIVED: {reason or 'and nothing says why'}"
        else:
            totals["killed"] += 1
            if m.name in kept:
                text += " (but the kept file has it)"
                status = 1
        print(f"{m.path}:{m.line}: {m.name.split(': ', 1)[1]}: {text}")
    for name in kept.keys() - {m.name for m in every}:
        print(f"there is no such mutation: {name}")
        status = 1
    run = totals["killed"] + totals["survived"]
    print(f"KUnit: {run} mutations, {totals['killed']} killed"
          f" ({100 * totals['killed'] / max(run, 1):.1f} %), {totals['survived']} survived;"
          f" not run: {totals['repeated']} that give the code of another,"
          f" {totals['the same code']} that change no code,"
          f" {totals['does not compile']} that do not compile,"
          f" {totals['needs Xen']} that need Xen. The dom0 tests were not run.")
    return status


START = time.monotonic()
if __name__ == "__main__":
    sys.exit(main())
