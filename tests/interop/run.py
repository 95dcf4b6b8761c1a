"""Sends requests through chains of our services and services in other languages.

`run.py [--record] SERVICE...`: the foreign services. `--record` writes RESULTS.md, which otherwise
is compared with the results.
"""

import argparse
import time

import chains
import formats
from processes import claim, fail
from services import GO, JAVA, NODE, PYTHON, Services
from sink import Sink


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", action="store_true")
    parser.add_argument("services", nargs="+", choices=[*GO, *PYTHON, *NODE, *JAVA])
    options = parser.parse_args()
    sink = Sink()
    for of in formats.ALL:
        judge_format(of, options.services, sink)
    claim("every export is readable", not sink.errors, sink.errors)


def judge_format(of, foreign, sink):
    started = time.monotonic()
    services = Services([*formats.OURS, *foreign], of, sink)
    unsampled, count = [], 0
    for chain in chains.all_chains(of, foreign):
        judge(chain, services, sink)
        count += 1
        if not chain.sampled:
            unsampled.append(chain.trace_id)
    services.stop()
    spans = [it for it in unsampled if sink.trace(it)]
    claim(f"{of}: no span of {len(unsampled)} unsampled traces is exported", not spans, spans)
    claim(f"{of}: {count} chains are connected, in {time.monotonic() - started:.0f} s", count)


def judge(chain, services, sink):
    try:
        hops, span_id = chains.send(chain, services)
        callers = chains.judge_headers(chain, hops, span_id)
        if chain.sampled:
            chains.judge_spans(chain, callers, sink)
    except chains.Wrong as wrong:
        fail(str(chain), wrong)


if __name__ == "__main__":
    main()
