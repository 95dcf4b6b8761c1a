// Unit tests of the modules: `node --test modules.test.mjs`.
import assert from "node:assert/strict";
import test from "node:test";

import { brushed } from "../assets/brush.js";
import { color, formatDuration } from "../assets/format.js";
import { frames, neighbour } from "../assets/flame.js";
import { Tree } from "../assets/tree.js";

// The module attaches itself to the input of a page, which is absent here.
globalThis.document = { querySelector: () => null };
const { accept } = await import("../assets/complete.js");

const row = (depth, descendants, extra = {}) => ({
  depth, descendants, id: "", service: "a", name: "", status: "unset", start: 0, duration: 1, selfTime: 1,
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

test("spans at the same path are one frame whose width is their self time", () => {
  const at = (depth, name, self) => row(depth, 0, { name, selfTime: self });
  const found = frames([at(0, "root", 10), at(1, "read", 5), at(2, "parse", 2), at(1, "read", 6), at(1, "write", 1), at(0, "root", 4)]);
  const figures = found.map(({ name, count, self, total, x, parent }) => [name, count, self, total, x, parent]);
  assert.deepEqual(figures, [["root", 2, 14, 28, 0, -1], ["read", 2, 11, 13, 0, 0], ["parse", 1, 2, 2, 0, 1], ["write", 1, 1, 1, 13, 0]]);
  assert.equal(neighbour(found, 0, "ArrowDown"), 1);
  assert.equal(neighbour(found, 1, "ArrowRight"), 3);
  assert.equal(neighbour(found, 3, "ArrowRight"), 3);
  assert.equal(neighbour(found, 2, "ArrowUp"), 1);
  assert.equal(neighbour(found, 0, "ArrowUp"), 0);
});

test("a deep trace has as many frames as spans", () => {
  const found = frames(Array.from({ length: 50_000 }, (_, depth) => row(depth, 0, { name: "inner", selfTime: 1 })));
  assert.deepEqual([found.length, found[0].total], [50_000, 50_000]);
});

test("a completion replaces what is typed, also between other terms", () => {
  const completion = (start, end, text) => ({ start, end, candidates: [{ text, meaning: "" }] });
  const result = (text, given) => { const { text: after, cursor } = accept(text, given, 0); return `${after.slice(0, cursor)}|${after.slice(cursor)}`; };
  assert.equal(result("serv", completion(0, 4, "service:")), "service:|");
  assert.equal(result("service:ga", completion(8, 10, "gateway")), "service:gateway |");
  assert.equal(result("service:ga error:true", completion(8, 10, "gateway")), "service:gateway| error:true");
  assert.equal(result("ä=1 rou:/a", completion(4, 6, "route:")), "ä=1 route:|/a");
  assert.equal(result("😀 na", completion(2, 4, "name:")), "😀 name:|");
});
