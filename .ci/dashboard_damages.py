"""Faults that the checks of dashboards have to find: functions that make one in a dashboard. Their
arguments are the dashboard and its panels.
"""

RATE = "sum(rate(http_server_request_duration_seconds_count"
INSTANCES = '{job=~"$service",instance=~"$instance"}'
FIXED = {"type": "prometheus", "uid": "production"}


def query(**members):
    return lambda _, panels: panels[0]["targets"][0].update(members)


def defaults(**members):
    return lambda _, panels: panels[0]["fieldConfig"]["defaults"].update(members)


def link(url):
    return defaults(links=[{"title": "", "url": url}])


def no_exemplars(_, panels):
    for panel in panels:
        for target in panel["targets"]:
            target["exemplar"] = False


DAMAGES = {
    "an unknown member": lambda _, panels: panels[0].update(tittle="Requests"),
    "a member of another type": lambda board, _: board.update(time="now"),
    "no variable of the instance": lambda board, _: board["templating"]["list"].pop(2),
    "a variable of one source": lambda board, _: board["templating"]["list"][1].update(
        datasource=FIXED
    ),
    "no links": lambda board, _: board.update(links=[]),
    "no description": lambda _, panels: panels[0].update(description=""),
    "no query": lambda _, panels: panels[0].update(targets=[]),
    "two equal titles": lambda _, panels: panels[0].update(title=panels[1]["title"]),
    "a panel of one source": lambda _, panels: panels[0].update(datasource=FIXED),
    "a query of one source": query(datasource=FIXED),
    "no unit": defaults(unit=""),
    "a wrong unit": defaults(unit="s"),
    "a fixed window": query(expr=f"{RATE}{INSTANCES}[5m]))"),
    "no selector": query(expr=f"{RATE}[$__rate_interval]))"),
    "all services": query(expr=f'{RATE}{{instance=~"$instance"}}[$__rate_interval]))'),
    "all instances": query(expr=f'{RATE}{{job=~"$service"}}[$__rate_interval]))'),
    "an unknown variable": query(legendFormat="$zone"),
    "a legend of an unknown label": query(
        expr=f"sum by (job) (up{INSTANCES})", legendFormat="{{zone}}"
    ),
    "panels over each other": lambda _, panels: panels[0].update(gridPos=panels[1]["gridPos"]),
    "a panel outside of the grid": lambda _, panels: panels[0]["gridPos"].update(x=23),
    "no exemplars": no_exemplars,
    "a link to no dashboard": link("/d/none?"),
    "a link to no variable": link("/d/tracing-runtime?&var-route=all"),
    "a link that is not encoded": link('/explore?panes={"traces":{}}'),
    "a link to somewhere else": link("https://example.com"),
}
