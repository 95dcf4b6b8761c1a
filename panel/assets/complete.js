// @ts-check

/** @typedef {{start: number, end: number, candidates: {text: string, meaning: string}[]}} Completion */

/**
 * Returns text and cursor after a candidate has replaced what is typed. Positions of the completion
 * are numbers of characters, the returned one is a number of UTF-16 units.
 * @param {string} text @param {Completion} completion @param {number} index
 */
export function accept(text, completion, index) {
  const characters = [...text];
  const { text: chosen } = completion.candidates[index];
  const before = characters.slice(0, completion.start).join("");
  const rest = characters.slice(completion.end).join("").replace(/^[^\s:=!<>~]*/, "");
  const value = /[:=]$/.test(chosen) || /^\s/.test(rest) ? chosen : `${chosen} `;
  const after = /[:=]$/.test(chosen) ? rest.replace(/^[:=!<>~]+/, "") : rest;
  return { text: before + value + after, cursor: (before + value).length };
}

const input = /** @type {HTMLInputElement | null} */ (document.querySelector("form.search #q"));
if (input) attach(input);

/**
 * Offers fields and values below the input: arrows select, Tab or Enter accept, Escape closes.
 * @param {HTMLInputElement} input
 */
function attach(input) {
  const list = document.createElement("ul");
  list.id = "q-options";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Completions");
  list.hidden = true;
  input.after(list);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id })) {
    input.setAttribute(name, value);
  }
  /** @type {Completion} */
  let completion = { start: 0, end: 0, candidates: [] };
  let active = -1;
  let asked = 0;
  const of = location.pathname.endsWith("/logs") ? "logs" : "spans";

  const show = () => {
    list.hidden = completion.candidates.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    list.replaceChildren(...completion.candidates.map(({ text, meaning }, index) => {
      const option = document.createElement("li");
      option.id = `q-option-${index}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", String(index === active));
      const code = document.createElement("code");
      code.textContent = text;
      const note = document.createElement("span");
      note.textContent = meaning;
      option.append(code, note);
      option.addEventListener("pointerdown", (event) => { event.preventDefault(); choose(index); });
      return option;
    }));
    if (active >= 0) input.setAttribute("aria-activedescendant", `q-option-${active}`);
    else input.removeAttribute("aria-activedescendant");
    list.children[active]?.scrollIntoView({ block: "nearest" });
  };
  const close = () => {
    asked += 1;
    completion = { start: 0, end: 0, candidates: [] };
    active = -1;
    show();
  };
  const ask = async () => {
    const request = (asked += 1);
    const cursor = [...input.value.slice(0, input.selectionStart ?? input.value.length)].length;
    const response = await fetch(`api/complete?${new URLSearchParams({ q: input.value, cursor: String(cursor), of })}`).catch(() => undefined);
    if (!response?.ok || request !== asked) return;
    const received = await response.json();
    if (request !== asked) return;
    completion = received;
    active = -1;
    show();
  };
  /** @param {number} index */
  const choose = (index) => {
    const { text, cursor } = accept(input.value, completion, index);
    input.value = text;
    input.setSelectionRange(cursor, cursor);
    close();
    if (/[:=]$/.test(text.slice(0, cursor))) void ask();
  };
  /** @param {number} step */
  const move = (step) => {
    const { length } = completion.candidates;
    active = (active + step + length + (active < 0 && step < 0 ? 1 : 0)) % length;
    show();
  };

  input.addEventListener("input", () => void ask());
  input.addEventListener("focus", () => { if (input.value === "") void ask(); });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (list.hidden) {
      if (event.key === "ArrowDown") { event.preventDefault(); void ask(); }
      return;
    }
    /** @type {Record<string, () => void>} */
    const actions = { ArrowDown: () => move(1), ArrowUp: () => move(-1), Escape: close };
    if (active >= 0) actions.Enter = () => choose(active);
    if (!event.shiftKey) actions.Tab = () => choose(Math.max(0, active));
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  });
}
