// OTLP of OpenTelemetry's SDKs for Go, Python and Node: `node senders.mjs PANEL GO PYTHON`, the program
// of the sender in Go and the interpreter for the one in Python.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";

import { start } from "./harness.mjs";

const [program, go, python] = process.argv.slice(2);
const senders = new URL("../senders/", import.meta.url).pathname;
const panel = await start(program);

const json = async (path) => (await fetch(panel.site + path)).json();

/** Runs a sender and looks for what it has sent. */
async function check(name, command, args, env, hasLogs) {
  execFileSync(command, args, { stdio: "inherit", env: { ...process.env, OTEL_SERVICE_NAME: name, ...env } });
  const { traces } = await json(`/api/traces?q=service:${name}`);
  assert.equal(traces.length, 1, name);
  const [found] = traces;
  assert.equal(found.operation, `GET /${name}`);
  assert.equal(found.errors, 1);
  const trace = await json(`/api/traces/${found.traceId}`);
  assert.deepEqual(trace.rows.map((row) => [row.name, row.kind, row.depth]), [[`GET /${name}`, "server", 0], ["SELECT stock", "client", 1]]);
  if (hasLogs) assert.deepEqual(trace.logs.map((record) => [record.body, record.severity]), [["out of tea", "warn"]]);
  const page = await (await fetch(`${panel.site}/metrics/show?service=${name}&name=shop.duration`)).text();
  assert.ok(page.includes("histogram"), `${name} has a histogram`);
  console.log(`${name}: trace, metric${hasLogs ? ", log record" : ""}`);
}

try {
  await check("go", go, [], { OTEL_EXPORTER_OTLP_ENDPOINT: panel.grpc, OTEL_EXPORTER_OTLP_COMPRESSION: "gzip" }, true);
  await check("python", python, [`${senders}sender.py`], { OTEL_EXPORTER_OTLP_ENDPOINT: panel.http, OTEL_EXPORTER_OTLP_COMPRESSION: "gzip" }, true);
  await check("node", process.execPath, [`${senders}sender.mjs`], { OTEL_EXPORTER_OTLP_ENDPOINT: panel.http }, false);
  const { signals } = await json("/api/health");
  assert.deepEqual(signals.map(({ refused, malformedRequests }) => refused + malformedRequests), [0, 0, 0]);
} finally {
  await panel.stop();
}
