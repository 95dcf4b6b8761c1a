"""Attributes and metrics of one request in all languages, as the tables of RESULTS.md."""

import pathlib
import re

import chains
import deviations
import formats
from chains import Chain
from processes import claim, eventually
from sink import CLIENT, SERVER

FILE = pathlib.Path(__file__).with_name("RESULTS.md")
METRICS = re.compile(r"http\.(server|client)\.")
ABSENT = "–"
HEAD = """\
# Attributes and metrics of one request

`bash .ci/interop all --record` writes this file, and `bash .ci/interop` compares the columns of Go
and Python with it. Each service receives `GET /items/7` from the service `axum`, and calls the
service `actix`. `axum` receives it from `actix`, and `actix` calls `axum`. What differs
between runs is replaced: `PORT`, `SIZE`, `THREAD`, and `PROGRAM` for a user agent.
"""


def compare(services, sink, foreign, record):
    names = [*formats.OURS, *foreign]
    found = {name: columns(name, services, sink) for name in names}
    if record:
        FILE.write_text(page(found))
        print(f"{FILE.name} is written")
        return
    recorded = read(FILE.read_text())
    for name in names:
        for title, cells in found[name].items():
            expected = recorded.get(title, {}).get(name, {})
            different = {
                key: (expected.get(key), cells.get(key))
                for key in sorted(expected | cells)
                if expected.get(key) != cells.get(key)
            }
            claim(f"{title} of {name} are those of {FILE.name}", not different, different)


def columns(name, services, sink):
    """The cells of a service by table and row."""
    around = {"axum": ["actix", "axum", "actix"], "actix": ["axum", "actix", "axum"]}
    chain = Chain(formats.W3C, around.get(name, ["axum", name, "actix"]))
    chains.judge(chain, services, sink)
    own = [it for it in sink.trace(chain.trace_id) if it.service == name]
    (server,) = [it for it in own if it.kind == SERVER]
    (client,) = [it for it in own if it.kind == CLIENT]
    points = eventually(f"{name} exports metrics of both kinds", lambda: metrics(name, sink))
    return {
        "Server spans": span_cells(server),
        "Client spans": span_cells(client),
        "Metrics": points,
    }


def span_cells(span):
    cells = {"name": span.name, "status": span.status}
    return {key: cell(key, it) for key, it in (cells | span.attributes).items()}


def metrics(name, sink):
    """The names of attributes of each metric of the conventions, after both requests were measured."""
    found = {}
    for point in [it for it in list(sink.points) if it.service == name and METRICS.match(it.name)]:
        found.setdefault(f"{point.name} ({point.unit})", set()).update(point.attributes)
    sides = [CLIENT] if name in deviations.WITHOUT_SERVER_METRICS else [SERVER, CLIENT]
    durations = [f"http.{side}.request.duration (s)" for side in sides]
    if not all(it in found for it in durations):
        return None
    return {key: "<br>".join(sorted(it)) or "none" for key, it in found.items()}


def cell(key, value):
    """The value, without what differs between runs."""
    if key.startswith("thread."):
        return "THREAD"
    if key.endswith(".port"):
        return "PORT"
    if key.endswith(".size"):
        return "SIZE"
    if key == "user_agent.original":
        return "PROGRAM"
    return re.sub(r"\b(127\.0\.0\.1:)\d{4,5}\b", r"\1PORT", str(value)).replace("|", "\\|")


def page(found):
    titles = next(iter(found.values()))
    return HEAD + "".join(table(title, {name: it[title] for name, it in found.items()}) for title in titles)


def table(title, columns):
    rows = sorted({key for cells in columns.values() for key in cells})
    lines = [[title, *columns], ["---"] * (len(columns) + 1)]
    lines += [[key, *(cells.get(key, ABSENT) for cells in columns.values())] for key in rows]
    return f"\n## {title}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def read(text):
    """The cells by title of the table, service and row."""
    tables = {}
    for line in text.splitlines():
        if line.startswith("## "):
            title, names = line[3:], None
        elif line.startswith("| ") and not line.startswith("| ---"):
            key, *cells = re.split(r" (?<!\\)\| ", line[2:-2])
            if names is None:
                names = cells
                tables[title] = {name: {} for name in names}
                continue
            for name, it in zip(names, cells):
                if it != ABSENT:
                    tables[title][name][key] = it
    return tables
