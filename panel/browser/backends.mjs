// The same pages over a real Jaeger and a real Prometheus: `node backends.mjs PANEL JAEGER FOLDER`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { accessible, eventually, fits, freePorts, launch, open, problems, start } from "./harness.mjs";
import { order, send } from "./telemetry.mjs";

const [program, jaegerProgram, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const data = mkdtempSync(join(tmpdir(), "panel-prometheus-"));
const children = [];

function run(name, args, env = {}) {
  const child = spawn(name, args, { stdio: "ignore", env: { ...process.env, ...env } });
  child.once("error", (error) => { throw error; });
  children.push(child);
}

async function jaeger() {
  const [query, otlp, grpc] = await freePorts(3);
  const local = (port) => `127.0.0.1:${port}`;
  const config = {
    extensions: {
      jaeger_storage: { backends: { memory: { memory: { max_traces: 1000 } } } },
      jaeger_query: { storage: { traces: "memory" }, http: { endpoint: local(query) }, grpc: { endpoint: local(grpc) } },
    },
    receivers: { otlp: { protocols: { http: { endpoint: local(otlp) } } } },
    exporters: { jaeger_storage_exporter: { trace_storage: "memory" } },
    service: {
      extensions: ["jaeger_storage", "jaeger_query"],
      pipelines: { traces: { receivers: ["otlp"], exporters: ["jaeger_storage_exporter"] } },
      telemetry: { metrics: { level: "none" } },
    },
  };
  writeFileSync(join(data, "jaeger.json"), JSON.stringify(config));
  run(jaegerProgram, [`--config=${data}/jaeger.json`]);
  const site = `http://${local(query)}`;
  await eventually("Jaeger", async () => (await fetch(`${site}/api/services`)).ok);
  return { site, otlp: `http://${local(otlp)}` };
}

async function prometheus() {
  const [port] = await freePorts(1);
  const site = `http://127.0.0.1:${port}`;
  writeFileSync(join(data, "prometheus.yml"), `global: { scrape_interval: 1s }\nscrape_configs:\n- job_name: prometheus\n  static_configs: [{ targets: ["127.0.0.1:${port}"] }]\n`);
  run("prometheus", [`--config.file=${data}/prometheus.yml`, `--storage.tsdb.path=${data}/tsdb`, `--web.listen-address=127.0.0.1:${port}`, "--log.level=error"]);
  const buckets = encodeURIComponent("count_over_time(prometheus_http_request_duration_seconds_count[1m]) > 3");
  await eventually("Prometheus", async () => (await (await fetch(`${site}/api/v1/query?query=${buckets}`)).json()).data.result.length > 0);
  return site;
}

async function fill(otlp) {
  const now = Date.now();
  let failing;
  for (let index = 0; index < 40; index += 1) {
    const fails = index % 9 === 3;
    const trace = order(now - 5 * 60_000 + index * 5_000, { item: ["tea", "honey"][index % 2], fails, slow: index === 20 ? 6 : 1 });
    await send(otlp, "traces", trace.requests().traces);
    if (fails) failing = trace;
  }
  return failing;
}

async function pages(browser, site, backend, failing) {
  const page = await open(browser, site, { viewport: { width: 1280, height: 800 } });
  const visit = async (name, path, text) => {
    await page.goto(site + path);
    await page.getByText(text).first().waitFor();
    await fits(page, name);
    await accessible(page, name);
    await page.screenshot({ path: `${folder}/${name}.png` });
  };
  await page.goto(site);
  await page.getByText(`Traces of ${backend}`).waitFor();
  await page.locator("tr:has-text('POST /checkout/{item}') a.bad").click();
  await page.locator("#traces tr td.name a").first().click();
  await page.getByRole("button", { name: /Next error/ }).click();
  await page.locator("#details").getByText("item is out of stock").first().waitFor();
  const { rows } = await (await fetch(`${site}/api/traces/${failing.id}`)).json();
  const sent = [...failing.spans.values()].flat();
  assert.equal(rows.length, sent.length);
  assert.deepEqual([rows[0].service, rows[0].kind, rows[0].status], ["gateway", "server", "error"]);
  for (const { spanId, parentSpanId } of sent) assert.equal(rows.find((row) => row.id === spanId)?.parent ?? "", parentSpanId);
  await visit("backend-overview", "/", "GET /stock/{item}");
  await visit("backend-traces", "/traces?q=service:inventory+error:true", "of 5 traces");
  await visit("backend-trace", `/traces/${failing.id}`, "SELECT shop.stock");
  await visit("backend-map", "/map", "Callee");
  await visit("backend-errors", "/errors", "item is out of stock");
  await visit("backend-logs", "/logs", "Jaeger stores no log records");
  await visit("backend-metrics", "/metrics", "prometheus_http_requests_total");
  assert.equal(await page.getByText("prometheus_http_request_duration_seconds_bucket").count(), 0, "buckets are a part of their histogram");
  await visit("backend-counter", "/metrics/show?service=prometheus&name=prometheus_http_requests_total", "rate per second between points");
  await visit("backend-histogram", "/metrics/show?service=prometheus&name=prometheus_http_request_duration_seconds", "percentiles estimated from the buckets");
  assert.ok(await page.locator("path.line").count() > 0, "the histogram is a chart");
  await page.context().close();
}

let panel;
const browser = await launch();
try {
  const [{ site: query, otlp }, metrics] = await Promise.all([jaeger(), prometheus()]);
  const failing = await fill(otlp);
  await eventually("the traces in Jaeger", async () => (await (await fetch(`${query}/api/traces?service=pricing&limit=100`)).json()).data.length === 40);
  panel = await start(program, `--jaeger=${query}`, `--prometheus=${metrics}`);
  await pages(browser, panel.site, query, failing);
  assert.deepEqual(problems, []);
} finally {
  await browser.close();
  await panel?.stop();
  for (const child of children) child.kill("SIGKILL");
  rmSync(data, { recursive: true, force: true });
}
console.log("the pages over Jaeger and Prometheus are as expected");
