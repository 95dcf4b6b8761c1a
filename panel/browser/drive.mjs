// Drives the panel in Chromium: `node drive.mjs PANEL FOLDER`. Fails on the first wrong thing.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { gzipSync } from "node:zlib";

import { accessible, fits, launch, open as openPage, problems, start } from "./harness.mjs";
import { hostile, large, metrics, order, send } from "./telemetry.mjs";

const [program, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const panel = await start(program);
const { site, http: otlp } = panel;
const open = (browser, options) => openPage(browser, site, options);

async function fill() {
  const now = Date.now();
  let failing;
  for (let index = 0; index < 140; index += 1) {
    const fails = index % 17 === 3;
    const trace = order(now - 13 * 60_000 + index * 5_400 + (index % 5) * 700, { item: ["tea", "coffee", "honey"][index % 3], fails, slow: index % 23 === 0 ? 6 : 0.6 + (index % 7) / 5 });
    const { traces, logs } = trace.requests();
    await send(otlp, "traces", traces);
    await send(otlp, "logs", logs);
    if (fails) failing = trace;
  }
  await send(otlp, "metrics", metrics(now, failing.id));
  return failing;
}

async function shots(browser, failing) {
  const { traces } = await (await fetch(`${site}/api/traces?q=operation:"POST /checkout/{item}"&sort=slowest&limit=1`)).json();
  const compared = `/compare?a=${failing.id}&b=${traces[0].traceId}`;
  const pages = { overview: "/", traces: "/traces", trace: `/traces/${failing.id}`, running: "/running", compare: compared, map: "/map", errors: "/errors", logs: "/logs", metrics: "/metrics", metric: "/metrics/show?service=gateway&name=http.server.request.duration", health: "/health", help: "/help", api: "/api", query: "/traces?q=service:gateway+dur%3Efast" };
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      const page = await open(browser, { colorScheme, viewport: { width, height: 800 }, ...(width === 390 ? { isMobile: true, hasTouch: true } : {}) });
      for (const [name, path] of Object.entries(pages)) {
        if (name === "query") page.removeAllListeners("console");
        await page.goto(site + path);
        await page.waitForTimeout(250);
        await page.screenshot({ path: `${folder}/${name}-${colorScheme}-${width}.png` });
        await fits(page, `${name} at ${width}`);
        if (width === 1280) await accessible(page, `${name}, ${colorScheme}`);
        if (name === "trace") {
          await page.keyboard.press("v");
          await page.locator(".flame g").first().waitFor();
          await page.screenshot({ path: `${folder}/flame-${colorScheme}-${width}.png` });
          if (width === 1280) await accessible(page, `flame, ${colorScheme}`);
        }
      }
      await page.context().close();
    }
  }
}

async function byMouse(browser) {
  const page = await open(browser, { viewport: { width: 1280, height: 800 } });
  await page.goto(site);
  await page.locator("tr:has-text('POST /checkout/{item}') a.bad").click();
  await page.locator("#traces tr td.name a").first().click();
  await page.getByRole("button", { name: /Next error/ }).click();
  await page.getByRole("button", { name: /Next error/ }).click();
  await page.locator("#details").getByText("cannot reserve").waitFor();
  await page.context().close();
}

async function byKeyboard(browser) {
  const page = await open(browser, { viewport: { width: 1280, height: 800 } });
  await page.goto(site);
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await page.waitForURL("**/traces");
  await page.keyboard.press("/");
  await page.keyboard.type("service:inventory error:true \"out of stock\"");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/traces?q=service*");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.locator(".rows").waitFor();
  for (let presses = 0; presses < 2; presses += 1) await page.keyboard.press("e");
  await page.keyboard.press("?");
  await page.locator("dialog").getByText("next error").waitFor();
  await page.keyboard.press("Escape");
  await page.locator("#details").getByText("cannot reserve").waitFor();
  await page.context().close();
}

async function liveTail(browser) {
  const page = await open(browser, { viewport: { width: 1280, height: 800 } });
  const connected = page.waitForResponse((response) => response.url().includes("/live/logs"));
  await page.goto(`${site}/logs?q=service:gateway`);
  await connected;
  const { traces, logs } = order(Date.now(), { item: "saffron" }).requests();
  await send(otlp, "traces", traces);
  await send(otlp, "logs", logs);
  await page.locator("tr.new").getByText("order of saffron received").waitFor();
  await page.goto(`${site}/traces?q=shop.item%3Dsaffron`);
  assert.equal(await page.locator("#traces tr").count(), 1);
  await page.context().close();
}

async function completion(browser) {
  const page = await open(browser, { viewport: { width: 1280, height: 800 } });
  await page.goto(`${site}/traces`);
  await page.keyboard.press("/");
  await page.locator("#q-options li").first().waitFor();
  await page.keyboard.type("serv");
  await page.locator("#q-options li").getByText("service.name=").waitFor();
  await accessible(page, "completion");
  await page.screenshot({ path: `${folder}/completion.png` });
  await page.keyboard.press("Tab");
  await page.locator("#q-options li").getByText("pricing").waitFor();
  await page.keyboard.type("inv");
  await page.waitForFunction(() => document.querySelectorAll("#q-options li").length === 1);
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.locator("#q").getAttribute("aria-activedescendant"), "q-option-0");
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("#q").inputValue(), "service:inventory ");
  await page.keyboard.type("shop.item=t");
  await page.locator("#q-options li").getByText("tea").click();
  assert.equal(await page.locator("#q").inputValue(), "service:inventory shop.item=tea ");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/traces?q=service*");
  assert.ok(await page.locator("#traces tr").count() > 0);
  await page.context().close();
}

async function flameAndComparison(browser, failing) {
  const page = await open(browser, { viewport: { width: 1280, height: 800 } });
  await page.goto(`${site}/traces/${failing.id}`);
  await page.locator(".rows .row").first().waitFor();
  await page.keyboard.press("v");
  const text = page.locator(".flame p");
  await text.getByText("gateway POST /checkout/{item}: self").waitFor();
  for (const key of ["ArrowDown", "ArrowRight", "ArrowDown"]) await page.keyboard.press(key);
  await text.getByText("inventory GET /stock/{item}: self").waitFor();
  const wide = await page.locator(".flame g").count();
  await page.keyboard.press("Enter");
  assert.ok(await page.locator(".flame g").count() < wide, "the frame fills the graph");
  await page.keyboard.press("0");
  assert.equal(await page.locator(".flame g").count(), wide);
  await page.keyboard.press("v");
  await page.locator(".rows .row").first().waitFor();
  await page.getByRole("link", { name: /^slowest/ }).click();
  await page.getByRole("heading", { name: "Comparison of two traces" }).waitFor();
  await page.locator("tr", { hasText: "authorize" }).getByText(/[+−]/).first().waitFor();
  const { traceEvents } = await (await fetch(`${site}/api/traces/${failing.id}/perfetto`)).json();
  assert.equal(traceEvents.filter((event) => event.ph === "X").length, failing.requests().traces.resourceSpans.flatMap((it) => it.scopeSpans[0].spans).length);
  await page.context().close();
}

async function withoutScripts(browser, failing) {
  const page = await open(browser, { javaScriptEnabled: false });
  await page.goto(`${site}/traces/${failing.id}`);
  await page.locator("table.spans").getByText("SELECT shop.stock").first().click();
  await page.locator("#details").getByText("db.query.text").waitFor();
  assert.ok(await page.getByText("cannot reserve").count() > 0, "log lines are in place");
  await page.context().close();
}

async function attack(browser) {
  const page = await open(browser, { viewport: { width: 1280, height: 800 } });
  const trace = hostile(Date.now());
  const { traces, logs } = trace.requests();
  const body = `${JSON.stringify(traces)}\n${JSON.stringify(logs)}\n`;
  await page.goto(`${site}/health`);
  await page.setInputFiles("input[type=file]", { name: "hostile.json", mimeType: "application/json", buffer: Buffer.from(body) });
  await page.locator("form.import button").click();
  await page.waitForURL("**/traces");
  for (const path of ["/", "/?window=all", "/traces", `/traces/${trace.id}`, "/map?window=all", "/errors?window=all", "/logs", "/metrics", "/health"]) {
    await page.goto(site + path);
    await page.waitForTimeout(200);
    assert.equal(await page.locator("img, script:not([src])").count(), 0, `${path}: markup of others`);
  }
  await page.goto(`${site}/traces/${trace.id}`);
  await page.locator(".rows .row").first().waitFor();
  for (let presses = 0; presses < 9; presses += 1) { await page.keyboard.press("j"); await page.waitForTimeout(30); }
  await page.screenshot({ path: `${folder}/hostile.png` });
  await page.context().close();
}

async function scroll(browser) {
  const trace = large(Date.now() - 60_000, 10_000);
  await send(otlp, "traces", trace.requests().traces);
  const page = await open(browser, { viewport: { width: 1280, height: 800 } });
  await page.goto(`${site}/traces/${trace.id}`);
  await page.locator(".rows .row").first().waitFor();
  await page.keyboard.press("j");
  await page.getByRole("button", { name: "Fold (x)" }).click();
  assert.ok(await page.locator(".rows .row").count() < 60, "only visible rows exist");
  const rates = [];
  for (let run = 0; run < 5; run += 1) {
    rates.push(await page.evaluate(() => new Promise((resolve) => {
      const rows = document.querySelector(".rows");
      rows.scrollTop = 0;
      let frames = 0;
      const started = performance.now();
      const step = (now) => {
        frames += 1;
        rows.scrollTop += 400;
        if (now - started < 1000) requestAnimationFrame(step);
        else resolve((frames * 1000) / (now - started));
      };
      requestAnimationFrame(step);
    })));
  }
  const median = rates.sort((a, b) => a - b)[2];
  console.log(`10,000 spans: ${median.toFixed(1)} frames per second (median of 5)`);
  await page.screenshot({ path: `${folder}/large.png` });
  await page.context().close();
  return median;
}

async function sizes() {
  const get = async (path) => {
    const response = await fetch(site + path, { headers: { "accept-encoding": "gzip" } });
    return { headers: response.headers, length: gzipSync(Buffer.from(await response.arrayBuffer()), { level: 9 }).length };
  };
  let total = 0;
  for (const path of ["/", "/assets/panel.css", "/assets/panel.svg", "/assets/main.js", "/assets/traces.js", "/assets/brush.js", "/assets/trace.js", "/assets/tree.js", "/assets/draw.js", "/assets/format.js", "/assets/logs.js", "/assets/complete.js", "/assets/flame.js"]) {
    const { length } = await get(path);
    console.log(`${path}: ${length} bytes (gzip)`);
    total += length;
  }
  console.log(`all: ${total} bytes (gzip)`);
  assert.ok(total < 100 * 1024);
}

const browser = await launch();
try {
  const failing = await fill();
  await byMouse(browser);
  await byKeyboard(browser);
  await liveTail(browser);
  await completion(browser);
  await flameAndComparison(browser, failing);
  await withoutScripts(browser, failing);
  await shots(browser, failing);
  await attack(browser);
  const rate = await scroll(browser);
  await sizes();
  assert.deepEqual(problems, []);
  assert.ok(rate >= 50, `${rate} frames per second`);
} finally {
  await browser.close();
  await panel.stop();
}
console.log("all checks passed");
