// @ts-check
import "./complete.js";

const MOST_ROWS = 500;
const body = /** @type {HTMLElement | null} */ (document.querySelector("#logs"));
if (body && document.body.dataset.live && !new URLSearchParams(location.search).has("before")) tail(body);

/**
 * Adds new records at the top until it is paused.
 * @param {HTMLElement} rows
 */
function tail(rows) {
  const button = document.createElement("button");
  const missed = document.createElement("span");
  missed.className = "dim";
  button.type = "button";
  document.querySelector("form.search button")?.after(button, missed);
  /** @type {EventSource | undefined} */
  let source;
  const toggle = () => {
    if (source) {
      source.close();
      source = undefined;
    } else {
      source = new EventSource(`live/logs?${new URLSearchParams({ q: rows.dataset.query ?? "" })}`);
      source.addEventListener("record", (event) => add(rows, JSON.parse(event.data)));
      source.addEventListener("missed", (event) => { missed.textContent = `${event.data} records were too fast to show`; });
    }
    button.textContent = source ? "Pause" : "Continue";
    button.setAttribute("aria-pressed", String(Boolean(source)));
  };
  button.addEventListener("click", toggle);
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.key === "p" && !target.matches("input, select, textarea")) toggle();
  });
  toggle();
}

/** @param {HTMLElement} rows @param {string} html a row that the panel has rendered and escaped */
function add(rows, html) {
  const page = new DOMParser().parseFromString(`<table><tbody>${html}</tbody></table>`, "text/html");
  const row = page.querySelector("tr");
  if (!row) return;
  row.classList.add("new");
  rows.prepend(row);
  while (rows.children.length > MOST_ROWS) rows.lastElementChild?.remove();
  document.querySelector("section.empty")?.remove();
}
