// The panel of the shop, from the overview to the log line of the failing order: `node shop.mjs SHOP FOLDER`.
import assert from "node:assert/strict";

import { eventually, launch, open, openFailedTrace, openSpanOfLine, problems, startProgram } from "./harness.mjs";

const [program, folder] = process.argv.slice(2);
const options = ["--serve", "--port=0", "--metrics-port=0", "--panel-port=0"];
const { found: [site, gateway], stop } = await startProgram(program, options, {}, (output) => {
  const [panel, order] = [/^panel: (\S+)\/ *$/m.exec(output), /curl (\S+)\/checkout\/tea/.exec(output)];
  return panel && order && [panel[1], order[1]];
});

const get = async (path) => (await fetch(gateway + path)).status;
const REASON = "there is no price for that";

async function byMouse(browser) {
  const page = await open(browser, site, { viewport: { width: 1280, height: 800 } });
  await page.goto(site);
  await page.locator("tr:has-text('GET /checkout/{item}') a.bad").click();
  await page.locator("#traces tr td.name a").first().click();
  await page.locator("#details").getByText("inventory failed").waitFor();
  await page.locator(".rows").getByText("GET /prices/{item}").click();
  await page.locator("#details").getByText(REASON).first().waitFor();
  await page.screenshot({ path: `${folder}/shop-trace.png` });
  await page.context().close();
}

async function byKeyboard(browser) {
  const page = await open(browser, site, { viewport: { width: 1280, height: 800 } });
  await openFailedTrace(page, site);
  await openSpanOfLine(page, REASON, `${folder}/shop-logs.png`);
  await page.locator("#details").getByText(REASON).first().waitFor();
  await page.context().close();
}

const browser = await launch();
try {
  assert.equal(await get("/checkout/tea"), 200);
  assert.equal(await get("/checkout/durian"), 502);
  const stored = async (path, member) => (await (await fetch(`${site}/api/${path}`)).json())[member].length;
  await eventually("the traces and the line in the panel", async () =>
    await stored("traces", "traces") >= 2 && await stored(`logs?q="${REASON}"`, "records") >= 1);
  await byMouse(browser);
  await byKeyboard(browser);
  assert.deepEqual(problems, []);
} finally {
  await browser.close();
  await stop();
}
console.log("the panel of the shop leads to the log line of the failing order");
