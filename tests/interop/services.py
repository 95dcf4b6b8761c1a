"""The services of a chain as processes, each on free ports."""

import os
import pathlib

import formats
from certificates import Authority
from processes import Process

FOLDER = pathlib.Path(__file__).parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))
BUILT = TARGET.resolve() / "interop"
PATH = "/items/7"
# A service in Java starts slowly on a busy machine.
PATIENCE = 120

GO = ("net_http", "gin", "echo")
PYTHON = ("flask", "fastapi")
NODE = ("express",)
JAVA = ("java",)


def arguments(service):
    if service in formats.OURS:
        return [TARGET / "debug/interop_service", f"--framework={service}"]
    if service in GO:
        return [BUILT / "go", service]
    if service in PYTHON:
        return [BUILT / "bin/python", "-B", FOLDER / f"python/{service}_service.py"]
    if service in NODE:
        files = [FOLDER / "node/telemetry.cjs", FOLDER / f"node/{service}_service.cjs"]
        return ["node", "--require", *files]
    jars = BUILT / "java"
    # The agent is in the folder of the other libraries.
    agent = jars / "opentelemetry-javaagent.jar"
    return ["java", f"-javaagent:{agent}", "-cp", f"{jars}:{jars}/*", "Service"]


class Services:
    """Services with one set of formats. `urls[service]` contains its URLs by scheme."""

    def __init__(self, names, of, sink, variables=None):
        self.of = of
        certificate, key, trust = certificates()
        self.running, self.urls = {}, {}
        for name in names:
            environment = {
                "OTEL_SERVICE_NAME": name,
                "OTEL_PROPAGATORS": formats.propagators(of, name),
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_METRICS_EXPORTER": "otlp",
                "OTEL_LOGS_EXPORTER": "none",
                "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_BSP_SCHEDULE_DELAY": "100",
                "OTEL_METRIC_EXPORT_INTERVAL": "500",
                "OTEL_METRIC_EXPORT_TIMEOUT": "500",
                "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
                "RUST_LOG": "warn",
                "NODE_PATH": str(BUILT / "node/node_modules"),
                "CHAIN_CERTIFICATE": str(certificate),
                "CHAIN_KEY": str(key),
                "CHAIN_TRUST": str(trust),
                "REQUESTS_CA_BUNDLE": str(trust),
            }
            if name in formats.OURS:
                tls = [f"--certificate={certificate}", f"--key={key}", f"--trust={trust}"]
            else:
                tls = []
            process = Process(name, [*arguments(name), *tls], environment | (variables or {}))
            self.running[name] = process
        for name, process in self.running.items():
            ready = process.wait_for(r"(?m)^ready (.+)$", PATIENCE)[1].split()
            self.urls[name] = {url.partition("://")[0]: url for url in ready}

    def url(self, name, scheme="http"):
        """The URL of a service. HTTP/2 without TLS is on the port of HTTP/1.1, and gRPC as well if
        the service has no port for it."""
        if scheme in ("http", "https"):
            return f"{self.urls[name][scheme]}{PATH}"
        if scheme == "h2c":
            return self.url(name).replace("http:", "h2c:")
        return self.urls[name].get("grpc") or self.urls[name]["http"].replace("http:", "grpc:")

    def stop(self):
        """Stops all services, which export what is left."""
        for process in self.running.values():
            process.process.terminate()
        for process in self.running.values():
            process.ended()


def certificates():
    authority = Authority("interop")
    return *authority.sign("server"), authority.file
