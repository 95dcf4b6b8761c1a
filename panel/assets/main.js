// @ts-check

const THEME = "panel-theme";
applyTheme(localStorage.getItem(THEME));

/** @param {string | null} theme */
function applyTheme(theme) {
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
}

function toggleTheme() {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = dark ? "light" : "dark";
  localStorage.setItem(THEME, theme);
  applyTheme(theme);
  document.dispatchEvent(new Event("theme"));
}

let position = -1;

/** @param {number} step */
function move(step) {
  const rows = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-row]"));
  if (rows.length === 0) return;
  rows[position]?.classList.remove("selected");
  position = Math.max(0, Math.min(rows.length - 1, position + step));
  rows[position].classList.add("selected");
  rows[position].scrollIntoView({ block: "nearest" });
  rows[position].querySelector("a")?.focus({ preventScroll: true });
}

/** @param {string} key */
function openPage(key) {
  const link = /** @type {HTMLAnchorElement | null} */ (document.querySelector(`[data-key="${CSS.escape(key)}"]`));
  if (link) location.href = link.href;
}

/** Shows the list of keys in a dialog. */
async function help() {
  const open = document.querySelector("dialog");
  if (open) return open.remove();
  const response = await fetch("help");
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", "Help");
  dialog.append(...(page.querySelector(".columns")?.childNodes ?? []));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
}

/** @param {KeyboardEvent} event */
function key(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.matches("input, select, textarea")) {
    if (event.key === "Escape") target.blur();
    return;
  }
  if (document.body.dataset.prefix) {
    delete document.body.dataset.prefix;
    return openPage(event.key);
  }
  /** @type {Record<string, () => void>} */
  const actions = {
    "?": () => void help(),
    "/": () => /** @type {HTMLElement | null} */ (document.querySelector("#q"))?.focus(),
    g: () => { document.body.dataset.prefix = "g"; setTimeout(() => { delete document.body.dataset.prefix; }, 1500); },
    j: () => move(1),
    k: () => move(-1),
    d: toggleTheme,
  };
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

document.addEventListener("keydown", key);
document.querySelector("[data-help]")?.addEventListener("click", (event) => { event.preventDefault(); void help(); });

/** Replaces a part of the page by its new content, as often as it asks for, while the page is visible. */
const fresh = /** @type {HTMLElement | null} */ (document.querySelector("[data-refresh]"));
if (fresh) setInterval(() => void refresh(fresh), Number(fresh.dataset.refresh));

/** @param {HTMLElement} part */
async function refresh(part) {
  if (document.hidden || document.querySelector("dialog")) return;
  const response = await fetch(location.href).catch(() => undefined);
  if (!response?.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const content = page.querySelector(`#${CSS.escape(part.id)}`);
  if (content && content.innerHTML !== part.innerHTML) part.replaceChildren(...content.childNodes);
}
