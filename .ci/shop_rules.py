"""Checks the rules of `deploy/prometheus` on a Prometheus that scrapes the shop."""

import math
import pathlib
import re

from processes import claim

FOLDER = pathlib.Path("deploy/prometheus").resolve()
FILES = [str(FOLDER / f"{name}.yml") for name in ["recording", "error_budget", "alerts"]]
STRING = re.compile(r'"[^"]*"')
NAME = re.compile(r"\b[a-z]\w*[_:][\w:]*")
SELECTOR = re.compile(r"\b[a-z][\w:]*\{[^}]*\}")
FUNCTIONS = {"histogram_quantile", "last_over_time"}


def judge_rules(prometheus):
    """Every name exists, every recording rule has values, and no alert fires for a healthy shop."""
    rules = prometheus.eventually("every rule is evaluated", lambda: evaluated(prometheus))
    for rule in rules:
        claim(f"{rule['name']} can be evaluated", rule["health"] == "ok", rule)
    recorded = sorted({rule["name"] for rule in rules if rule["type"] == "recording"})
    for name in recorded:
        found = prometheus.eventually(f"{name} has a value", lambda: values(prometheus, name))
        claim(f"{name} is finite", all(map(math.isfinite, found)), found)
    known = {*prometheus.ask("label/__name__/values"), *prometheus.ask("labels"), *FUNCTIONS}
    for rule in rules:
        unknown = set(NAME.findall(STRING.sub("", rule["query"]))) - known
        claim(f"{rule['name']} has names that exist", not unknown, unknown)
    alerts = [rule for rule in rules if rule["type"] == "alerting"]
    for rule in alerts:
        for selector in SELECTOR.findall(rule["query"]):
            claim(f"{selector} has series", prometheus.query(selector))
        claim(f"{rule['name']} does not fire", rule["state"] != "firing", rule["alerts"])
    print(f"{len(recorded)} recorded series and {len(alerts)} alerts")


def evaluated(prometheus):
    """The rules, when each has been evaluated."""
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    return rules if rules and all(rule["health"] != "unknown" for rule in rules) else None


def values(prometheus, name):
    return [float(it["value"][1]) for it in prometheus.query(name)]
