"""Prometheus as a child process."""

import json
import math
import subprocess
import urllib.parse

from processes import Process, fail, free_ports, get


class Prometheus:
    """A Prometheus that scrapes the targets. `program`: its path, with promtool beside it. `rules`:
    files of rules that it evaluates."""

    def __init__(self, program, folder, targets, rules=()):
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self.program = program
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "prometheus.yml"
        jobs = [
            {"job_name": name, "static_configs": [{"targets": [urllib.parse.urlsplit(url).netloc]}]}
            for name, url in targets.items()
        ]
        # JSON is valid YAML.
        intervals = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config.write_text(json.dumps({"global": intervals, "rule_files": list(rules), "scrape_configs": jobs}))
        subprocess.run([program.with_name("promtool"), "check", "config", config], check=True)
        subprocess.run(["rm", "-rf", folder / "tsdb"], check=True)
        self.process = Process(
            "prometheus",
            [
                program,
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address={urllib.parse.urlsplit(self.url).netloc}",
                "--enable-feature=exemplar-storage",
            ],
        )

    def ask(self, what, **parameters):
        _, page = get(f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(parameters)}")
        answer = json.loads(page)
        if answer["status"] != "success":
            fail(f"Prometheus responds to {parameters}", answer)
        return answer["data"]

    def eventually(self, what, attempt):
        return self.process.eventually(what, attempt)

    def query(self, query):
        return self.ask("query", query=query)["result"]

    def value(self, query):
        result = self.query(query)
        return float(result[0]["value"][1]) if result else math.nan
