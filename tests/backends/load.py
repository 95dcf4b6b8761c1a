"""Requests at a bounded rate by wrk, and what became of them."""

import dataclasses
import json
import pathlib

from processes import Process

CONNECTIONS = 8
SCRIPT = pathlib.Path(__file__).with_name("load.lua")


@dataclasses.dataclass
class Result:
    answered: int
    failed: int
    # Milliseconds.
    p50: float
    p99: float


class Load:
    def __init__(self, url, seconds):
        options = ["--threads=1", f"--connections={CONNECTIONS}", f"--duration={seconds}s"]
        self.process = Process("wrk", ["wrk", *options, f"--script={SCRIPT}", url])

    def result(self):
        self.process.ended()
        return Result(**json.loads(self.process.wait_for(r"(?m)^\{.*\}$")[0]))


def load(url, seconds):
    return Load(url, seconds).result()
