// @ts-check
import { color, formatDuration } from "./format.js";

const HEIGHT = 20;
const SVG = "http://www.w3.org/2000/svg";

/**
 * Spans at the same path: service and name of the span and of each ancestor.
 * @typedef {object} Frame
 * @property {string} service
 * @property {string} name
 * @property {number} parent index of the parent, or -1
 * @property {number} depth
 * @property {number} count number of spans
 * @property {number} self time in which no child was running
 * @property {number} total self times of the path and of all paths below
 * @property {number} x sum of the self times to the left
 */

/**
 * Aggregates the spans of a trace by path. Widths are self times, so that siblings that run at the
 * same time do not overlap.
 * @param {import("./tree.js").Row[]} rows
 * @returns {Frame[]} parents before children
 */
export function frames(rows) {
  /** @type {Frame[]} */
  const found = [];
  const known = new Map();
  /** @type {number[]} */
  const ancestors = [];
  for (const row of rows) {
    ancestors.length = Math.min(ancestors.length, row.depth);
    const parent = ancestors.at(-1) ?? -1;
    const key = `${parent}\u0000${row.service}\u0000${row.name}`;
    let index = known.get(key);
    if (index === undefined) {
      index = found.length;
      known.set(key, index);
      found.push({ service: row.service, name: row.name, parent, depth: row.depth, count: 0, self: 0, total: 0, x: 0 });
    }
    found[index].count += 1;
    found[index].self += row.selfTime;
    ancestors.push(index);
  }
  for (let index = found.length - 1; index >= 0; index -= 1) {
    const frame = found[index];
    frame.total += frame.self;
    if (frame.parent >= 0) found[frame.parent].total += frame.total;
  }
  const next = new Map();
  for (const [index, frame] of found.entries()) {
    frame.x = next.get(frame.parent) ?? 0;
    next.set(frame.parent, frame.x + frame.total);
    next.set(index, frame.x);
  }
  return found;
}

/**
 * Returns the frame that a key selects.
 * @param {Frame[]} all @param {number} selected @param {string} key
 */
export function neighbour(all, selected, key) {
  const { parent } = all[selected];
  const of = (/** @type {number} */ above) => all.flatMap((frame, index) => (frame.parent === above ? [index] : []));
  if (key === "ArrowUp") return parent >= 0 ? parent : selected;
  if (key === "ArrowDown") return of(selected)[0] ?? selected;
  const siblings = of(parent);
  const step = key === "ArrowRight" ? 1 : -1;
  return siblings[siblings.indexOf(selected) + step] ?? selected;
}

/** Flame graph by self time. */
export class Flame {
  /** @param {import("./tree.js").Row[]} rows */
  constructor(rows) {
    this.frames = frames(rows);
    this.all = this.frames.filter((frame) => frame.parent < 0).reduce((sum, frame) => sum + frame.total, 0) || 1;
    this.selected = 0;
    this.zoomed = -1;
    this.element = document.createElement("div");
    this.element.className = "flame";
    this.element.tabIndex = 0;
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", "Flame graph by self time. Arrows select a frame, Enter zooms, 0 shows all. The table of self times below has the figures.");
    this.text = document.createElement("p");
    this.text.setAttribute("aria-live", "polite");
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("aria-hidden", "true");
    this.element.append(this.text, this.svg);
    this.svg.addEventListener("click", (event) => this.click(event));
    this.element.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  /** Limits of what is shown. */
  range() {
    const frame = this.frames[this.zoomed];
    return frame ? { x: frame.x, total: Math.max(1, frame.total), depth: frame.depth } : { x: 0, total: this.all, depth: 0 };
  }

  draw() {
    const width = this.element.clientWidth - 20;
    if (width <= 0) return;
    const { x, total, depth } = this.range();
    const scale = width / total;
    const shown = this.frames.map((frame, index) => ({ frame, index }))
      .filter(({ frame }) => frame.depth >= depth && frame.total * scale >= 1 && frame.x + frame.total > x && frame.x < x + total);
    const deepest = shown.reduce((most, { frame }) => Math.max(most, frame.depth), depth);
    this.svg.setAttribute("width", String(width));
    this.svg.setAttribute("height", String((deepest - depth + 1) * HEIGHT));
    this.svg.replaceChildren(...shown.map(({ frame, index }) => this.shape(frame, index, (frame.x - x) * scale, frame.total * scale, (frame.depth - depth) * HEIGHT)));
    this.describe();
  }

  /** @param {Frame} frame @param {number} index @param {number} left @param {number} width @param {number} top */
  shape(frame, index, left, width, top) {
    const group = document.createElementNS(SVG, "g");
    group.dataset.index = String(index);
    const title = document.createElementNS(SVG, "title");
    title.textContent = this.words(frame);
    const rect = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries({ x: left, y: top, width: Math.max(0.5, width - 1), height: HEIGHT - 2, rx: 2 })) rect.setAttribute(name, String(value));
    rect.setAttribute("class", `c${color(frame.service)}${index === this.selected ? " selected" : ""}`);
    group.append(title, rect);
    const letters = Math.floor((width - 8) / 6.2);
    if (letters >= 3) {
      const text = document.createElementNS(SVG, "text");
      text.setAttribute("x", String(left + 4));
      text.setAttribute("y", String(top + 13));
      text.textContent = frame.name.length > letters ? `${frame.name.slice(0, letters - 1)}…` : frame.name;
      group.append(text);
    }
    return group;
  }

  /** @param {Frame} frame */
  words(frame) {
    const share = ((frame.total / this.all) * 100).toFixed(1);
    const spans = frame.count === 1 ? "1 span" : `${frame.count} spans`;
    return `${frame.service} ${frame.name}: self ${formatDuration(frame.self)}, with paths below ${formatDuration(frame.total)} (${share} %), ${spans}`;
  }

  describe() {
    const frame = this.frames[this.selected];
    this.text.textContent = frame ? this.words(frame) : "";
  }

  /** @param {MouseEvent} event */
  click(event) {
    const group = /** @type {Element} */ (event.target).closest("g");
    if (!group) return;
    this.selected = Number(group.dataset.index);
    this.zoom(this.selected === this.zoomed ? this.frames[this.selected].parent : this.selected);
  }

  /** @param {number} index */
  zoom(index) {
    this.zoomed = index;
    this.draw();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.frames.length === 0) return;
    if (event.key === "Enter") this.zoom(this.selected);
    else if (event.key === "0") this.zoom(-1);
    else if (event.key.startsWith("Arrow")) {
      this.selected = neighbour(this.frames, this.selected, event.key);
      this.draw();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
