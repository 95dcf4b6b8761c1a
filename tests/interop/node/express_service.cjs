// A service with Express in a chain of services of several languages.
const http = require("node:http");
const { propagation, context } = require("@opentelemetry/api");
const express = require("express");

// Header with the URLs of the services that follow, separated by spaces.
const CHAIN = "x-chain";
// Prefixes of the headers that contain a context.
const CONTEXT = ["traceparent", "tracestate", "baggage", "b3", "x-b3-", "uber"];

function received(request) {
  const headers = [];
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const name = request.rawHeaders[at].toLowerCase();
    if (CONTEXT.some((prefix) => name.startsWith(prefix))) {
      headers.push([name, request.rawHeaders[at + 1]]);
    }
  }
  const entries = propagation.getBaggage(context.active())?.getAllEntries() ?? [];
  const baggage = Object.fromEntries(entries.map(([key, { value }]) => [key, value]));
  return { service: "express", headers, baggage };
}

function call(url, chain) {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { headers: { [CHAIN]: chain } }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => (body += chunk));
      response.on("end", () => {
        if (response.statusCode === 200) resolve(JSON.parse(body));
        else reject(new Error(`${url}: ${response.statusCode}: ${body}`));
      });
    });
    request.on("error", reject);
  });
}

const app = express();
app.get("/items/:id", async (request, response) => {
  const hop = received(request);
  const [url, ...rest] = (request.headers[CHAIN] ?? "").split(" ").filter(Boolean);
  response.json(url ? [hop, ...(await call(url, rest.join(" ")))] : [hop]);
});
const server = app.listen(0, "127.0.0.1", () => {
  console.log(`ready http://127.0.0.1:${server.address().port}`);
});
