// Unit tests of the modules: `node --test modules.test.mjs`.
import assert from "node:assert/strict";
import test from "node:test";

import { brushed } from "../assets/brush.js";
import { color, formatDuration } from "../assets/format.js";
import { Tree } from "../assets/tree.js";

const row = (depth, descendants, extra = {}) => ({
  depth, descendants, id: "", service: "a", name: "", status: "unset", start: 0, duration: 1, self: 1,
  critical: false, orphan: false, skewed: false, repeated: 0, ...extra,
});

// root, child with two below it, four equal siblings, failed
const rows = () => [
  row(0, 8), row(1, 2), row(2, 0), row(2, 0),
  row(1, 0, { repeated: 4 }), row(1, 0), row(1, 0), row(1, 0),
  row(1, 0, { status: "error" }),
];

test("repeated siblings are one row until they are unfolded", () => {
  const tree = new Tree(rows());
  assert.deepEqual(tree.visible, [0, 1, 2, 3, 4, 8]);
  tree.toggleFold(4);
  assert.equal(tree.visible.length, 9);
  tree.toggleFold(6);
  assert.deepEqual(tree.visible, [0, 1, 2, 3, 4, 8]);
});

test("a closed span hides what is below it", () => {
  const tree = new Tree(rows());
  tree.setClosed(1, true);
  assert.deepEqual(tree.visible, [0, 1, 4, 8]);
  assert.equal(tree.positionOf(3), 1, "the closed span stands for it");
  tree.setClosed(8, true);
  assert.equal(tree.closed.size, 1, "a span without children cannot be closed");
});

test("revealing a row opens what hides it", () => {
  const tree = new Tree(rows());
  tree.setClosed(0, true);
  assert.deepEqual(tree.visible, [0]);
  tree.reveal(6);
  assert.ok(tree.visible.includes(6));
});

test("the search for the next row begins again after the last one", () => {
  const tree = new Tree(rows());
  const isError = (candidate) => candidate.status === "error";
  assert.equal(tree.next(0, isError), 8);
  assert.equal(tree.next(8, isError), 8);
  assert.equal(tree.next(0, () => false), undefined);
});

test("moving stays among visible rows", () => {
  const tree = new Tree(rows());
  assert.equal(tree.move(4, 1), 8);
  assert.equal(tree.move(8, 1), 8);
  assert.equal(tree.move(0, -1), 0);
});

test("durations have three digits", () => {
  const cases = [[0, "0 ns"], [999, "999 ns"], [1250, "1.25 µs"], [12.34e6, "12.3 ms"], [2.5e9, "2.50 s"], [150e9, "2 min 30 s"], [4.1e18, "130 y 3 d"]];
  for (const [nanoseconds, text] of cases) assert.equal(formatDuration(nanoseconds), text);
});

test("colours are those of the pages", () => {
  assert.ok([..."abcdefgh"].every((name) => color(name) >= 0 && color(name) < 12));
  assert.equal(color("gateway"), color("gateway"));
});

test("a brushed area becomes limits of time and duration", () => {
  const limits = { first: 1_700_000_000_000_000_000n, last: 1_700_000_100_000_000_000n, lowest: 6, range: 3 };
  const area = { left: 0.006, right: 0.5, top: 8 / 130, bottom: 122 / 130 };
  const address = new URL(brushed(limits, area, "service:a dur>1ms"), "http://localhost");
  assert.equal(address.searchParams.get("q"), "service:a dur>=1000us dur<=1000000us");
  assert.equal(address.searchParams.get("from"), "1700000000000000000");
  assert.equal(address.searchParams.get("to"), "1700000050000000000");
});
