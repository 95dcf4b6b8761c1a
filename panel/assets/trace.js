// @ts-check
import { ROW, Theme, drawBars, drawMinimap, prepare } from "./draw.js";
import { Flame } from "./flame.js";
import { color, formatDuration } from "./format.js";
import { Tree } from "./tree.js";

const trace = /** @type {HTMLElement | null} */ (document.querySelector("#trace"));
if (trace) void start(trace);

/**
 * Replaces the table by a waterfall of which only visible rows exist.
 * @param {HTMLElement} element
 */
async function start(element) {
  const id = element.dataset.id;
  const response = await fetch(`api/traces/${id}`);
  if (!response.ok) return;
  const { rows, logs, durationNanos } = await response.json();
  const view = new Waterfall(element, new Tree(rows, logs), Math.max(1, durationNanos));
  view.select(Math.max(0, rows.findIndex((/** @type {any} */ row) => row.id === element.dataset.selected)), false);
}

/** @param {string} name @param {string} [className] */
function make(name, className) {
  const element = document.createElement(name);
  if (className) element.className = className;
  return element;
}

class Waterfall {
  /**
   * @param {HTMLElement} element @param {Tree} tree @param {number} duration
   */
  constructor(element, tree, duration) {
    this.element = element;
    this.duration = duration;
    this.tree = tree;
    this.selected = 0;
    this.from = 0;
    this.to = duration;
    this.theme = new Theme();
    this.details = /** @type {HTMLElement} */ (element.querySelector("#details"));
    this.scheduled = false;
    this.shown = "";
    this.find = /** @type {HTMLInputElement} */ (make("input"));
    this.matches = make("span", "dim");
    this.minimap = /** @type {HTMLCanvasElement} */ (make("canvas", "minimap"));
    this.scale = make("div", "scale");
    this.scroller = make("div", "rows");
    this.space = make("div", "space");
    this.list = make("div", "list");
    this.bars = /** @type {HTMLCanvasElement} */ (make("canvas", "bars"));
    /** @type {Flame | undefined} */
    this.flame = undefined;
    this.build();
    this.listen();
    this.layout();
  }

  build() {
    const holder = /** @type {HTMLElement} */ (this.element.querySelector(".waterfall"));
    this.find.type = "search";
    this.find.placeholder = "Find a span (f)";
    this.find.setAttribute("aria-label", "Find a span");
    this.minimap.title = "Drag to zoom, double-click for the whole duration";
    this.scroller.tabIndex = 0;
    this.scroller.setAttribute("role", "tree");
    this.scroller.setAttribute("aria-label", "Spans");
    this.scroller.append(this.space, this.list, this.bars);
    const tools = make("div", "tools");
    const errors = this.tree.rows.filter((row) => row.status === "error").length;
    tools.append(this.find, this.matches);
    if (errors > 0) tools.append(this.button(`Next error (e) · ${errors}`, () => this.nextError()));
    if (this.tree.rows.some((row) => row.repeated > 0)) tools.append(this.button("Fold (x)", () => this.foldAll()));
    this.flameButton = this.button("Flame graph (v)", () => this.toggleFlame());
    this.flameButton.setAttribute("aria-pressed", "false");
    tools.append(this.flameButton);
    holder.replaceChildren(tools, this.minimap, this.scale, this.scroller);
  }

  /** Shows the flame graph in place of the waterfall, or the waterfall again. */
  toggleFlame() {
    const first = this.flame === undefined;
    this.flame ??= new Flame(this.tree.rows);
    if (first) this.scroller.after(this.flame.element);
    const isShown = first || this.flame.element.hidden;
    this.flame.element.hidden = !isShown;
    for (const element of [this.minimap, this.scale, this.scroller]) element.hidden = isShown;
    this.flameButton?.setAttribute("aria-pressed", String(isShown));
    (isShown ? this.flame.element : this.scroller).focus({ preventScroll: true });
    this.layout();
  }

  /** @param {string} text @param {() => void} action */
  button(text, action) {
    const button = /** @type {HTMLButtonElement} */ (make("button"));
    button.type = "button";
    button.textContent = text;
    button.addEventListener("click", action);
    return button;
  }

  listen() {
    this.scroller.addEventListener("scroll", () => this.schedule(), { passive: true });
    this.scroller.addEventListener("click", (event) => this.click(event));
    this.find.addEventListener("input", () => this.search());
    this.find.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.nextMatch();
      if (event.key === "Escape") this.scroller.focus();
    });
    new ResizeObserver(() => this.layout()).observe(this.scroller);
    document.addEventListener("theme", () => { this.theme = new Theme(); this.layout(); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.theme = new Theme(); this.layout(); });
    document.addEventListener("keydown", (event) => this.key(event), true);
    this.listenToMinimap();
  }

  listenToMinimap() {
    /** @type {number | undefined} */
    let origin;
    /** @param {PointerEvent} event */
    const time = (event) => Math.max(0, Math.min(1, event.offsetX / this.minimap.clientWidth)) * this.duration;
    this.minimap.addEventListener("pointerdown", (event) => {
      origin = time(event);
      this.minimap.setPointerCapture(event.pointerId);
    });
    this.minimap.addEventListener("pointermove", (event) => {
      if (origin === undefined) return;
      const now = time(event);
      if (Math.abs(now - origin) > this.duration / 500) this.zoom(Math.min(origin, now), Math.max(origin, now));
    });
    this.minimap.addEventListener("pointerup", () => { origin = undefined; });
    this.minimap.addEventListener("dblclick", () => this.zoom(0, this.duration));
  }

  /** @param {number} from @param {number} to */
  zoom(from, to) {
    [this.from, this.to] = [from, Math.max(to, from + 1)];
    this.layout();
  }

  layout() {
    this.space.style.height = `${this.tree.visible.length * ROW}px`;
    const labels = [0, 1, 2, 3, 4].map((part) => {
      const label = make("span");
      label.textContent = formatDuration(this.from + ((this.to - this.from) * part) / 4);
      return label;
    });
    this.scale.replaceChildren(...labels);
    const width = this.minimap.clientWidth;
    const context = prepare(this.minimap, width, 44);
    drawMinimap(context, this.tree.rows, { width, height: 44, duration: this.duration, from: this.from, to: this.to }, this.theme);
    this.schedule();
  }

  schedule() {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      this.draw();
    });
  }

  draw() {
    const { scrollTop, clientHeight, clientWidth } = this.scroller;
    const first = Math.floor(scrollTop / ROW);
    const count = Math.min(Math.ceil(clientHeight / ROW) + 1, this.tree.visible.length - first);
    while (this.list.children.length < count) this.list.append(make("div", "row"));
    while (this.list.children.length > count) this.list.lastElementChild?.remove();
    for (let line = 0; line < count; line += 1) {
      this.fill(/** @type {HTMLElement} */ (this.list.children[line]), this.tree.visible[first + line]);
    }
    const offset = scrollTop - first * ROW;
    this.list.style.transform = `translateY(${scrollTop - offset}px)`;
    this.bars.style.transform = `translateY(${scrollTop}px)`;
    const names = clientWidth < 700 ? clientWidth * 0.55 : Math.min(420, clientWidth * 0.42);
    this.scroller.style.setProperty("--names", `${names}px`);
    this.scale.style.setProperty("--names", `${names}px`);
    const width = clientWidth - names - 8;
    this.bars.style.left = `${names}px`;
    this.bars.style.width = `${width}px`;
    this.bars.style.height = `${clientHeight}px`;
    const view = { first, offset, width, height: clientHeight, from: this.from, to: this.to, selected: this.selected };
    drawBars(prepare(this.bars, width, clientHeight), this.tree, view, this.theme);
  }

  /** @param {HTMLElement} element @param {number} index */
  fill(element, index) {
    const row = this.tree.rows[index];
    element.dataset.index = String(index);
    element.className = index === this.selected ? "row selected" : "row";
    const name = make("span", "name");
    name.style.paddingLeft = `${Math.min(row.depth, 24) * 14}px`;
    const closed = this.tree.closed.has(index);
    const arrow = make("span", "arrow");
    arrow.textContent = row.descendants === 0 ? "" : closed ? "▸" : "▾";
    const chip = make("i", `chip c${color(row.service)}`);
    const service = make("span", "dim");
    service.textContent = row.service;
    const title = make("b");
    title.textContent = row.name;
    name.append(arrow, chip, service, title);
    const gap = row.gap ? `, gap of ${formatDuration(row.gap[1])} in which no span below was running` : "";
    name.title = `${row.service} ${row.name}${gap}`;
    const notes = [];
    if (closed) notes.push(`+${row.descendants}`);
    if (this.tree.isFolded(index)) notes.push(`× ${row.repeated}`);
    if (row.orphan) notes.push("parent missing");
    if (row.skewed) notes.push("clock skew");
    for (const text of notes) {
      const note = make("span", "note");
      note.textContent = text;
      name.append(note);
    }
    if (row.status === "error") {
      const badge = make("span", "badge");
      badge.textContent = "error";
      name.append(badge);
    }
    element.setAttribute("role", "treeitem");
    element.setAttribute("aria-level", String(row.depth + 1));
    element.setAttribute("aria-selected", String(index === this.selected));
    element.replaceChildren(name);
  }

  /** @param {MouseEvent} event */
  click(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    let element = target.closest(".row");
    if (!element) {
      const top = event.clientY - this.scroller.getBoundingClientRect().top + this.scroller.scrollTop;
      const index = this.tree.visible[Math.floor(top / ROW)];
      if (index !== undefined) this.select(index, false);
      return;
    }
    const index = Number(/** @type {HTMLElement} */ (element).dataset.index);
    if (target.closest(".arrow")) this.toggle(index, !this.tree.closed.has(index));
    else if (this.tree.isFolded(index) && target.closest(".note")) this.fold(index);
    else this.select(index, false);
  }

  /** @param {number} index @param {boolean} closed */
  toggle(index, closed) {
    this.tree.setClosed(index, closed);
    this.layout();
  }

  /** @param {number} index */
  fold(index) {
    this.tree.toggleFold(index);
    this.layout();
  }

  foldAll() {
    const runs = this.tree.rows.flatMap((row, index) => (row.repeated > 0 ? [index] : []));
    const folded = runs.every((index) => !this.tree.unfolded.has(index));
    for (const index of runs) {
      if (folded) this.tree.unfolded.add(index);
      else this.tree.unfolded.delete(index);
    }
    this.tree.update();
    this.layout();
  }

  /** @param {number} index @param {boolean} scroll */
  select(index, scroll) {
    this.tree.reveal(index);
    const changed = index !== this.selected;
    this.selected = index;
    const top = this.tree.positionOf(index) * ROW;
    const { scrollTop, clientHeight } = this.scroller;
    if (scroll && (top < scrollTop || top > scrollTop + clientHeight - ROW)) {
      this.scroller.scrollTop = top - clientHeight / 3;
    }
    this.layout();
    if (changed) void this.showDetails(this.tree.rows[index].id);
  }

  /** @param {string} span */
  async showDetails(span) {
    this.shown = span;
    const response = await fetch(`traces/${this.element.dataset.id}/spans/${span}`);
    if (!response.ok || this.shown !== span) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    this.details.replaceChildren(...page.body.childNodes);
    history.replaceState(null, "", `traces/${this.element.dataset.id}?span=${span}`);
  }

  nextError() {
    const index = this.tree.next(this.selected, (row) => row.status === "error");
    if (index !== undefined) this.select(index, true);
  }

  /** @param {import("./tree.js").Row} row */
  matchesFind(row) {
    const text = this.find.value.toLowerCase();
    return text !== "" && `${row.service} ${row.name}`.toLowerCase().includes(text);
  }

  search() {
    const count = this.tree.rows.filter((row) => this.matchesFind(row)).length;
    this.matches.textContent = this.find.value ? `${count} found` : "";
    if (count > 0 && !this.matchesFind(this.tree.rows[this.selected])) this.nextMatch();
  }

  nextMatch() {
    const index = this.tree.next(this.selected, (row) => this.matchesFind(row));
    if (index !== undefined) this.select(index, true);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (document.body.dataset.prefix || document.querySelector("dialog")) return;
    if (target.closest(".flame") && event.key !== "v") return;
    if (target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    /** @type {Record<string, () => void>} */
    const actions = {
      j: () => this.select(this.tree.move(this.selected, 1), true),
      ArrowDown: () => this.select(this.tree.move(this.selected, 1), true),
      k: () => this.select(this.tree.move(this.selected, -1), true),
      ArrowUp: () => this.select(this.tree.move(this.selected, -1), true),
      ArrowLeft: () => this.toggle(this.selected, true),
      ArrowRight: () => this.toggle(this.selected, false),
      Enter: () => this.details.focus(),
      e: () => this.nextError(),
      f: () => this.find.focus(),
      x: () => this.fold(this.selected),
      v: () => this.toggleFlame(),
      0: () => this.zoom(0, this.duration),
    };
    const action = actions[event.key];
    if (!action || (event.key === "Enter" && target.closest("a, button"))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    action();
  }
}
