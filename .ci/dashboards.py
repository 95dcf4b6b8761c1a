"""Checks the dashboards of `deploy/grafana` against the types of Grafana and against our own rules.

`dashboards.py FOLDER`: the folder of the JSON files. Requires the package `grafana-foundation-sdk`.
"""

import itertools
import json
import pathlib
import re
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboard_damages import DAMAGES

COLUMNS = 24
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
REQUIRED = {"datasource", "service", "instance"}
WINDOW = re.compile(r"\[([^\]]*)\]")
SELECTOR = re.compile(r"(\w[\w:]*)\{([^}]*)\}")
BARE = re.compile(r"\b(?:rate|increase|sum|min|max) ?\((\w+)[)\[]")
GROUPS = re.compile(r"\b(?:by|on) \(([^)]*)\)")
LEGEND = re.compile(r"\{\{(\w+)\}\}")
VARIABLE = re.compile(r"\$\{?(\w+)")
BUILT_IN = {"__rate_interval", "__range", "__interval", "__field", "__data", "__value"}
BUILT_IN |= {"__url_time_range", "__from", "__to", "__all"}
OTHER_BOARD = re.compile(r"^/d/([\w-]+)\?")
SELECTED_THERE = re.compile(r"&var-(\w+)=")
SUM_OF_RATE = r"^sum(?: by \([^)]*\))? ?\(rate\({}\{{[^}}]*\}}\[[^\]]*\]\)\)$"
# Units of a query, by what it computes.
UNITS = {
    re.compile(r"^histogram_quantile\([^)]*_seconds_bucket"): {"s"},
    re.compile(r"^sum(?: by \([^)]*\))? \(rate\(\w+_bytes_sum"): {"bytes"},
    re.compile(SUM_OF_RATE.format("http_\\w+_count")): {"reqps"},
    re.compile(SUM_OF_RATE.format("otel_sdk_\\w+")): {"cps"},
    re.compile(r"_bytes\{[^}]*\}\)*$"): {"bytes"},
    re.compile(r"error_type.* or 0 \* .* > 0\)$"): {"percentunit"},
}


def main(folder):
    register_default_plugins()
    found = sorted(pathlib.Path(folder).glob("*.json"))
    files = {it.name: json.loads(it.read_text()) for it in found}
    if not files:
        raise SystemExit(f"{folder} has no dashboards")
    boards = {board["uid"]: board for board in files.values()}
    faults = [] if len(boards) == len(files) else ["two dashboards have one uid"]
    for name, board in files.items():
        faults += [f"{name}: {fault}" for fault in judge(board, boards)]
    faults += [f"a dashboard with {what} has no fault" for what in unnoticed(boards)]
    if faults:
        raise SystemExit("\n".join(faults))
    count = sum(len(board["panels"]) for board in boards.values())
    print(f"{len(boards)} dashboards of {count} panels and rows have no fault")


def judge(board, boards):
    return [*unknown(board), *lint(board, boards)]


def unnoticed(boards):
    """Yields each damage that the checks do not find."""
    for what, damage in DAMAGES.items():
        board = json.loads(json.dumps(boards["tracing-service"]))
        damage(board, [it for it in board["panels"] if it["type"] != "row"])
        if not judge(board, boards):
            yield what


def unknown(board):
    """Yields each member that the types of Grafana do not have, or have with another value."""
    typed = json.loads(JSONEncoder().encode(Dashboard.from_json(board)))
    yield from (f"Grafana has no {path}" for path in missing(board, typed))


def missing(ours, theirs, path=""):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            if key not in theirs and value not in (None, []):
                yield f"{path}.{key}"
            elif key in theirs:
                yield from missing(value, theirs[key], f"{path}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for at, (our, their) in enumerate(zip(ours, theirs, strict=True)):
            yield from missing(our, their, f"{path}[{at}]")
    elif ours != theirs:
        yield f"{path}: {ours!r}, but {theirs!r}"


def lint(board, boards):
    variables = {it["name"] for it in board["templating"]["list"]}
    yield from (f"no variable {name}" for name in REQUIRED - variables)
    for it in board["templating"]["list"]:
        if it["type"] == "query" and it["datasource"] != SOURCE:
            yield f"variable {it['name']}: its source is not the variable"
    yield from unknown_variables("", board, variables)
    yield from layout(board["panels"])
    if not any(link["type"] == "dashboards" and link["includeVars"] for link in board["links"]):
        yield "no links to the other dashboards"
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    titles = [panel["title"] for panel in panels]
    yield from (f"two panels {title}" for title in {it for it in titles if titles.count(it) > 1})
    for panel in panels:
        found = itertools.chain(lint_panel(panel), lint_links(panel, boards))
        yield from (f"{panel['title']}: {fault}" for fault in found)


def unknown_variables(path, value, known):
    """Yields variables that are used and not declared."""
    if isinstance(value, str):
        used = set(VARIABLE.findall(value)) - known - BUILT_IN
        yield from (f"{path} uses ${it}" for it in used)
    elif isinstance(value, (dict, list)):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for key, member in members:
            yield from unknown_variables(f"{path}.{key}", member, known)


def layout(panels):
    cells = {}
    ids = [panel["id"] for panel in panels]
    if len(set(ids)) < len(ids):
        yield "two panels have one id"
    for panel in panels:
        at = panel["gridPos"]
        if at["x"] + at["w"] > COLUMNS:
            yield f"{panel['title']}: outside of the grid"
        columns, lines = range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
        for cell in itertools.product(columns, lines):
            if cell in cells:
                yield f"{panel['title']}: over {cells[cell]}"
                break
            cells[cell] = panel["title"]


def lint_panel(panel):
    if not panel["description"].endswith("."):
        yield "no description"
    if panel["datasource"] != SOURCE:
        yield "its source is not the variable"
    if not panel["targets"]:
        yield "no query"
    for target, unit in zip(panel["targets"], units(panel), strict=True):
        yield from lint_query(target, unit)
    is_of_buckets = any("_bucket{" in it["expr"] for it in panel["targets"])
    if is_of_buckets and panel["type"] in ("timeseries", "heatmap"):
        by_instance = all("instance)" in it["expr"] for it in panel["targets"])
        if not by_instance and not any(it["exemplar"] for it in panel["targets"]):
            yield "no exemplars"


def units(panel):
    """The unit of each query. A table has one for each column."""
    if panel["type"] != "table":
        return [panel["fieldConfig"]["defaults"].get("unit")] * len(panel["targets"])
    columns = panel["transformations"][-1]["options"]["renameByName"]
    found = {
        override["matcher"]["options"]: it["value"]
        for override in panel["fieldConfig"]["overrides"]
        for it in override["properties"]
        if it["id"] == "unit"
    }
    return [found.get(columns.get(f"Value #{it['refId']}")) for it in panel["targets"]]


def lint_query(target, unit):
    expression = target["expr"]
    if target["datasource"] != SOURCE:
        yield "the source of a query is not the variable"
    if not unit:
        yield f"{target['refId']} has no unit"
    for pattern, expected in UNITS.items():
        if pattern.search(expression) and unit not in expected:
            yield f"the unit of {expression} is {unit}, not {expected}"
    for window in WINDOW.findall(expression):
        if window not in ("$__rate_interval", "$__range"):
            yield f"a window of {window} is not the interval of the panel"
    yield from (f"{name} has no selector" for name in BARE.findall(expression))
    for name, matchers in SELECTOR.findall(expression):
        if 'job=~"$service"' not in matchers:
            yield f"{name} is not of the selected services"
        if ":" not in name and name != "ALERTS" and 'instance=~"$instance"' not in matchers:
            yield f"{name} is not of the selected instances"
    groups = {label.strip() for group in GROUPS.findall(expression) for label in group.split(",")}
    labels = set(LEGEND.findall(target["legendFormat"])) - {"le"}
    if groups - {""} and not labels <= groups:
        yield f"the legend has {labels - groups}, which the query does not have"


def lint_links(panel, boards):
    properties = [it for o in panel["fieldConfig"]["overrides"] for it in o["properties"]]
    links = panel["fieldConfig"]["defaults"].get("links", [])
    links = links + [link for it in properties if it["id"] == "links" for link in it["value"]]
    for link in links:
        if found := OTHER_BOARD.match(link["url"]):
            other = boards.get(found[1])
            known = {it["name"] for it in other["templating"]["list"]} if other else set()
            selected = set(SELECTED_THERE.findall(link["url"]))
            if not other or not selected <= known:
                yield f"{link['url']} leads nowhere"
        elif not link["url"].startswith("/explore?"):
            yield f"{link['url']} is outside of Grafana"
        elif re.search(r"[\s\"{}]", re.sub(r"\$\{[^}]*\}", "", link["url"])):
            yield f"{link['url']} is not encoded"


if __name__ == "__main__":
    main(*sys.argv[1:])
