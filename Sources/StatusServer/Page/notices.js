// What is said of the page and of the cluster as a whole: bars over the list, and words for screen readers.

import { keep } from "./table.js";
import { el } from "./text.js";

/** Bars, each known by its id, in the order of this list. */
const order = ["offline", "behind", "version", "problem", "partial", "stale", "missed"];

export class Bars {
  #root;
  #bars = new Map();

  constructor(root) { this.#root = root; }

  /** Shows a bar with `children`, or none where they are null. `kind` is `alarm`, `warning` or `info`. */
  set(id, kind, children) {
    const old = this.#bars.get(id);
    if (children === null) {
      if (this.#bars.delete(id)) this.#paint();
      return;
    }
    const bar = el("div", {
      class: `bar-notice is-${kind}`, "data-id": id, role: kind === "alarm" ? "alert" : null,
    }, ...children);
    // What says the same stays: an alert that is replaced is read out again.
    if (old?.isEqualNode(bar)) return;
    this.#bars.set(id, bar);
    this.#paint();
  }

  has(id) { return this.#bars.has(id); }

  /** What is in the bar `id`. */
  find(id, selector) { return this.#bars.get(id)?.querySelector(selector) ?? null; }

  #paint() {
    const ids = [...this.#bars.keys()].sort((left, right) => rank(left) - rank(right));
    keep(this.#root, ids.map(id => this.#bars.get(id)));
  }
}

function rank(id) { return order.indexOf(id.split(" ")[0]); }

/** Speaks to screen readers, at most once in five seconds. Never of ages. */
export class Announcer {
  #element;
  #waiting = [];
  #timer = null;

  constructor(element) { this.#element = element; }

  /** Says `text`; at once where a person asked for it. */
  say(text, isAsked = false) {
    if (isAsked) {
      this.#element.textContent = text;
      return;
    }
    this.#waiting.push(text);
    if (this.#timer === null) this.#speak();
  }

  #speak() {
    if (this.#waiting.length === 0) {
      this.#timer = null;
      return;
    }
    const [first, ...more] = this.#waiting;
    this.#element.textContent = more.length === 0 ? first : `${first}, and ${more.length} more changes`;
    this.#waiting = [];
    this.#timer = setTimeout(() => this.#speak(), 5_000);
  }
}
