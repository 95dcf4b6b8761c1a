"""Compares decisions of samplers about 10,000 trace ids with those of the Go SDK, and thresholds with those of the
Collector."""

import os
import subprocess


def judge():
    program = os.path.join(os.environ["BACKENDS_BIN"], "go_sampling")
    ours = subprocess.run(
        ["cargo", "run", "--quiet", "--locked", "-p", "tests", "--bin", "sampler_decisions"],
        check=True,
        stdout=subprocess.PIPE,
    )
    subprocess.run([program], input=ours.stdout, check=True)
