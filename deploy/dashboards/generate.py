"""Writes the dashboards: `python3 deploy/dashboards/generate.py`. With `--check` it fails if a file
differs from what it would write.
"""

import json
import pathlib
import sys

import clients
import route
import runtime
import service
import telemetry

FOLDER = pathlib.Path(__file__).parents[1] / "grafana" / "dashboards"
DASHBOARDS = {it.__name__: it.made for it in [service, route, clients, runtime, telemetry]}


def main(*options):
    files = {f"{name}.json": written(made()) for name, made in DASHBOARDS.items()}
    if list(options) == ["--check"]:
        return check(files)
    if options:
        raise SystemExit(f"{' '.join(options)}: expected no option or --check")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (FOLDER / name).write_text(text)


def check(files):
    found = {file.name: file.read_text() for file in FOLDER.glob("*.json")}
    differ = sorted(name for name in found | files if found.get(name) != files.get(name))
    if differ:
        raise SystemExit(f"{FOLDER}: {', '.join(differ)}: run generate.py, which makes other files")
    print(f"{len(files)} dashboards are as they are generated")


def written(dashboard):
    return json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main(*sys.argv[1:])
