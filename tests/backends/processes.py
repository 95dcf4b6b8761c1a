"""Child processes with one log file each, which are killed at the exit of this program, and claims about them."""

import atexit
import itertools
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

PATIENCE = 30
LOGS = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"), "backends")
INHERITED = ["PATH", "HOME", "LANG", "TMPDIR"]

_started = []
_numbers = itertools.count()

for log in LOGS.glob("*.log"):
    log.unlink()


class Process:
    def __init__(self, name, arguments, environment=None):
        LOGS.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.log = LOGS / f"{next(_numbers):03}-{name}.log"
        inherited = {key: os.environ[key] for key in INHERITED if key in os.environ}
        with open(self.log, "w") as output:
            self.process = subprocess.Popen(
                [str(argument) for argument in arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=inherited | (environment or {}),
            )
        _started.append(self)

    def said(self):
        return self.log.read_text(errors="replace")

    def lines(self, pattern):
        return [line for line in self.said().splitlines() if re.search(pattern, line)]

    def wait_for(self, pattern, patience=PATIENCE):
        """Waits until the log matches a pattern and returns the match."""
        return self.eventually(f"{self.name} says {pattern!r}", lambda: re.search(pattern, self.said()), patience)

    def eventually(self, what, attempt, patience=PATIENCE):
        """Returns the first true result of `attempt`. Fails at once if the process has ended."""

        def attempt_while_running():
            ended = self.process.poll()
            answer = or_none(attempt)
            if not answer and ended is not None:
                fail(what, f"{self.name} ended with {ended}")
            return answer

        return eventually(what, attempt_while_running, patience)

    def resident(self):
        """Returns the resident memory of the process, in bytes."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024

    def stop(self, how=signal.SIGTERM):
        """Sends a signal and returns the exit code."""
        self.process.send_signal(how)
        return self.ended()

    def ended(self):
        """Waits for the end of the process and returns the exit code."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            fail(f"{self.name} ends within {PATIENCE} s")


@atexit.register
def end_all():
    for started in _started:
        if started.process.poll() is None:
            started.process.kill()
            started.process.wait()


# `sys.exit` runs `end_all`, so the child processes end as well.
signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))


def claim(claim, holds, detail=""):
    if not holds:
        fail(claim, detail)
    print(f"  ✓ {claim}", flush=True)


def fail(claim, detail=""):
    for started in _started[-6:]:
        print(f"--- {started.log}")
        print(started.said()[-3000:])
    raise SystemExit(f"✗ false: {claim}\n  {detail}")


def eventually(what, attempt, patience=PATIENCE):
    """Returns the first true result of `attempt`."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if answer := or_none(attempt):
            return answer
        time.sleep(0.1)
    fail(what, f"waited {patience} s")


def or_none(attempt):
    """Returns the result of `attempt`, or `None` if the connection fails."""
    try:
        return attempt()
    except OSError:
        return None


def get(url, accept="*/*"):
    """Returns content type and body of the response."""
    request = urllib.request.Request(url, headers={"accept": accept})
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.headers["content-type"], response.read().decode()


def backend(name):
    """Returns the path of the program of a backend."""
    folder = os.environ.get("BACKENDS_BIN", "")
    program = pathlib.Path(folder, name)
    if not program.is_file():
        raise SystemExit(f'BACKENDS_BIN="{folder}": expected the folder that `bash tests/backends/install` prints')
    return program


def free_ports(count):
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports
