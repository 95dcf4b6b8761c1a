// The panel of the shop, from the overview to the log line of the failing order: `node shop.mjs SHOP FOLDER`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";

import { launch, open, problems } from "./harness.mjs";

const [program, folder] = process.argv.slice(2);
const options = ["--serve", "--port=0", "--metrics-port=0", "--panel-port=0"];
const shop = spawn(program, options, { stdio: ["ignore", "pipe", "ignore"], env: { ...process.env, NO_COLOR: "1" } });
const exited = new Promise((resolve) => { shop.once("exit", resolve); });
const [site, gateway] = await new Promise((resolve, reject) => {
  let output = "";
  shop.stdout.on("data", (data) => {
    output += data;
    const [panel, order] = [/^panel: (\S+)\/ *$/m.exec(output), /curl (\S+)\/checkout\/tea/.exec(output)];
    if (panel && order) resolve([panel[1], order[1]]);
  });
  shop.once("exit", () => reject(new Error(`the shop has ended: ${output}`)));
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
  await page.goto(site);
  for (const key of ["g", "t"]) await page.keyboard.press(key);
  await page.waitForURL("**/traces");
  await page.keyboard.press("/");
  await page.keyboard.type("error:true");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/traces?q=error*");
  for (const key of ["j", "Enter"]) await page.keyboard.press(key);
  await page.locator(".rows").waitFor();
  for (const key of ["g", "l"]) await page.keyboard.press(key);
  await page.waitForURL("**/logs");
  const line = page.locator("#logs tr", { hasText: REASON }).first();
  await page.screenshot({ path: `${folder}/shop-logs.png` });
  await line.getByRole("link", { name: "trace" }).click();
  await page.waitForURL("**/traces/*?span=*");
  await page.locator("#details").getByText(REASON).first().waitFor();
  await page.context().close();
}

const browser = await launch();
try {
  assert.equal(await get("/checkout/tea"), 200);
  assert.equal(await get("/checkout/durian"), 502);
  const stored = async (path, member) => (await (await fetch(`${site}/api/${path}`)).json())[member].length;
  const isStored = async () => await stored("traces", "traces") >= 2 && await stored(`logs?q="${REASON}"`, "records") >= 1;
  const deadline = Date.now() + 20_000;
  while (!await isStored()) {
    assert.ok(Date.now() < deadline, "the panel has the traces and the line");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await byMouse(browser);
  await byKeyboard(browser);
  assert.deepEqual(problems, []);
} finally {
  await browser.close();
  shop.kill("SIGINT");
  await exited;
}
console.log("the panel of the shop leads to the log line of the failing order");
