// @ts-check
import { color, formatDuration } from "./format.js";

export const ROW = 24;

/** Colours of the current theme. */
export class Theme {
  constructor() {
    const style = getComputedStyle(document.documentElement);
    const probe = document.createElement("i");
    document.body.append(probe);
    /** @param {string} name */
    const read = (name) => {
      probe.className = name;
      return getComputedStyle(probe).color;
    };
    this.services = Array.from({ length: 12 }, (_, index) => read(`ink c${index}`));
    this.text = read("ink-text");
    this.dim = read("ink-dim");
    this.line = read("ink-line");
    this.bad = read("ink-bad");
    this.back = read("ink-back");
    this.critical = read("ink-text");
    this.font = `11px ${style.fontFamily}`;
    probe.remove();
  }
}

/**
 * Sizes the canvas for the density of the screen and returns its context.
 * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height
 */
export function prepare(canvas, width, height) {
  const density = window.devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * density), Math.round(height * density)];
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/**
 * Draws the bars of the rows from `first` on.
 * @param {CanvasRenderingContext2D} context
 * @param {import("./tree.js").Tree} tree
 * @param {{first: number, offset: number, width: number, height: number, from: number, to: number, selected: number}} view
 * @param {Theme} theme
 */
export function drawBars(context, tree, view, theme) {
  const scale = view.width / (view.to - view.from);
  context.strokeStyle = theme.line;
  context.beginPath();
  for (let part = 1; part < 4; part += 1) {
    const x = Math.round((view.width * part) / 4) + 0.5;
    context.moveTo(x, 0);
    context.lineTo(x, view.height);
  }
  context.stroke();
  context.font = theme.font;
  context.textBaseline = "middle";
  for (let line = 0; line * ROW < view.height + ROW; line += 1) {
    const index = tree.visible[view.first + line];
    if (index === undefined) break;
    const row = tree.rows[index];
    const count = tree.isFolded(index) ? row.repeated : 1;
    const y = line * ROW - view.offset;
    for (let sibling = index; sibling < index + count; sibling += 1) {
      bar(context, tree.rows[sibling], y, view, scale, theme);
    }
    for (const log of tree.logs.get(row.id) ?? []) mark(context, log, y, view, scale, theme);
    if (count === 1) label(context, row, y, view, scale, theme);
  }
}

/**
 * @param {CanvasRenderingContext2D} context @param {import("./tree.js").Row} row @param {number} y
 * @param {{from: number, width: number}} view @param {number} scale @param {Theme} theme
 */
function bar(context, row, y, view, scale, theme) {
  const x = (row.start - view.from) * scale;
  const width = Math.max(2, row.duration * scale);
  if (x > view.width || x + width < 0) return;
  const left = Math.max(-4, x);
  const right = Math.min(view.width + 4, x + width);
  context.fillStyle = theme.services[color(row.service)];
  context.beginPath();
  context.roundRect(left, y + 7, right - left, 10, 2);
  context.fill();
  if (row.gap) gap(context, row.gap, y, view, scale, theme);
  if (row.critical) {
    context.fillStyle = theme.critical;
    context.fillRect(left, y + 18, right - left, 2);
  }
  if (row.status === "error") {
    context.fillStyle = theme.bad;
    context.fillRect(left, y + 4, right - left, 2);
  }
}

/**
 * Empties the part of a bar in which no child was running.
 * @param {CanvasRenderingContext2D} context @param {[number, number]} gap @param {number} y
 * @param {{from: number, width: number}} view @param {number} scale @param {Theme} theme
 */
function gap(context, [start, length], y, view, scale, theme) {
  const left = Math.max(0, (start - view.from) * scale);
  const right = Math.min(view.width, (start + length - view.from) * scale);
  if (right - left < 4) return;
  context.fillStyle = theme.back;
  context.globalAlpha = 0.6;
  context.fillRect(left + 1, y + 9, right - left - 2, 6);
  context.globalAlpha = 1;
}

/**
 * Marks the time of a log record on the bar.
 * @param {CanvasRenderingContext2D} context @param {{offset: number, severity: string}} log
 * @param {number} y @param {{from: number}} view @param {number} scale @param {Theme} theme
 */
function mark(context, log, y, view, scale, theme) {
  const x = (log.offset - view.from) * scale;
  context.fillStyle = ["error", "fatal"].includes(log.severity) ? theme.bad : theme.text;
  context.strokeStyle = theme.back;
  context.lineWidth = 1.5;
  context.beginPath();
  context.arc(x, y + 12, 3.5, 0, 7);
  context.fill();
  context.stroke();
  context.lineWidth = 1;
}

/**
 * @param {CanvasRenderingContext2D} context @param {import("./tree.js").Row} row @param {number} y
 * @param {{from: number, width: number}} view @param {number} scale @param {Theme} theme
 */
function label(context, row, y, view, scale, theme) {
  const text = formatDuration(row.duration);
  const end = (row.start + row.duration - view.from) * scale;
  const width = context.measureText(text).width;
  context.fillStyle = theme.dim;
  if (end + 6 + width < view.width && end > 0) context.fillText(text, end + 6, y + 12);
  else {
    const start = (row.start - view.from) * scale;
    if (start - 6 - width > 0 && start < view.width) context.fillText(text, start - 6 - width, y + 12);
  }
}

/**
 * Draws all spans in a small space.
 * @param {CanvasRenderingContext2D} context @param {import("./tree.js").Row[]} rows
 * @param {{width: number, height: number, duration: number, from: number, to: number}} view
 * @param {Theme} theme
 */
export function drawMinimap(context, rows, view, theme) {
  const scale = view.width / view.duration;
  const step = Math.max(1, Math.floor(rows.length / 4000));
  const height = Math.max(1, Math.min(4, view.height / rows.length));
  for (let index = 0; index < rows.length; index += step) {
    const row = rows[index];
    context.fillStyle = row.status === "error" ? theme.bad : theme.services[color(row.service)];
    const y = (index / rows.length) * (view.height - height);
    context.fillRect(row.start * scale, y, Math.max(1, row.duration * scale), height);
  }
  context.fillStyle = theme.line;
  context.globalAlpha = 0.55;
  context.fillRect(0, 0, view.from * scale, view.height);
  context.fillRect(view.to * scale, 0, view.width - view.to * scale, view.height);
  context.globalAlpha = 1;
}
