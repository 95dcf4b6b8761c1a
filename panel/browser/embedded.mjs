// The panel inside of a service: `node embedded.mjs SERVICE FOLDER`.
import assert from "node:assert/strict";

import { accessible, eventually, fits, launch, open, openFailedTrace, openSpanOfLine, problems, startProgram } from "./harness.mjs";

const [program, folder] = process.argv.slice(2);
const set = { stream: "stderr", env: { OTEL_TRACES_EXPORTER: "none" } };
const { found: [site, address], stop } = await startProgram(program, ["127.0.0.1:0", "127.0.0.1:0"], set, (output) => {
  const [panel, listening] = [/panel: (\S+)\/ *$/m.exec(output), /listening on (\S+)/.exec(output)];
  return panel && listening && [panel[1], listening[1]];
});

const get = async (path, options) => (await fetch(address + path, options)).status;

async function byMouse(browser) {
  const page = await open(browser, site, { viewport: { width: 1280, height: 800 } });
  await page.goto(site);
  await page.locator("tr:has-text('GET /orders/{item}') a.bad").click();
  await page.locator("#traces tr td.name a").first().click();
  await page.locator("#details").getByText("out of stock").waitFor();
  await page.screenshot({ path: `${folder}/embedded-trace.png` });
  await page.context().close();
}

async function byKeyboard(browser) {
  const page = await open(browser, site, { viewport: { width: 1280, height: 800 } });
  await openFailedTrace(page, site);
  await page.keyboard.press("e");
  await page.locator("#details").getByText("out of stock").waitFor();
  await openSpanOfLine(page, "out of stock");
  await page.context().close();
}

async function running(browser) {
  for (const colorScheme of ["light", "dark"]) {
    const page = await open(browser, site, { colorScheme, viewport: { width: 1280, height: 800 } });
    await page.goto(`${site}/running`);
    await page.getByText("No request is running").waitFor();
    const abort = new AbortController();
    const slow = get("/slow", { signal: abort.signal }).catch((error) => error.name);
    await page.getByText("GET /slow").waitFor();
    const first = await page.locator("tr[data-row] td.n").textContent();
    await page.waitForFunction((text) => document.querySelector("tr[data-row] td.n")?.textContent !== text, first);
    await page.screenshot({ path: `${folder}/running-live-${colorScheme}.png` });
    await fits(page, "running");
    await accessible(page, `running, ${colorScheme}`);
    const overview = await (await fetch(`${site}/api/overview`)).json();
    assert.equal(overview.inFlight.orders, 1);
    abort.abort();
    assert.equal(await slow, "AbortError");
    await page.getByText("No request is running").waitFor();
    await page.context().close();
  }
}

const browser = await launch();
try {
  for (const item of ["tea", "honey", "tea"]) assert.equal(await get(`/orders/${item}`), 200);
  assert.equal(await get("/orders/durian"), 503);
  const stored = async () => (await (await fetch(`${site}/api/traces`)).json()).traces.length;
  await eventually("the traces in the panel", async () => await stored() >= 4);
  await byMouse(browser);
  await byKeyboard(browser);
  await running(browser);
  assert.deepEqual(problems, []);
} finally {
  await browser.close();
  await stop();
}
console.log("the embedded panel shows requests, log lines and running requests");
