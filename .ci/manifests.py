"""Checks the files of Compose, Kubernetes and Grafana's provisioning in `deploy`: by their schemas,
and against each other, the Collector's configurations and the sources of the core.

`manifests.py COMPOSE_GO`: the loader of the Compose specification. Requires `kubernetes-validate`.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

import kubernetes_validate
import yaml

from processes import claim

DEPLOY = pathlib.Path("deploy")
sys.path.insert(0, str(DEPLOY / "dashboards"))
import grafana  # noqa: E402
import names  # noqa: E402

KUBERNETES = "1.35"
SOURCES = "\n".join(it.read_text() for it in sorted(names.CORE.rglob("*.rs")))
URL = re.compile(r"https?://[\w.-]+:\d+")
PINNED = re.compile(r"^[\w./-]+:v?\d+\.\d+\.\d+$")
REFERENCE = re.compile(r"\$\((\w+)\)")
# Ports of the images, besides those of the Collector, which its configuration has.
PORTS = {
    "jaegertracing/jaeger": {4317, 4318, 16686},
    "prom/prometheus": {9090},
    "grafana/loki": {3100},
    "grafana/tempo": {3200, 4317, 4318},
    "grafana/grafana": {3000},
}
# The members of the monitors that the Prometheus Operator knows, of those that are used here.
MONITOR = {"selector", "jobLabel", "scrapeProtocols", "endpoints", "podMetricsEndpoints"}
ENDPOINT = {"port", "path", "interval"}


def main(compose_go):
    for files in [["compose.yaml"], ["compose.yaml", "compose.tempo.yaml"]]:
        print(f"{' with '.join(files)}", flush=True)
        judge_compose(compose_go, files)
    print("the provisioning of Grafana", flush=True)
    judge_provisioning()
    print("the manifests of Kubernetes", flush=True)
    judge_kubernetes()


def load(path):
    return yaml.safe_load((DEPLOY / path).read_text())


def collector_ports(text):
    """The ports that a configuration of the Collector listens at."""
    config = yaml.safe_load(text)
    protocols = config["receivers"]["otlp"]["protocols"].values()
    ports = {int(it["endpoint"].rpartition(":")[2]) for it in protocols}
    (reader,) = config["service"]["telemetry"]["metrics"]["readers"]
    return ports | {reader["pull"]["exporter"]["prometheus"]["port"]}


def judge_compose(compose_go, files):
    made = subprocess.run(
        [pathlib.Path(compose_go).resolve(), "-format", "json", *files],
        cwd=DEPLOY / "compose",
        check=True,
        stdout=subprocess.PIPE,
    )
    services = json.loads(made.stdout)["services"]
    services = {name: it for name, it in services.items() if not it.get("profiles")}
    hosts = {}
    for name, service in services.items():
        claim(f"{name} has an image with a version", PINNED.match(service["image"]), service)
        mounts = mounted(service)
        absent = [str(it) for it in mounts.values() if not it.exists()]
        claim(f"{len(mounts)} mounted files of {name} exist", not absent, absent)
        ports = ports_of(service, mounts)
        published = {int(it["target"]) for it in service.get("ports", [])}
        claim(f"{name} listens at the ports {sorted(published)}", published <= ports, ports)
        loopback = all(it["host_ip"] == "127.0.0.1" for it in service.get("ports", []))
        claim("they are published on this machine only", loopback, service.get("ports"))
        aliases = service.get("networks", {}).get("default") or {}
        hosts |= dict.fromkeys([name, *aliases.get("aliases", [])], ports)
    for name, service in services.items():
        judge_mounts(name, service, hosts)
    in_container(services["prometheus"])
    flags = services["prometheus"]["command"]
    claim("Prometheus stores exemplars", "--enable-feature=exemplar-storage" in flags, flags)
    claim("and accepts OTLP", "--web.enable-otlp-receiver" in flags, flags)


def mounted(service):
    volumes = service.get("volumes", [])
    return {pathlib.PurePosixPath(it["target"]): pathlib.Path(it["source"]) for it in volumes}


def ports_of(service, mounts):
    image = service["image"].rpartition(":")[0]
    if image in PORTS:
        return PORTS[image]
    (config,) = mounts.values()
    return collector_ports(config.read_text())


def judge_mounts(name, service, hosts):
    mounts = mounted(service)
    for option in service.get("command") or []:
        path = pathlib.PurePosixPath(option.partition("=")[2])
        if "config" in option and mounts:
            claim(f"{name}: {path} is mounted", path in mounts, mounts)
    texts = [it.read_text() for it in mounts.values() if it.suffix in (".yaml", ".yml")]
    texts = "\n".join(re.sub(r"(?m)^\s*#.*", "", text) for text in texts)
    urls = URL.findall(texts) + [
        f"http://{target}"
        for targets in re.findall(r"targets: \[([^\]]*)\]", texts)
        for target in re.findall(r'"([^"]+)"', targets)
    ]
    for url in sorted(set(urls) - {"http://host.docker.internal:9464"}):
        address = urllib.parse.urlsplit(url)
        known = hosts.get(address.hostname, ())
        claim(f"{name}: {address.netloc} is a port of a service", address.port in known, hosts)


def in_container(service):
    """promtool accepts the configuration with the files as they are mounted."""
    with tempfile.TemporaryDirectory() as root:
        for target, source in mounted(service).items():
            copy = pathlib.Path(root, target.relative_to("/"))
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
        config = pathlib.Path(root, "etc/prometheus/prometheus.yml")
        subprocess.run(["promtool", "check", "config", config], check=True, capture_output=True)
    claim("promtool accepts its configuration", True)


def judge_provisioning():
    shared = ["prometheus", "loki"]
    files = [f"grafana/provisioning/datasources/{it}.yaml" for it in shared]
    (provider,) = load("grafana/provisioning/dashboards/dashboards.yaml")["providers"]
    path = provider["options"]["path"]
    compose = (DEPLOY / "compose/compose.yaml").read_text()
    claim(f"dashboards are mounted at {path}", f"../grafana/dashboards:{path}:" in compose)
    for kind in ["jaeger", "tempo"]:
        texts = [load(file) for file in [*files, f"grafana/traces/{kind}.yaml"]]
        sources = [it for text in texts for it in text["datasources"]]
        uids = [it["uid"] for it in sources]
        claim(f"the sources are {uids}", len(set(uids)) == 3 and grafana.TRACES in uids)
        used = set(re.findall(r'"datasourceUid": "(\w+)"', json.dumps(sources)))
        claim(f"{used} are among them", used == set(uids), uids)
        prometheus, loki, traces = sources
        claim(f"the source of traces is {kind}", traces["type"] == kind, traces)
        (exemplars,) = prometheus["jsonData"]["exemplarTraceIdDestinations"]
        text = (names.CORE / "export/prometheus/format/openmetrics.rs").read_text()
        has_label = f'{exemplars["name"]}=\\"{{trace_id}}' in text
        claim("exemplars have the label", has_label, exemplars)
        (field,) = loki["jsonData"]["derivedFields"]
        claim("log lines lead to traces", field["datasourceUid"] == grafana.TRACES, field)
        metrics = traces["jsonData"]["tracesToMetrics"]
        labels = {it["value"] for it in metrics["tags"]}
        claim("traces lead to metrics", labels == {"job", names.METHOD, names.ROUTE}, labels)
        queries = [it["query"] for it in metrics["queries"]]
        claim("of the server", all(names.DURATION in it for it in queries), queries)
        query = traces["jsonData"]["tracesToLogsV2"]["query"]
        claim("traces lead to log lines", "$${__tags}" in query and "trace_id" in query, query)


def judge_kubernetes():
    kustomization = load("kustomization.yaml")
    listed = set(kustomization["resources"])
    files = {str(it.relative_to(DEPLOY)) for it in DEPLOY.glob("kubernetes/*.yaml")}
    claim("the kustomization has every file", listed == files, listed ^ files)
    found = [it for file in sorted(files) for it in yaml.safe_load_all((DEPLOY / file).read_text())]
    monitors = [it for it in found if it["apiVersion"] == "monitoring.coreos.com/v1"]
    resources = [it for it in found if it not in monitors]
    for it in resources:
        kubernetes_validate.validate(it, KUBERNETES, strict=True)
    claim(f"{len(resources)} resources are of the schemas of {KUBERNETES}", resources)
    workloads = [it for it in resources if it["kind"] in ("Deployment", "DaemonSet")]
    services = {(namespace(it), name(it)): it for it in resources if it["kind"] == "Service"}
    for it in workloads:
        judge_workload(it, kustomization)
    for it in services.values():
        judge_service(it, workloads)
    for it in monitors:
        judge_monitor(it, services.values(), workloads)
    judge_example(next(it for it in workloads if name(it) == "orders"), workloads)
    config = (DEPLOY / "collector/agent.yaml").read_text()
    (address,) = map(urllib.parse.urlsplit, URL.findall(config))
    ports = [it["port"] for it in services["telemetry", address.hostname]["spec"]["ports"]]
    claim(f"the agent exports to {address.netloc}, a service", address.port in ports, ports)
    for url in URL.findall((DEPLOY / "collector/gateway.yaml").read_text()):
        host = urllib.parse.urlsplit(url).hostname
        is_named = services["telemetry", host]["spec"]["type"] == "ExternalName"
        claim(f"the gateway exports to {host}, a service", is_named)


def name(resource):
    return resource["metadata"]["name"]


def namespace(resource):
    return resource["metadata"].get("namespace", "default")


def labels(workload):
    return workload["spec"]["template"]["metadata"]["labels"]


def container(workload):
    (found,) = workload["spec"]["template"]["spec"]["containers"]
    return found


def ports(workload):
    return {it["name"]: it["containerPort"] for it in container(workload)["ports"]}


def judge_workload(workload, kustomization):
    spec, own = workload["spec"], container(workload)
    selected = spec["selector"]["matchLabels"].items() <= labels(workload).items()
    claim(f"{name(workload)} selects its pods", selected, spec["selector"])
    claim("its image has a version", PINNED.match(own["image"]), own["image"])
    probes = {kind: it for kind, it in own.items() if kind.endswith("Probe")}
    used = {(it.get("httpGet") or it["tcpSocket"])["port"] for it in probes.values()}
    claim(f"its {len(probes)} probes are of its ports", used <= ports(workload).keys(), probes)
    for volume in spec["template"]["spec"].get("volumes", []):
        maps = {it["name"]: it for it in kustomization["configMapGenerator"]}
        made = maps[volume["configMap"]["name"]]
        claim("its configuration is made", made["namespace"] == namespace(workload), made)
        (file,) = made["files"]
        (mount,) = own["volumeMounts"]
        path = f"{mount['mountPath']}/{pathlib.Path(file).name}"
        claim(f"{file} is mounted at {path}", f"--config={path}" in own["args"], own["args"])
        listens = collector_ports((DEPLOY / file).read_text())
        claim(f"it listens at {sorted(listens)}", listens == set(ports(workload).values()))


def judge_service(service, workloads):
    if service["spec"].get("type") == "ExternalName":
        return
    selector = service["spec"]["selector"].items()
    (pods,) = [it for it in workloads if selector <= labels(it).items()]
    targets = {it["targetPort"] for it in service["spec"]["ports"]}
    known = targets <= ports(pods).keys() and namespace(pods) == namespace(service)
    claim(f"{name(service)} has the ports of its pods", known, targets)


def judge_monitor(monitor, services, workloads):
    spec = monitor["spec"]
    claim(f"{name(monitor)} has members of its kind", spec.keys() <= MONITOR, spec)
    is_of_services = monitor["kind"] == "ServiceMonitor"
    endpoints = spec["endpoints" if is_of_services else "podMetricsEndpoints"]
    claim("and so have its endpoints", all(it.keys() <= ENDPOINT for it in endpoints), endpoints)
    match = spec["selector"]["matchLabels"].items()
    if is_of_services:
        selected = [it for it in services if match <= it["metadata"].get("labels", {}).items()]
        known = [{port["name"] for port in it["spec"]["ports"]} for it in selected]
    else:
        known = [ports(it).keys() for it in workloads if match <= labels(it).items()]
    claim(f"it selects {len(known)}", known)
    used = {it["port"] for it in endpoints}
    claim("which have its port", all(used <= it for it in known), known)
    paths = {it["path"] for it in endpoints}
    claim("and its path", paths == {"/metrics"} and '"/metrics"' in SOURCES, paths)
    claim("the job is the service", spec["jobLabel"] == "app.kubernetes.io/name", spec)


def judge_example(workload, workloads):
    own = container(workload)
    declared = {}
    for it in own["env"]:
        value = it.get("value", "")
        unknown = set(REFERENCE.findall(value)) - declared.keys()
        claim(f"{it['name']} is a variable that is read", is_read(it["name"], own["env"]))
        claim("and refers to earlier ones", not unknown, unknown)
        declared[it["name"]] = value
    port = ports(workload)["metrics"]
    claim("the port of metrics is set", declared["OTEL_EXPORTER_PROMETHEUS_PORT"] == str(port))
    claim("and the default", f"port: {port} }}" in SOURCES)
    for kind in ["startupProbe", "readinessProbe"]:
        path = own[kind]["httpGet"]["path"]
        claim(f"{path} exists", f'("{path}", SERVING)' in SOURCES, path)
    (agent,) = [it for it in workloads if it["kind"] == "DaemonSet"]
    host = {it["hostPort"] for it in container(agent)["ports"] if "hostPort" in it}
    exported = int(declared["OTEL_EXPORTER_OTLP_ENDPOINT"].rpartition(":")[2])
    claim("spans are exported to a port of the node", exported in host, host)
    claim("which is that of gRPC", ports(agent)["otlp-grpc"] == exported)
    job = labels(workload)["app.kubernetes.io/name"]
    claim("the service has the name of the job", declared["OTEL_SERVICE_NAME"] == job)


def is_read(variable, env):
    """Whether the core reads it, or another variable refers to it."""
    refers = any(f"$({variable})" in it.get("value", "") for it in env)
    return refers or f'"{variable}"' in SOURCES


if __name__ == "__main__":
    main(*sys.argv[1:])
