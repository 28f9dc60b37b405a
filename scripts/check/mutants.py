#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Mutate the driver in many small ways, and see which of its KUnit cases notice.

Run by mutants.sh. Prints a line for each mutation: which case killed it, or that it
survived. Fails if one survived that the kept file does not name with a reason, or if
the kept file names one that was killed or is no more.
"""

import argparse
import collections
import gzip
import hashlib
import pathlib
import queue
import re
import shutil
import subprocess
import sys
import threading
import time

import mutations

FILES = ["fixup_main.c", "fixup_bus.c", "fixup_overlay.h", "fixup_devlist.h"]
OBJECTS = ["fixup_main", "fixup_bus"]
MODULE = "xen-pciback-fixup"
KILLED = 97  # per cent, at least

# These are tried with the driver's own xen_initial_domain(): it has to refuse.
BARE = re.compile(r"fixup_init\(\): .*(xen_initial_domain|ENODEV|not loaded)"
                  r"|fixup_init\(\): negate: !$")
# A machine without Xen is to be a dom0 for the driver.
DOM0_H = pathlib.Path(__file__).resolve().parent / "dom0.h"
KUNIT = "-DCONFIG_XEN_PCIDEV_BACKEND_FIXUP_KUNIT_TEST=1"

CASE = re.compile(r"^    (not )?ok \d+ (\w+)")
SPLAT = re.compile(r"(BUG:.*|WARNING:.*|Oops.*|general protection.*|KASAN:.*"
                   r"|INFO: (possible|task|rcu).*|refcount_t:.*|Kernel panic.*"
                   r"|Call Trace.*|unreferenced object.*|list_(add|del) corruption.*)")


def progress(text):
    print(f"[{time.monotonic() - START:5.0f}s] {text}", file=sys.stderr, flush=True)


class Builder:
    """Builds the module as kbuild does, and then what a mutation changes of it."""

    def __init__(self, driver, kernel, directory, flags):
        self.kernel, self.dir = kernel, directory
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)
        for file in [*driver.glob("fixup_*.[ch]"), *driver.glob("Makefile*")]:
            shutil.copy(file, self.dir)
        with open(self.dir / "build.log", "w", encoding="utf-8") as log:
            # The same code is the same object, whichever folder it was built in.
            subprocess.run(
                ["make", "-C", kernel, f"M={self.dir}", "modules",
                 f"KCFLAGS={flags} -ffile-prefix-map={self.dir}=."],
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
        self.put(to)

    def put(self, to):
        module = (self.dir / f"{MODULE}.ko").read_bytes()
        to.write_bytes(gzip.compress(module, 1) if to.suffix == ".gz" else module)


def digest(objects):
    return hashlib.sha256(b"".join(objects.values())).hexdigest()


class Machine:
    """Boots once. Each module is loaded in a copy of the machine as it was then."""

    def __init__(self, kernel, initrd, out, toggles):
        self.out, self.toggles = out, toggles
        self.args = ["qemu-system-x86_64", "-machine", "q35,accel=tcg", "-cpu", "qemu64",
                     "-smp", "2,sockets=2", "-m", "768", "-display", "none", "-no-reboot",
                     "-nic", "none", "-kernel", kernel / "vmlinuz", "-initrd", initrd,
                     "-append", "console=ttyS0 panic=-1"]

    def start(self, log, *args):
        log.unlink(missing_ok=True)
        log.touch()
        return subprocess.Popen([*self.args, "-serial", f"file:{log}", *args],
                                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                stderr=open(log.with_suffix(".qemu"), "w"))

    def boot(self):
        log = self.out / "boot.log"
        qemu = self.start(log, "-serial", "null", "-monitor", "stdio")
        try:
            for _ in range(3000):
                if "rig: ready" in log.read_text(errors="replace"):
                    break
                if qemu.poll() is not None:
                    sys.exit(f"error: QEMU ended with {qemu.returncode}, see {log}")
                time.sleep(0.1)
            else:
                sys.exit(f"error: the machine does not boot, see {log}")
            time.sleep(1)
            qemu.communicate(f'migrate "exec:cat >{self.out}/state"\nquit\n'.encode())
        finally:
            qemu.kill()

    def lines(self, name, kind, silence, total):
        """What the machine says with a module; None if it stands still."""
        log = self.out / "logs" / f"{name}.log"
        qemu = self.start(log, "-serial", "stdio", "-incoming", f"exec:cat {self.out}/state")
        # What arrives before the machine goes on is lost.
        qemu.stdin.write(("\n" * 64 + f"run {kind} {name} {self.toggles}\n").encode())
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
                    if ended and qemu.returncode == 0:
                        return
                    # QEMU itself may have crashed.
                    if ended or now - last > silence or now - start > total:
                        yield None
                        return
                    time.sleep(0.05)
        finally:
            qemu.kill()
            qemu.wait()


class Judge:
    """What the module does without a mutation is what is expected of the others."""

    def __init__(self):
        self.cases, self.leaks, self.refusal = [], 0, []

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

    def bare_killer(self, lines, first=False):
        """The same outside a dom0, where the module has to refuse."""
        said = []
        for line in lines:
            if line == "rig: done":
                if first:
                    self.refusal = said
                    refused = said and said[-1].endswith("No such device")
                    return None if refused else "it is not refused outside a dom0"
                return None if said == self.refusal else "refused outside a dom0"
            if line is None or SPLAT.search(line):
                break
            if line.startswith(("rig: ", "xen_pciback_fixup: ")):
                said.append(line)
        return "refused outside a dom0"


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


def parallel(jobs, work, workers):
    """Have each of the workers take one job after the other."""
    todo, failed = queue.SimpleQueue(), []
    for job in jobs:
        todo.put(job)

    def run(worker):
        try:
            while not failed:
                work(worker, todo.get_nowait())
        except queue.Empty:
            pass
        except BaseException as error:  # the others end too
            failed.append(error)

    threads = [threading.Thread(target=run, args=[worker]) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def build_all(args, every, chosen, modules):
    """Returns what is known before any module was run: for a module that is to be run, nothing."""
    builders = [Builder(args.driver, args.kernel, args.out / f"src{n}",
                        f"{KUNIT} -include {DOM0_H}") for n in range(args.jobs)]
    bare = Builder(args.driver, args.kernel, args.out / "src-bare", KUNIT)
    builders[0].put(modules / "0.ko.gz")
    bare.put(modules / "bare.ko.gz")
    progress(f"building {len(chosen)} of {len(every)} mutations")
    codes, lock = {}, threading.Lock()

    def build(builder, job):
        number, mutation = job
        codes[mutation] = builder.build(mutation, modules / f"{number}.ko.gz")
        with lock:
            if len(codes) % 50 == 0:
                progress(f"built {len(codes)}")

    jobs = list(enumerate(chosen, 1))
    parallel([job for job in jobs if not BARE.search(job[1].name)], build, builders)
    parallel([job for job in jobs if BARE.search(job[1].name)], build, [bare])
    same_as = {digest(builders[0].original): "the same code", digest(bare.original): "the same code"}
    result = {}
    for number, mutation in jobs:
        code = codes[mutation]
        if code is None:
            result[mutation] = "does not compile"
        elif code in same_as:
            result[mutation] = same_as[code]
            (modules / f"{number}.ko.gz").unlink(missing_ok=True)
        else:
            same_as[code] = mutation
    return result


class Results:
    """The verdicts of KUnit. A run that was interrupted goes on with the same files."""

    def __init__(self, args, judge):
        files = sorted(args.driver.glob("fixup_*.[ch]"))
        self.head = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
        self.head += f" {len(judge.cases)} cases"
        self.path = args.results
        self.verdicts, self.lock = {}, threading.Lock()

    def __enter__(self):
        old = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        if old and old[0] == self.head:
            self.verdicts = dict(line.rsplit(" = ", 1) for line in old[1:])
            progress(f"{len(self.verdicts)} were tried by an earlier run")
        self.file = open(self.path, "a" if self.verdicts else "w", encoding="utf-8")
        if not self.verdicts:
            print(self.head, file=self.file, flush=True)
        return self

    def __exit__(self, *_):
        self.file.close()

    def add(self, mutation, verdict):
        with self.lock:
            self.verdicts[mutation.name] = verdict
            print(f"{mutation.name} = {verdict}", file=self.file, flush=True)


def run_dom0(args, survivors, result):
    """Try what survived in a real dom0, with its kselftests."""
    modules = args.out / "dom0"
    shutil.rmtree(modules, ignore_errors=True)
    modules.mkdir()
    builder = Builder(args.driver, args.dom0_kernel, args.out / "src-dom0", "")
    builder.put(modules / "0.ko")
    numbers = {}
    for number, mutation in survivors:
        # Code that is the same there survives.
        builder.build(mutation, modules / f"{number}.ko")
        numbers[str(number)] = mutation
    progress(f"in dom0: {len(list(modules.iterdir())) - 1} of {len(survivors)} that survived")
    with subprocess.Popen([args.dom0_run, modules], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            number, verdict = line.rstrip().split(" ", 1)
            progress(f"in dom0: {line.rstrip()}")
            if number == "0" and verdict != "survived":
                sys.exit(f"error: in dom0 the module fails without a mutation: {verdict}")
            if number != "0" and verdict != "survived":
                result[numbers[number]] = f"dom0: {verdict}"
    if process.returncode:
        sys.exit("error: not all was tried in dom0")


def main():
    parser = argparse.ArgumentParser()
    for name in ["driver", "kernel", "initrd-tree", "out", "kept", "results"]:
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--only", default="", help="a regular expression for the names")
    parser.add_argument("--toggles", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2, help="builds at a time")
    parser.add_argument("--machines", type=int, default=4,
                        help="machines at a time; most of the time they wait")
    parser.add_argument("--dom0-kernel", type=pathlib.Path,
                        help="build folder of dom0's kernel; without it, dom0 is left out")
    parser.add_argument("--dom0-run", type=pathlib.Path, help="runs modules in dom0")
    args = parser.parse_args()
    out = args.out
    (out / "logs").mkdir(parents=True, exist_ok=True)
    modules = args.initrd_tree / "modules"
    shutil.rmtree(modules, ignore_errors=True)
    modules.mkdir()

    every = [m for file in FILES
             for m in mutations.mutations(file, (args.driver / file).read_text())]
    chosen = [m for m in every if re.search(args.only, m.name)]
    result = build_all(args, every, chosen, modules)

    initrd = out / "initrd.gz"
    with open(initrd, "wb") as file:
        subprocess.run("find . | cpio --quiet -o -H newc -R 0:0 | gzip -1", shell=True,
                       check=True, cwd=args.initrd_tree, stdout=file)
    progress("booting the machine")
    machine = Machine(args.kernel, initrd, out, args.toggles)
    machine.boot()
    judge, start = Judge(), time.monotonic()
    killer = judge.killer(machine.lines(0, "dom0", 60, 600), first=True)
    whole = time.monotonic() - start
    killer = killer or judge.bare_killer(machine.lines("bare", "bare", 60, 600), first=True)
    if killer:
        sys.exit(f"error: the module fails without a mutation: {killer}; see {out}/logs")
    progress(f"without a mutation, {len(judge.cases)} cases pass in {whole:.0f} s")

    todo = [job for job in enumerate(chosen, 1) if job[1] not in result]
    with Results(args, judge) as known:
        def run(machine, job, patience=1):
            number, mutation = job
            if BARE.search(mutation.name):
                killer = judge.bare_killer(machine.lines(number, "bare", 30, 60))
            else:
                killer = judge.killer(machine.lines(
                    number, "dom0", patience * max(20, whole / 2), patience * (60 + 4 * whole)))
            known.add(mutation, killer or "survived")
            if len(known.verdicts) % 20 == 0:
                progress(f"{len(known.verdicts)} of {len(todo)}")

        parallel([job for job in todo if job[1].name not in known.verdicts], run,
                 [machine] * args.machines)
        # Who only stood still gets more time, and the machine for itself, before it counts.
        stalled = [job for job in todo if known.verdicts[job[1].name].endswith(": no end")]
        progress(f"running {len(stalled)} again that did not come to an end")
        for job in stalled:
            run(machine, job, 3)
        result.update((m, known.verdicts[m.name]) for _, m in todo)
    # No test can notice what the kept file has, in dom0 as little as elsewhere.
    kept = read_kept(args.kept)
    survivors = [job for job in todo
                 if result[job[1]] == "survived" and job[1].name not in kept]
    if args.dom0_kernel and survivors:
        run_dom0(args, survivors, result)
    return report(args, kept, chosen, every, result)


def report(args, kept, chosen, every, result):
    totals, status = collections.Counter(), 0
    for m in chosen:
        text = result[m]
        first = None
        while isinstance(text, mutations.Mutation):
            first, text = first or text, result[text]
        if text in {"the same code", "does not compile"} or first:
            totals[text if not first else "repeated"] += 1
            text = f"as line {first.line}, {first.name.split('(): ')[1]}" if first else text
        elif text == "survived":
            totals[text] += 1
            reason = kept.get(m.name)
            if not reason:
                status = 1
            text = f"SURVIVED: {reason or 'and nothing says why'}"
        else:
            totals["killed in dom0" if text.startswith("dom0: ") else "killed"] += 1
            if m.name in kept:
                text += " (but the kept file has it)"
                status = 1
        print(f"{m.path}:{m.line}: {m.name.split(': ', 1)[1]}: {text}")
    for name in kept.keys() - {m.name for m in every}:
        print(f"there is no such mutation: {name}")
        status = 1
    killed = totals["killed"] + totals["killed in dom0"]
    run = killed + totals["survived"]
    share = 100 * killed / max(run, 1)
    print(f"{run} mutations: {share:.1f} % killed, {totals['killed']} by KUnit and"
          f" {totals['killed in dom0']} in dom0"
          f"{'' if args.dom0_kernel else ' (which was left out)'}; {totals['survived']} survived."
          f" Not run: {totals['repeated']} that give the code of another,"
          f" {totals['the same code']} that change no code,"
          f" {totals['does not compile']} that do not compile.")
    if share < KILLED and len(chosen) == len(every):
        print(f"error: fewer than {KILLED} % were killed")
        status = 1
    return status


START = time.monotonic()
if __name__ == "__main__":
    sys.exit(main())
