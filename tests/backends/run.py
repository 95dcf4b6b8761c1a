"""Judges what is exported by real backends, and by backends that misbehave.

`run.py [PART]...`: what to judge of `PARTS`; all of it unless told. `BACKENDS_BIN` is the folder of the backends'
programs. Logs of every process are left in `target/backends`.
"""

import sys
import time

import export_paths
import faults
import stop
import tls

PARTS = {"export_paths": export_paths, "tls": tls, "faults": faults, "stop": stop}


def main(*names):
    for name in names or PARTS:
        started = time.monotonic()
        print(f"\n== {name}")
        PARTS[name].judge()
        print(f"== {name}: {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
