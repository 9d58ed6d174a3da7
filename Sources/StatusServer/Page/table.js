// Tables, and what is in their cells. Roles are said outright: a browser takes them from a table that is laid out as
// cards, on narrow screens.

import { age, clock, now } from "./clock.js";
import { el, visible } from "./text.js";

/** A column: `{name, title, sort}`; a name is a class as well. */
export function table(label, columns, attributes = {}) {
  const head = el("tr", { role: "row" }, ...columns.map(column => heading(column)));
  const body = el("tbody", { role: "rowgroup" });
  const element = el("table", { role: "table", "aria-label": label, ...attributes },
    el("thead", { role: "rowgroup" }, head), body);
  return { element, head, body };
}

function heading(column) {
  return el("th", { role: "columnheader", scope: "col", class: column.name, "aria-sort": column.sort },
    column.content ?? column.title);
}

/** A row of cells, each `[class, title of its column, ...children]`. */
export function row(cells, attributes = {}) {
  return el("tr", { role: "row", ...attributes }, ...cells.map(([name, title, ...children]) =>
    el("td", { role: "cell", class: name, "data-title": title || null }, ...children)));
}

/** An element whose text goes on with the time; `text` gives it as of now. */
export function ticking(name, attributes, text) {
  const element = el(name, attributes, text());
  element.classList.add("ticks");
  element.refresh = () => {
    const written = visible(text());
    if (element.textContent !== written) element.textContent = written;
  };
  return element;
}

/** How long ago that was, which goes on. */
export function ageOf(time) {
  if (!Number.isFinite(time)) return el("span", { class: "faint" }, "–");
  return ticking("time", { class: "age", datetime: new Date(time).toISOString(), title: clock(time) }, () => age(time));
}

/** How long it is until then, which goes on; nothing where it is over. */
export function remaining(time, words) {
  return ticking("span", { class: "remaining" }, () => time > now() ? `${words} ${age(now(), time)}` : "");
}

/** A moment of the day. */
export function momentOf(time) {
  return el("time", { class: "moment", datetime: new Date(time).toISOString(), title: new Date(time).toISOString() },
    clock(time));
}

/** Lets everything below `root` that goes on with the time do so. */
export function tick(root) {
  for (const element of root.querySelectorAll(".ticks")) element.refresh?.();
}

/** A button that copies `text`. */
export function copyButton(text, words, copy) {
  return el("button", {
    class: "copy", type: "button", "aria-label": `Copy ${words}`, onclick: () => copy(text, words),
  }, "copy");
}

/** Replaces what is in `parent`; what had the focus is found again by its `data-key`. */
export function keep(parent, children) {
  const key = parent.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const old = parent.childNodes;
  if (old.length === children.length && children.every((child, index) => child.isEqualNode(old[index]))) return;
  parent.replaceChildren(...children);
  if (key !== undefined) {
    for (const child of parent.querySelectorAll("[data-key]")) if (child.dataset.key === key) child.focus();
  }
}
