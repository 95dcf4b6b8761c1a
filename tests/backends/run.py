"""Judges what is exported by real backends, and by backends that misbehave.

`run.py BACKENDS [PART]...`: the folder of the backends' programs, and what to judge of `PARTS`; all of it unless told.
"""

import sys
import time

import export_paths
import faults

PARTS = {"export_paths": export_paths, "faults": faults}


def main(*names):
    for name in names or PARTS:
        started = time.monotonic()
        print(f"\n== {name}")
        PARTS[name].judge()
        print(f"== {name}: {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
