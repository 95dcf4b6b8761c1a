// The panel inside of a service: `node embedded.mjs SERVICE FOLDER`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";

import { accessible, fits, launch, open, problems } from "./harness.mjs";

const [program, folder] = process.argv.slice(2);
const service = spawn(program, ["127.0.0.1:0", "127.0.0.1:0"], { stdio: ["ignore", "inherit", "pipe"], env: { ...process.env, OTEL_TRACES_EXPORTER: "none", NO_COLOR: "1" } });
const exited = new Promise((resolve) => { service.once("exit", resolve); });
const [site, address] = await new Promise((resolve, reject) => {
  let output = "";
  service.stderr.on("data", (data) => {
    output += data;
    const [panel, listening] = [/panel: (\S+)\/ *$/m.exec(output), /listening on (\S+)/.exec(output)];
    if (panel && listening) resolve([panel[1], listening[1]]);
  });
  service.once("exit", () => reject(new Error(`the service has ended: ${output}`)));
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
  await page.goto(site);
  for (const key of ["g", "t"]) await page.keyboard.press(key);
  await page.waitForURL("**/traces");
  await page.keyboard.press("/");
  await page.keyboard.type("error:true");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/traces?q=error*");
  for (const key of ["j", "Enter"]) await page.keyboard.press(key);
  await page.locator(".rows").waitFor();
  await page.keyboard.press("e");
  await page.locator("#details").getByText("out of stock").waitFor();
  for (const key of ["g", "l"]) await page.keyboard.press(key);
  await page.waitForURL("**/logs");
  await page.locator("#logs tr", { hasText: "out of stock" }).first().getByRole("link", { name: "trace" }).click();
  await page.waitForURL("**/traces/*?span=*");
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
  while (await stored() < 4) await new Promise((resolve) => setTimeout(resolve, 50));
  await byMouse(browser);
  await byKeyboard(browser);
  await running(browser);
  assert.deepEqual(problems, []);
} finally {
  await browser.close();
  service.kill("SIGINT");
  await exited;
}
console.log("the embedded panel shows requests, log lines and running requests");
