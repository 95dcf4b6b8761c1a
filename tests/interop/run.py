"""Sends requests through chains of our services and services in other languages.

`run.py [--record] SERVICE...`: the foreign services. `--record` writes RESULTS.md, which otherwise
is compared with the results.
"""

import argparse
import time

import chains
import comparison
import formats
from processes import claim
from services import GO, JAVA, NODE, PYTHON, Services
from sink import Sink
from transports import judge_threshold, judge_transports


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", action="store_true")
    parser.add_argument("services", nargs="+", choices=[*GO, *PYTHON, *NODE, *JAVA])
    options = parser.parse_args()
    if options.record and len(options.services) < len(formats.MIXED):
        parser.error("--record requires all services")
    sink = Sink()
    for of in formats.ALL:
        judge_format(of, options.services, sink, options.record)
    judge_threshold(sink)
    claim("every export is readable", not sink.errors, sink.errors)


def judge_format(of, foreign, sink, record):
    started = time.monotonic()
    services = Services([*formats.OURS, *foreign], of, sink)
    unsampled, count = [], 0
    for chain in chains.all_chains(of, foreign):
        chains.judge(chain, services, sink)
        count += 1
        if not chain.sampled:
            unsampled.append(chain.trace_id)
    if of == formats.W3C:
        judge_transports(services, sink)
        comparison.compare(services, sink, foreign, record)
    services.stop()
    spans = [it for it in unsampled if sink.trace(it)]
    claim(f"{of}: no span of {len(unsampled)} unsampled traces is exported", not spans, spans)
    claim(f"{of}: {count} chains are connected, in {time.monotonic() - started:.0f} s", count)


if __name__ == "__main__":
    main()
