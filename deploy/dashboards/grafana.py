"""Dashboards of Grafana as JSON: the part of its model that these dashboards use."""

import json
import re
import urllib.parse

# The version of the model: Grafana 11.6.
SCHEMA_VERSION = 41
TAG = "tracing-core-ext"
COLUMNS = 24
PROMETHEUS = {"type": "prometheus", "uid": "${datasource}"}
# The data source of traces in `provisioning`.
TRACES = "traces"
VARIABLE = re.compile(r"(\$\{[^}]+\})")
OK, WARNING, CRITICAL = "green", "orange", "red"


def query(expression, legend="", exemplars=False):
    return {
        "datasource": PROMETHEUS,
        "expr": expression,
        "legendFormat": legend,
        "editorMode": "code",
        "format": "time_series",
        "exemplar": exemplars,
        "range": True,
        "instant": False,
    }


def rows_of(expression):
    """A query for a table: the newest value of each series."""
    return query(expression) | {"format": "table", "range": False, "instant": True}


def panel(kind, title, description, unit, queries, options, width, height, **defaults):
    for number, it in enumerate(queries):
        it["refId"] = chr(ord("A") + number)
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": PROMETHEUS,
        "targets": queries,
        "fieldConfig": {"defaults": {"unit": unit} | defaults, "overrides": []},
        "options": options,
        "gridPos": {"w": width, "h": height},
    }


def stat(title, description, unit, expression, steps=None, width=4, links=()):
    """The newest value. `steps`: the values from which it needs attention, and is critical."""
    colors = zip([None, *(steps or [])], [OK, WARNING, CRITICAL], strict=False)
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value" if steps else "none",
        "graphMode": "area",
        "textMode": "value",
    }
    thresholds = {"mode": "absolute", "steps": [{"value": at, "color": it} for at, it in colors]}
    return panel(
        "stat",
        title,
        description,
        unit,
        [query(expression)],
        options,
        width,
        4,
        thresholds=thresholds,
        color={"mode": "thresholds"},
        noValue="no data",
        links=list(links),
    )


def graph(title, description, unit, *queries, stacked=False, width=12, most=None, links=()):
    """Lines over time, or stacked areas. `most`: the upper end of the axis."""
    options = {
        "legend": {
            "displayMode": "table",
            "placement": "bottom",
            "showLegend": True,
            "calcs": ["mean", "max", "lastNotNull"],
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    custom = {"drawStyle": "line", "lineWidth": 1, "showPoints": "never", "fillOpacity": 10}
    if stacked:
        custom |= {"fillOpacity": 60, "stacking": {"mode": "normal", "group": "A"}}
    limits = {"min": 0} | ({"max": most} if most else {})
    return panel(
        "timeseries",
        title,
        description,
        unit,
        list(queries),
        options,
        width,
        8,
        custom=custom,
        links=list(links),
        **limits,
    )


def heatmap(title, description, unit, expression, width=12):
    """The buckets of a histogram over time, with exemplars as points."""
    it = query(expression, "{{le}}", exemplars=True) | {"format": "heatmap"}
    options = {
        "calculate": False,
        "cellGap": 1,
        "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64, "exponent": 0.5},
        "exemplars": {"color": "rgba(31, 120, 193, 0.9)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "tooltip": {"mode": "single", "showColorScale": True, "yHistogram": True},
        "yAxis": {"unit": unit, "axisPlacement": "left"},
    }
    return panel("heatmap", title, description, unit, [it], options, width, 8)


def table(title, description, key, columns, links=(), width=24):
    """One row for each value of the labels `key`, which maps their names to titles. `columns`:
    title, unit and expression of each value. The first label has the links."""
    queries = [rows_of(expression) for _, _, expression in columns]
    values = [f"Value #{chr(ord('A') + number)}" for number in range(len(columns))]
    titles = dict(zip(values, [title for title, _, _ in columns], strict=True))
    order = {name: at for at, name in enumerate([*key, *values])}
    organize = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": key | titles}
    most_first = [{"displayName": columns[0][0], "desc": True}]
    options = {"showHeader": True, "cellHeight": "sm", "sortBy": most_first}
    made = panel("table", title, description, "short", queries, options, width, 9)
    made["transformations"] = [
        {"id": "merge", "options": {}},
        {"id": "organize", "options": organize},
    ]
    overrides = [(title, [{"id": "unit", "value": unit}]) for title, unit, _ in columns]
    overrides += [(it, [{"id": "links", "value": list(links)}]) for it in list(key.values())[:1]]
    made["fieldConfig"]["overrides"] = [
        {"matcher": {"id": "byName", "options": name}, "properties": properties}
        for name, properties in overrides
    ]
    return made


def variable(name, title, values, all_values=".*"):
    """A variable whose values Prometheus returns. `all_values`: what "All" stands for, which is
    also equal to a label that is not there, or `None` for a list of all values."""
    made = {
        "type": "query",
        "name": name,
        "label": title,
        "datasource": PROMETHEUS,
        "query": {"qryType": 1, "query": values, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "current": {"text": ["All"], "value": ["$__all"]},
    }
    return made | ({"allValue": all_values} if all_values else {})


def metrics_source():
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Metrics",
        "query": "prometheus",
        "regex": "",
        "refresh": 1,
        "current": {},
    }


def traces_source():
    """The kind of the data source of traces. The value is the type of its queries."""
    return {
        "type": "custom",
        "name": "traces",
        "label": "Traces in",
        "query": "Jaeger : search, Tempo : traceql",
        "current": {"text": "Jaeger", "value": "search"},
        "options": [
            {"text": "Jaeger", "value": "search", "selected": True},
            {"text": "Tempo", "value": "traceql", "selected": False},
        ],
    }


def to_dashboard(title, uid, **variables):
    """A link from a value to another dashboard. `variables`: what it selects there."""
    selected = "".join(f"&var-{name}={value}" for name, value in variables.items())
    kept = "${__url_time_range}&${datasource:queryparam}&${traces:queryparam}"
    return {"title": title, "url": f"/d/{uid}?{kept}{selected}", "targetBlank": False}


def to_traces(title, service, name=None, condition=""):
    """A link to the traces of a service in the view "Explore". The query has the fields of Jaeger
    and of Tempo, and each of them ignores those of the other."""
    spans = f'{{resource.service.name="{service}"' + (f' && name="{name}"' if name else "")
    asked = {
        "refId": "A",
        "datasource": {"uid": TRACES},
        "queryType": "${traces}",
        "service": service,
        "query": f"{spans}{condition}}}",
    }
    asked |= {"operation": name} if name else {}
    time = {"from": "${__from}", "to": "${__to}"}
    panes = json.dumps({"traces": {"datasource": TRACES, "queries": [asked], "range": time}})
    # Variables are not escaped, because Grafana replaces them.
    url = "".join(
        it if VARIABLE.fullmatch(it) else urllib.parse.quote(it, safe="")
        for it in VARIABLE.split(panes)
    )
    return {"title": title, "url": f"/explore?schemaVersion=1&panes={url}", "targetBlank": True}


def dashboard(uid, title, description, variables, rows):
    """`rows`: titles, each with its panels."""
    panels, top = [], 0
    for name, members in rows.items():
        panels.append({"type": "row", "title": name, "collapsed": False, "panels": []})
        panels[-1]["gridPos"] = {"x": 0, "y": top, "w": COLUMNS, "h": 1}
        top = place(members, top + 1)
        panels += members
    for number, it in enumerate(panels):
        it["id"] = number + 1
    others = {
        "type": "dashboards",
        "title": "Dashboards",
        "tags": [TAG],
        "asDropdown": False,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "icon": "external link",
        "tooltip": "",
        "url": "",
    }
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": [TAG],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "browser",
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "30s",
        "templating": {"list": [metrics_source(), *variables, traces_source()]},
        "annotations": {"list": []},
        "links": [others],
        "panels": panels,
    }


def place(panels, top):
    """Fills lines of panels from the left. Returns the end of the last line."""
    left = height = 0
    for it in panels:
        size = it["gridPos"]
        if left + size["w"] > COLUMNS:
            left, top, height = 0, top + height, 0
        it["gridPos"] = {"x": left, "y": top, "w": size["w"], "h": size["h"]}
        left, height = left + size["w"], max(height, size["h"])
    return top + height
