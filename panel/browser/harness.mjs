// A running panel, and pages in Chromium whose problems are collected.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";

import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Errors on the console, dialogs, requests to other machines, violations of accessibility. */
export const problems = [];

/** Starts a program, and returns the values that `find` returns when they stand in the output. */
export async function startProgram(program, options, { stream = "stdout", env = {} }, find) {
  const stdio = ["ignore", ...["stdout", "stderr"].map((name) => (name === stream ? "pipe" : "inherit"))];
  const started = spawn(program, options, { stdio, env: { ...process.env, NO_COLOR: "1", ...env } });
  const exited = new Promise((resolve) => { started.once("exit", resolve); });
  const found = await new Promise((resolve, reject) => {
    let output = "";
    started[stream].on("data", (data) => {
      output += data;
      const values = find(output);
      if (values) resolve(values);
    });
    started.once("exit", () => reject(new Error(`${program} has ended: ${output}`)));
  });
  return { found, stop: async () => { started.kill("SIGINT"); await exited; } };
}

/** Starts the panel on free ports. */
export async function start(program, ...options) {
  const listen = ["--listen=127.0.0.1:0", "--otlp-http=127.0.0.1:0", "--otlp-grpc=127.0.0.1:0"];
  const find = (output) => /pages +(\S+)\/\nOTLP\/HTTP +(\S+)\nOTLP\/gRPC +(\S+)\n/.exec(output)?.slice(1);
  const { found: [site, http, grpc], stop } = await startProgram(program, [...listen, ...options], {}, find);
  return { site, http, grpc, stop };
}

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });

/** Opens a page that may load nothing but the panel. */
export async function open(browser, site, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) problems.push(`${page.url()}: ${message.text()}`); });
  page.on("pageerror", (error) => problems.push(`${page.url()}: ${error}`));
  page.on("dialog", (dialog) => { problems.push(`${page.url()}: dialog`); void dialog.dismiss(); });
  page.on("request", (request) => { if (!request.url().startsWith(site)) problems.push(`request to ${request.url()}`); });
  return page;
}

/** Collects violations of accessibility, and fails if the page is too wide. */
export async function accessible(page, name) {
  const session = await page.context().newCDPSession(page);
  // The policy of the page forbids scripts of others, so axe runs through the debugger.
  await session.send("Runtime.evaluate", { expression: axe });
  const { result } = await session.send("Runtime.evaluate", { expression: "axe.run().then((r) => JSON.stringify(r.violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => v.id + ': ' + v.nodes.slice(0, 3).map((n) => n.html + ' ' + n.failureSummary).join(' | '))))", awaitPromise: true });
  const violations = JSON.parse(result.value ?? "[\"axe did not run\"]");
  problems.push(...violations.map((violation) => `axe: ${name}: ${violation}`));
}

export async function fits(page, name) {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(overflow <= 0, `${name} is ${overflow} pixels too wide`);
}

/** Opens the newest failed trace from the overview, by the keyboard. */
export async function openFailedTrace(page, site) {
  await page.goto(site);
  for (const key of ["g", "t"]) await page.keyboard.press(key);
  await page.waitForURL("**/traces");
  await page.keyboard.press("/");
  await page.keyboard.type("error:true");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/traces?q=error*");
  for (const key of ["j", "Enter"]) await page.keyboard.press(key);
  await page.locator(".rows").waitFor();
}

/** Opens the span of the first log line with this text, by the keyboard and the link of the line. Saves a screenshot of the lines to `path`, if there is one. */
export async function openSpanOfLine(page, text, path) {
  for (const key of ["g", "l"]) await page.keyboard.press(key);
  await page.waitForURL("**/logs");
  const line = page.locator("#logs tr", { hasText: text }).first();
  if (path) await page.screenshot({ path });
  await line.getByRole("link", { name: "trace" }).click();
  await page.waitForURL("**/traces/*?span=*");
}

/** Returns free ports of this machine. */
export async function freePorts(count) {
  const servers = await Promise.all(Array.from({ length: count }, () => new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => resolve(server));
  })));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Repeats an attempt until its result is true. */
export async function eventually(what, attempt) {
  const deadline = Date.now() + 60_000;
  let last;
  while (Date.now() < deadline) {
    last = await attempt().catch((error) => error);
    if (last && !(last instanceof Error)) return last;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`waited for ${what}: ${last}`);
}
