// @ts-check
import "./complete.js";
import { brushed } from "./brush.js";

const plot = /** @type {SVGSVGElement | null} */ (document.querySelector("#scatter"));
if (plot) brush(plot);
live();

/** @param {SVGSVGElement} svg */
function brush(svg) {
  const hint = document.querySelector(".scatter .hint");
  if (hint) hint.textContent = "drag to select";
  const area = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  area.setAttribute("class", "brush");
  /** @type {{x: number, y: number} | undefined} */
  let origin;
  /** @param {PointerEvent} event */
  const place = (event) => {
    const box = svg.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  };
  svg.addEventListener("pointerdown", (event) => { origin = place(event); event.preventDefault(); });
  document.addEventListener("pointermove", (event) => {
    if (!origin) return;
    const now = place(event);
    area.setAttribute("x", String(Math.min(origin.x, now.x) * 1000));
    area.setAttribute("y", String(Math.min(origin.y, now.y) * 130));
    area.setAttribute("width", String(Math.abs(origin.x - now.x) * 1000));
    area.setAttribute("height", String(Math.abs(origin.y - now.y) * 130));
    svg.append(area);
  });
  document.addEventListener("pointerup", (event) => {
    if (!origin) return;
    const [a, b] = [origin, place(event)];
    origin = undefined;
    area.remove();
    if (Math.abs(a.x - b.x) < 0.01 || Math.abs(a.y - b.y) < 0.04) return;
    const { first = "0", last = "0", lowest = "0", range = "1" } = svg.dataset;
    const limits = { first: BigInt(first), last: BigInt(last), lowest: Number(lowest), range: Number(range) };
    const corners = { left: Math.min(a.x, b.x), right: Math.max(a.x, b.x), top: Math.min(a.y, b.y), bottom: Math.max(a.y, b.y) };
    const input = /** @type {HTMLInputElement} */ (document.querySelector("#q"));
    location.href = brushed(limits, corners, input.value);
  });
}

/** Reloads the list when new requests match, at most every second, while the button is pressed. */
function live() {
  const form = document.querySelector("form.search");
  if (!form || !document.body.dataset.live) return;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Live";
  button.setAttribute("aria-pressed", "false");
  form.querySelector("button")?.after(button);
  /** @type {EventSource | undefined} */
  let source;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  button.addEventListener("click", () => {
    if (source) {
      source.close();
      source = undefined;
    } else {
      const query = new URLSearchParams({ q: new URLSearchParams(location.search).get("q") ?? "" });
      source = new EventSource(`live/requests?${query}`);
      source.addEventListener("request", () => { timer ??= setTimeout(() => { timer = undefined; void reload(); }, 1000); });
    }
    button.setAttribute("aria-pressed", String(Boolean(source)));
  });
}

async function reload() {
  const response = await fetch(location.href);
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const selector of [".split", ".scatter svg"]) {
    const [old, fresh] = [document.querySelector(selector), page.querySelector(selector)];
    if (old && fresh && selector === ".split") old.replaceWith(fresh);
    else if (old && fresh) old.replaceChildren(...fresh.childNodes);
    else if (!old && fresh) location.reload();
  }
}
