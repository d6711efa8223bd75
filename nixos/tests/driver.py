"""Runs the script of a NixOS VM test on booted Debian roots: driver.py SCRIPT WORK MACHINE...

The names that a script may use are those of NixOS' test driver, with the same meaning: the machines, start_all and
subtest. A machine is started and cut off by vm-machine, and commands run in it through nsenter. Prints each subtest, and
last "N passed, N failed"; ends at the first failure, as NixOS' driver does.
"""

import contextlib
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

here = Path(__file__).parent
passed = 0


class Machine:
    def __init__(self, work: Path, name: str) -> None:
        self.work, self.name = work, name
        self.pid: str | None = None

    def _machine(self, verb: str) -> str:
        command = ["sh", str(here / "vm-machine"), verb, str(self.work), self.name]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def start(self) -> None:
        if self.pid is None:
            self.pid = self._machine("boot")

    def crash(self) -> None:
        self._machine("cut")
        self.pid = None

    def execute(self, command: str, timeout: int | None = 900) -> tuple[int, str]:
        self.start()
        nsenter = ["nsenter", "-t", str(self.pid), "-a", "--", "env", "-i", "HOME=/root", "USER=root"]
        path = "PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin"
        shell = ["bash", "-c", "set -euo pipefail; " + command]
        done = subprocess.run(
            nsenter + [path] + shell, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=timeout
        )
        return done.returncode, done.stdout

    def succeed(self, *commands: str, timeout: int | None = None) -> str:
        output = ""
        for command in commands:
            status, out = self.execute(command, timeout)
            if status != 0:
                raise AssertionError(f"{self.name}: `{command}` failed with status {status}: {out}")
            output += out
        return output

    def fail(self, *commands: str, timeout: int | None = None) -> str:
        output = ""
        for command in commands:
            status, out = self.execute(command, timeout)
            if status == 0:
                raise AssertionError(f"{self.name}: `{command}` succeeded unexpectedly: {out}")
            output += out
        return output

    def systemctl(self, words: str) -> tuple[int, str]:
        return self.execute(f"systemctl {words}")

    def wait_until_succeeds(self, command: str, timeout: int = 900) -> str:
        return self._wait(command, timeout, lambda status: status == 0)

    def wait_until_fails(self, command: str, timeout: int = 900) -> str:
        return self._wait(command, timeout, lambda status: status != 0)

    def _wait(self, command: str, timeout: int, wanted: Callable[[int], bool]) -> str:
        deadline = time.monotonic() + timeout
        while True:
            status, out = self.execute(command, timeout)
            if wanted(status):
                return out
            if time.monotonic() >= deadline:
                raise AssertionError(f"{self.name}: `{command}` still has status {status} after {timeout} s: {out}")
            time.sleep(0.2)

    def wait_for_unit(self, unit: str, timeout: int = 900) -> None:
        def state() -> str:
            return self.succeed(f"systemctl show -P ActiveState {unit}").strip()

        deadline = time.monotonic() + timeout
        while state() != "active":
            if state() == "failed":
                raise AssertionError(f"{self.name}: {unit} has failed")
            if state() == "inactive" and "No jobs" in self.systemctl("list-jobs --full 2>&1")[1]:
                if state() == "inactive":
                    raise AssertionError(f"{self.name}: {unit} is inactive, and nothing will start it")
            if time.monotonic() >= deadline:
                raise AssertionError(f"{self.name}: {unit} is not active after {timeout} s")
            time.sleep(0.2)


def run(script: Path, machines: list[Machine]) -> int:
    depth = 0

    @contextlib.contextmanager
    def subtest(name: str) -> Iterator[None]:
        global passed
        nonlocal depth
        depth += 1
        began = time.monotonic()
        try:
            yield
        except BaseException:
            print(f"FAILED: {name}", flush=True)
            raise
        finally:
            depth -= 1
        passed += 1
        print(f"{'  ' * depth}ok: {name} ({time.monotonic() - began:.0f} s)", flush=True)

    def start_all() -> None:
        for machine in machines:
            machine.start()

    names: dict[str, object] = {"subtest": subtest, "start_all": start_all}
    names |= {machine.name: machine for machine in machines}
    try:
        exec(compile(script.read_text(), str(script), "exec"), names)
    except BaseException:
        traceback.print_exc(file=sys.stdout)
        for machine in machines:
            if machine.pid is not None:
                print(machine.execute("journalctl -b --no-pager -o short -n 60")[1])
        return 1
    return 0


if __name__ == "__main__":
    script, work, *names = sys.argv[1:]
    failed = run(Path(script), [Machine(Path(work), name) for name in names])
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed)
