"""Checks that each rule has a test: without the rule, a test of promtool fails.

`rules.py FOLDER`: the folder of rule files, and of their tests in `tests`.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# A rule, until the next rule or group.
RULE = re.compile(r"^      - (?:record|alert): (\S+)\n(?:(?!      - |  - ).*\n)*", re.MULTILINE)
RULE_FILES = re.compile(r"^rule_files: \[(.*)\]$", re.MULTILINE)


def main(folder):
    folder = pathlib.Path(folder)
    rules = [
        (name, rule)
        for name in files(folder)
        for rule in RULE.finditer((folder / name).read_text())
    ]
    if not rules:
        raise SystemExit(f"{folder} has no rules")
    untested = [rule[1] for name, rule in rules if not fails_without(folder, name, rule)]
    if untested:
        raise SystemExit("\n".join(["no test fails without the rule:", *untested]))
    print(f"{len(rules)} rules, and without each a test fails")


def files(folder):
    """Names of the rule files."""
    return sorted({name for test in folder.glob("tests/*.yml") for name in loaded(test)})


def loaded(test):
    """Names of the rule files that a test loads."""
    names = RULE_FILES.search(test.read_text())[1].split(",")
    return [name.strip().removeprefix("../") for name in names]


def fails_without(folder, name, rule):
    """Whether a test fails in a copy of the folder that lacks the rule."""
    with tempfile.TemporaryDirectory() as copy:
        copy = pathlib.Path(copy)
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        (copy / name).write_text(rule.string[: rule.start()] + rule.string[rule.end() :])
        subprocess.run(["promtool", "check", "rules", copy / name], check=True, capture_output=True)
        return any(not passes(test) for test in copy.glob("tests/*.yml") if name in loaded(test))


def passes(test):
    return subprocess.run(["promtool", "test", "rules", test], capture_output=True).returncode == 0


main(*sys.argv[1:])
