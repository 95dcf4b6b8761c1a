// Telemetry in the JSON encoding of OTLP for the browser check.
import { randomBytes } from "node:crypto";

const hex = (bytes) => randomBytes(bytes).toString("hex");
const text = (key, value) => ({ key, value: { stringValue: value } });
const int = (key, value) => ({ key, value: { intValue: String(value) } });
const nanos = (milliseconds) => String(BigInt(Math.round(milliseconds * 1000)) * 1000n);

const KIND = { internal: 1, server: 2, client: 3 };

class Trace {
  constructor() {
    this.id = hex(16);
    this.spans = new Map();
    this.logs = new Map();
  }

  span(service, name, kind, parent, start, duration, attributes = [], extra = {}) {
    const span = {
      traceId: this.id, spanId: hex(8), parentSpanId: parent?.spanId ?? "", name, kind: KIND[kind],
      startTimeUnixNano: nanos(start), endTimeUnixNano: nanos(start + duration), attributes, ...extra,
    };
    this.spans.set(service, [...(this.spans.get(service) ?? []), span]);
    return span;
  }

  log(service, span, time, severityNumber, body, attributes = []) {
    const record = {
      timeUnixNano: nanos(time), severityNumber, body: { stringValue: body }, attributes,
      traceId: this.id, spanId: span.spanId,
    };
    this.logs.set(service, [...(this.logs.get(service) ?? []), record]);
  }

  requests() {
    const resource = (service) => ({ attributes: [text("service.name", service), text("service.version", "1.4.2"), text("host.name", "dev-1")] });
    const scope = { name: "shop.instrumentation", version: "0.3.0" };
    return {
      traces: { resourceSpans: [...this.spans].map(([service, spans]) => ({ resource: resource(service), scopeSpans: [{ scope, spans }] })) },
      logs: { resourceLogs: [...this.logs].map(([service, logRecords]) => ({ resource: resource(service), scopeLogs: [{ scope, logRecords }] })) },
    };
  }
}

export const send = async (endpoint, signal, body) => {
  const response = await fetch(`${endpoint}/v1/${signal}`, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${signal}: ${response.status} ${await response.text()}`);
  return response.json();
};

const http = (method, route, status) => [
  text("http.request.method", method), text("http.route", route), int("http.response.status_code", status),
];

/** An order that passes through four services. */
export function order(start, { item = "tea", fails = false, slow = 1 } = {}) {
  const trace = new Trace();
  const total = 38 * slow;
  const failed = fails ? { status: { code: 2, message: "item is out of stock" } } : {};
  const root = trace.span("gateway", "POST /checkout/{item}", "server", undefined, start, total,
    [...http("POST", "/checkout/{item}", fails ? 503 : 200), text("url.path", `/checkout/${item}`), text("shop.item", item), text("client.address", "192.0.2.7")], failed);
  trace.span("gateway", "authorize", "internal", root, start + 1, 3 * slow, [text("enduser.id", "u-1042")]);
  const stockCall = trace.span("gateway", "GET", "client", root, start + 5 * slow, 18 * slow, [text("server.address", "inventory"), ...http("GET", "/stock/{item}", fails ? 404 : 200)], failed);
  const stock = trace.span("inventory", "GET /stock/{item}", "server", stockCall, start + 6 * slow, 16 * slow,
    [...http("GET", "/stock/{item}", fails ? 404 : 200), text("shop.item", item)],
    fails ? {
      status: { code: 2, message: "item is out of stock" },
      events: [{ timeUnixNano: nanos(start + 15 * slow), name: "exception", attributes: [text("exception.type", "OutOfStock"), text("exception.message", `no ${item} left`), text("exception.stacktrace", "inventory::stock::reserve\n  at src/stock.rs:84\ninventory::http::get_stock\n  at src/http.rs:31")] }],
    } : {});
  for (let query = 0; query < 6; query += 1) {
    trace.span("inventory", "SELECT shop.stock", "client", stock, start + (7 + query * 2) * slow, 1.6 * slow,
      [text("db.system.name", "postgresql"), text("db.query.text", "SELECT amount FROM stock WHERE item = $1 AND shelf = $2"), int("db.shelf", query)]);
  }
  const priceCall = trace.span("gateway", "GET", "client", root, start + 24 * slow, 12 * slow, [text("server.address", "pricing"), ...http("GET", "/prices/{item}", 200)]);
  const price = trace.span("pricing", "GET /prices/{item}", "server", priceCall, start + 25 * slow, 10 * slow, [...http("GET", "/prices/{item}", 200), text("shop.item", item)]);
  trace.span("pricing", "GET price", "client", price, start + 26 * slow, 4 * slow, [text("db.system.name", "redis"), text("db.query.text", `GET price:${item}`)]);
  trace.span("pricing", "discount", "internal", price, start + 31 * slow, 2.5 * slow);
  trace.log("gateway", root, start + 2, 9, `order of ${item} received`, [text("shop.item", item)]);
  if (fails) trace.log("inventory", stock, start + 15 * slow, 17, `cannot reserve ${item}: out of stock`, [text("shop.item", item), int("shop.shelf", 3)]);
  else trace.log("pricing", price, start + 33 * slow, 5, `price of ${item} is 12.50`, [text("currency", "EUR")]);
  if (slow > 3) trace.log("gateway", root, start + total, 13, `checkout took ${Math.round(total)} ms`);
  return trace;
}

/** A trace of this many spans. */
export function large(start, spans) {
  const trace = new Trace();
  const root = trace.span("batch", "nightly report", "internal", undefined, start, spans);
  let parent = root;
  for (let index = 1; index < spans; index += 1) {
    const repeated = index % 40 > 10;
    const span = trace.span(repeated ? "store" : `worker-${index % 7}`, repeated ? "write row" : `step ${index}`, "internal", parent, start + index * 0.9, 20,
      [int("row", index)], index % 997 === 0 ? { status: { code: 2, message: `row ${index} is invalid` } } : {});
    if (index % 40 === 0) parent = root;
    else if (!repeated && index % 3 === 0) parent = span;
  }
  return trace;
}

/** Spans of an attacker: markup, control characters, huge values, cycles, impossible times. */
export function hostile(start) {
  const trace = new Trace();
  const script = `"><script>alert(1)</script><img src=x onerror=alert(1)>`;
  const root = trace.span(`</title>${script}`, `${script} \u0000\u001b[31m\u202eevil`, "server", undefined, start, 50,
    [text(script, script), text("huge", "A".repeat(1_000_000)), text("javascript:alert(1)", "javascript:alert(1)"), text("http.route", `/${script}`), text("http.request.method", "GET")],
    { status: { code: 2, message: script }, events: [{ timeUnixNano: "0", name: script, attributes: [text("exception.type", script)] }] });
  const many = Array.from({ length: 100_000 }, (_, index) => text(`key ${index}`, script));
  trace.span("many", "many attributes", "internal", root, start, 10, many);
  const first = trace.span("cycle", "cycle 1", "internal", { spanId: "00000000000000aa" }, start, 10);
  trace.span("cycle", "cycle 2", "internal", first, start, 10).spanId = "00000000000000aa";
  trace.span("orphan", "no parent", "internal", { spanId: "00000000000000ff" }, start, 10);
  trace.span("self", "own parent", "internal", { spanId: "00000000000000ee" }, start, 10).spanId = "00000000000000ee";
  trace.span("old", "in 1970", "internal", root, start, 10).startTimeUnixNano = "1";
  trace.span("new", "in 2100", "internal", root, start, 10).endTimeUnixNano = "4102444800000000000";
  trace.log(script, root, start, 17, `${script} \u0000 \r\n second line`, [text(script, script)]);
  return trace;
}

/** Points of a gauge, a counter and a histogram with an exemplar. */
export function metrics(now, traceId) {
  const point = (index, value) => ({ startTimeUnixNano: nanos(now - 600_000), timeUnixNano: nanos(now - (40 - index) * 10_000), ...value });
  const points = (make) => Array.from({ length: 40 }, (_, index) => make(index));
  const route = (name) => [text("http.route", name)];
  const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
  const counts = (index) => [2, 5, 30, 60, 20, 5 + (index % 7), 2, 1, 0].map((count) => String(count * (index + 1)));
  const exemplar = (index) => (index % 12 === 5 ? [{ timeUnixNano: nanos(now - (40 - index) * 10_000), asDouble: 0.04, traceId, spanId: "00f067aa0ba902b7" }] : []);
  return {
    resourceMetrics: [{
      resource: { attributes: [text("service.name", "gateway")] },
      scopeMetrics: [{ scope: { name: "shop" }, metrics: [
        { name: "process.memory.usage", unit: "By", description: "Resident memory of the process", gauge: { dataPoints: points((index) => point(index, { asDouble: 64e6 + 4e6 * Math.sin(index / 4) })) } },
        { name: "shop.orders", unit: "{order}", description: "Orders by route", sum: { isMonotonic: true, aggregationTemporality: 2, dataPoints: points((index) => point(index, { attributes: route("/checkout/{item}"), asInt: String(index * index) })).concat(points((index) => point(index, { attributes: route("/basket"), asInt: String(index * 20) }))) } },
        { name: "http.server.request.duration", unit: "s", description: "Duration of HTTP server requests", histogram: { aggregationTemporality: 2, dataPoints: points((index) => point(index, { attributes: route("/checkout/{item}"), count: String(130 * (index + 1)), sum: 6 * (index + 1), explicitBounds: bounds, bucketCounts: counts(index), exemplars: exemplar(index) })) } },
      ] }],
    }],
  };
}
