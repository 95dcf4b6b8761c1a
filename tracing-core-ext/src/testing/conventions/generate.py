#!/usr/bin/env python3
"""Writes registry.txt from the registry of the semantic conventions 1.44.0.

    python3 generate.py MODEL > registry.txt

MODEL is the folder `model` of the conventions. It requires PyYAML. A line is one of

    a KEY TYPE [VALUE …]                    attribute; a key that ends in a dot is the beginning of keys;
                                            values of an enumeration that other values do not extend
    d KEY                                   deprecated attribute
    s KIND NAMESPACE KEY …                  required attributes of a span with attributes of the namespace
    m NAME INSTRUMENT UNIT KEY …            metric and its required attributes
"""

import pathlib
import sys

import yaml

# Attributes and metrics of these namespaces may be on the spans and metrics of a service.
NAMESPACES = {
    "client", "code", "error", "exception", "http", "messaging", "network", "rpc", "server", "service", "telemetry",
    "url", "user_agent",
}

# Enumerations for which the conventions expect values that are not listed.
OPEN = {"error.type", "messaging.operation.type", "messaging.system", "rpc.system.name", "telemetry.sdk.language"}

SPANS = {
    "span.http.client": ("client", "http"),
    "span.http.server": ("server", "http"),
    "span.rpc.call.client": ("client", "rpc"),
    "span.rpc.call.server": ("server", "rpc"),
}


class Model:
    """Groups of attributes by their ids, in both formats of definitions."""

    def __init__(self, folder):
        self.groups, self.attributes, self.metrics, self.spans = {}, {}, [], []
        for path in sorted(folder.rglob("*.yaml")):
            document = yaml.safe_load(path.read_text()) or {}
            for group in document.get("groups", []) + document.get("attribute_groups", []):
                self.groups[group["id"]] = group
                for attribute in group.get("attributes") or []:
                    if "type" in attribute and not group["id"].startswith("entity"):
                        self.attributes[attribute["id"]] = attribute
                if group.get("type") == "metric":
                    self.metrics.append(group)
            self.attributes.update({attribute["key"]: attribute for attribute in document.get("attributes", [])})
            self.spans += document.get("spans", [])

    def required(self, group):
        """The keys of required attributes. The level in a group replaces that of the groups that it extends."""
        levels = {}
        if "extends" in group:
            levels.update(self.levels(self.groups[group["extends"]]))
        levels.update(self.levels(group, own=True))
        return sorted(key for key, level in levels.items() if level == "required")

    def levels(self, group, own=False):
        levels = {}
        if "extends" in group and not own:
            levels.update(self.levels(self.groups[group["extends"]]))
        for attribute in group.get("attributes") or []:
            if "ref_group" in attribute:
                levels.update(self.levels(self.groups[attribute["ref_group"]]))
            elif "requirement_level" in attribute or attribute.get("ref") not in levels:
                key = attribute.get("ref") or attribute.get("id")
                levels[key] = attribute.get("requirement_level", levels.get(key))
        return {key: level for key, level in levels.items() if level is not None}


def attribute_line(key, attribute):
    kind = attribute["type"]
    if isinstance(kind, dict):
        values = [str(member["value"]) for member in kind["members"] if "deprecated" not in member]
        kind = "int" if all(isinstance(member["value"], int) for member in kind["members"]) else "string"
        return " ".join(["a", key, kind] + ([] if key in OPEN else values))
    if kind.startswith("template["):
        return f"a {key}. {kind[len('template['):-1]}"
    return f"a {key} {kind}"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    model = Model(pathlib.Path(sys.argv[1]))
    if not model.attributes:
        sys.exit(f"{sys.argv[1]} has no definitions of attributes")
    print("# Written by generate.py from the registry of the semantic conventions 1.44.0.")
    for key, attribute in sorted(model.attributes.items()):
        if key.split(".")[0] in NAMESPACES:
            print(f"d {key}" if "deprecated" in attribute else attribute_line(key, attribute))
    for name, (kind, namespace) in SPANS.items():
        print(" ".join(["s", kind, namespace] + model.required(model.groups[name])))
    of_kind = {}
    for span in model.spans:
        if span["type"].startswith("messaging."):
            keys = set(model.required({"attributes": span["attributes"]}))
            of_kind[span["kind"]] = of_kind.get(span["kind"], keys) & keys
    for kind, keys in sorted(of_kind.items()):
        print(" ".join(["s", kind, "messaging"] + sorted(keys)))
    for metric in sorted(model.metrics, key=lambda metric: metric["metric_name"]):
        name = metric["metric_name"]
        if name.split(".")[0] in NAMESPACES and "deprecated" not in metric:
            print(" ".join(["m", name, metric["instrument"], metric["unit"]] + model.required(metric)))


if __name__ == "__main__":
    main()
