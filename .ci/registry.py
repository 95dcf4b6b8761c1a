"""The registry of the semantic conventions, read from its YAML."""

import dataclasses
import pathlib

import yaml

RECOMMENDED = "recommended"
# OTLP/JSON has one member for each type of value.
TYPES = {"stringValue": "string", "boolValue": "boolean", "intValue": "int", "doubleValue": "double"}


@dataclasses.dataclass
class Attribute:
    """Definition of an attribute. `members`: values of an enumeration."""

    name: str
    type: str
    members: set
    stability: str
    is_deprecated: bool


class Registry:
    def __init__(self, folder):
        self.groups, self.attributes, self.templates = {}, {}, {}
        for path in sorted(pathlib.Path(folder).rglob("*.yaml")):
            for group in groups(yaml.load(path.read_text(), yaml.CSafeLoader)):
                self.groups[group["id"]] = group
                for it in group.get("attributes", []):
                    if "ref" not in it and "ref_group" not in it:
                        self.define(it | {"id": it.get("id") or it["key"]})
        of = lambda kind, key: {it[key]: it for it in self.groups.values() if it.get("type") == kind}
        self.metrics, self.events = of("metric", "metric_name"), of("event", "name")

    def define(self, it):
        kind, members = it["type"], set()
        if isinstance(kind, dict):
            members = {member["value"] for member in kind["members"]}
            kind = "int" if all(isinstance(member, int) for member in members) else "string"
        attribute = Attribute(it["id"], kind, members, it.get("stability", ""), "deprecated" in it)
        if kind.startswith("template["):
            attribute.type = kind.removeprefix("template[").removesuffix("]")
            self.templates[attribute.name + "."] = attribute
        else:
            self.attributes[attribute.name] = attribute

    def find(self, name):
        """Returns the definition of an attribute, or None."""
        found = self.attributes.get(name)
        if found:
            return found
        return next((it for prefix, it in self.templates.items() if name.startswith(prefix)), None)

    def levels(self, name):
        """Returns the requirement level of each attribute of a group, with those of its parents."""
        group = self.groups[name]
        levels = self.levels(group["extends"]) if "extends" in group else {}
        for it in group.get("attributes", []):
            if "ref_group" in it:
                levels |= self.levels(it["ref_group"])
                continue
            key = it.get("ref") or it.get("id") or it["key"]
            level = it.get("requirement_level", levels.get(key, RECOMMENDED))
            levels[key] = next(iter(level)) if isinstance(level, dict) else level
        return levels

    def errors(self, attributes):
        """Returns what is wrong with the names, types and values of attributes in OTLP/JSON. Names that the registry does
        not have are not wrong."""
        for key, value in attributes.items():
            definition = self.find(key)
            if definition is None:
                continue
            if definition.is_deprecated:
                yield f"{key} is deprecated"
            if kind(value) != definition.type:
                yield f"{key} has the type {kind(value)}, expected {definition.type}"

    def is_other(self, key, value):
        """Whether a value is not one of the members of an enumeration, which may have other values."""
        definition = self.find(key)
        return bool(definition and definition.members) and plain(value) not in definition.members


def groups(file):
    """Returns the groups of a file, which has the first or the second format of definitions."""
    yield from file.get("groups", [])
    yield from file.get("attribute_groups", [])
    for span in file.get("spans", []):
        yield span | {"id": f"span.{span['type']}"}
    if "attributes" in file:
        yield {"id": f"registry.{file['attributes'][0]['key']}", "attributes": file["attributes"]}


def kind(value):
    """Returns the type of a value in OTLP/JSON, by the names of the registry."""
    if "arrayValue" in value:
        kinds = {kind(it) for it in value["arrayValue"].get("values", [])} or {"string"}
        return "|".join(sorted(kinds)) + "[]"
    return next((TYPES[key] for key in value if key in TYPES), "none")


def plain(value):
    """Returns a value of OTLP/JSON as one of Python."""
    if "arrayValue" in value:
        return [plain(it) for it in value["arrayValue"].get("values", [])]
    if "intValue" in value:
        return int(value["intValue"])
    return next(iter(value.values()), None)
