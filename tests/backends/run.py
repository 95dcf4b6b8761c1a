"""Checks exports against real backends, and against backends with faults.

`run.py [PART]...`: the parts of `PARTS` to run, by default all of them. `BACKENDS_BIN` is the folder of the programs of
the backends. The logs of all processes are written to `target/backends`.
"""

import sys
import time

import export_paths
import faults
import go_sampling
import stop
import tls

PARTS = {"export_paths": export_paths, "tls": tls, "faults": faults, "stop": stop, "go_sampling": go_sampling}


def main(*names):
    for name in names or PARTS:
        started = time.monotonic()
        print(f"\n== {name}")
        PARTS[name].judge()
        print(f"== {name}: {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
