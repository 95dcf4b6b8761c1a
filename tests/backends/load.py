"""Requests of wrk at a bounded rate, and their results."""

import dataclasses
import json
import pathlib
import subprocess

CONNECTIONS = 8
SCRIPT = pathlib.Path(__file__).with_name("load.lua")


@dataclasses.dataclass
class Result:
    answered: int
    failed: int
    # Milliseconds.
    p50: float
    p99: float


def load(url, seconds):
    options = ["--threads=1", f"--connections={CONNECTIONS}", f"--duration={seconds}s", f"--script={SCRIPT}"]
    wrk = subprocess.run(["wrk", *options, url], check=True, capture_output=True, text=True)
    return Result(**json.loads(wrk.stdout.splitlines()[-1]))
