// A list of which only the rows in view are in the document. All rows are of one height, so where a row is follows
// from its number.

import { el } from "./text.js";

/** The most rows at a time. */
const maximumRows = 72;
const margin = 8;

export class VirtualList {
  #scroller;
  #body;
  #columns;
  #make;
  #update;
  #rows = new Map();
  #above;
  #below;
  #keys = [];
  #active = null;
  #frame = 0;
  #height = 0;
  #top = 0;
  /** Called with the active key when another one is. */
  onActive = () => {};

  /**
   * `make(key)` makes a row, `update(row, key)` brings one up to date. The link in a row, `a[data-open]`, takes
   * the focus; only the active row's is reached by the tabulator.
   */
  constructor(scroller, table, columns, make, update) {
    this.#scroller = scroller;
    this.#body = table.body;
    this.#columns = columns;
    this.#make = make;
    this.#update = update;
    this.table = table.element;
    this.#above = this.#spacer();
    this.#below = this.#spacer();
    this.#body.append(this.#above, this.#below);
    scroller.addEventListener("scroll", () => this.#schedule(), { passive: true });
    new ResizeObserver(() => { this.#height = 0; this.render(); }).observe(scroller);
    this.#body.addEventListener("focusin", event => {
      const key = event.target.closest("tr")?.key;
      if (key !== undefined) this.#activate(key);
    });
  }

  #spacer() {
    return el("tr", { class: "spacer", role: "presentation", "aria-hidden": "true" },
      el("td", { role: "presentation", colspan: this.#columns }));
  }

  get keys() { return this.#keys; }
  get active() { return this.#active; }
  get hasFocus() { return this.#body.contains(document.activeElement); }
  get isScrolled() { return this.#scroller.scrollTop > 0; }

  set keys(keys) {
    this.#keys = keys;
    this.table.setAttribute("aria-rowcount", String(keys.length + 1));
    if (this.#active === null || !keys.includes(this.#active)) this.#active = keys[0] ?? null;
    this.render();
  }

  /** The height of a row, as the style sheet has it for this width; and that of the head, where the first row is. */
  get rowHeight() {
    // Asked for once a width: to ask in each frame is to lay everything out once more in each frame.
    if (this.#height === 0) {
      this.#height = parseFloat(getComputedStyle(this.table).getPropertyValue("--row-height")) || 32;
      this.#top = this.table.tHead?.offsetHeight ?? 0;
    }
    return this.#height;
  }

  #schedule() {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.render();
    });
  }

  /** Brings the rows in view up to date. */
  render() {
    if (!this.table.isConnected) return;
    const height = this.rowHeight;
    const top = Math.max(0, this.#scroller.scrollTop - this.#top);
    const shown = Math.min(Math.ceil(this.#scroller.clientHeight / height) + 2 * margin, maximumRows);
    const first = Math.max(0, Math.min(Math.floor(top / height) - margin, this.#keys.length - shown));
    const keys = this.#keys.slice(first, first + shown);
    const wanted = new Set(keys);
    const hadFocus = this.hasFocus;
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    let place = this.#above;
    keys.forEach((key, index) => {
      let row = this.#rows.get(key);
      if (row === undefined) {
        row = this.#make(key);
        row.key = key;
        this.#rows.set(key, row);
      }
      // Moving an element takes its focus away, so only what isn't in its place is moved.
      if (place.nextSibling !== row) place.after(row);
      place = row;
      this.#update(row, key);
      const number = String(first + index + 2);
      if (row.getAttribute("aria-rowindex") !== number) row.setAttribute("aria-rowindex", number);
      const stop = key === this.#active ? "0" : "-1";
      const link = row.querySelector("a[data-open]");
      if (link !== null && link.getAttribute("tabindex") !== stop) link.setAttribute("tabindex", stop);
    });
    stretch(this.#above, first * height);
    stretch(this.#below, (this.#keys.length - first - keys.length) * height);
    // The row with the focus went out of view: the keys still work, and it has the focus again when it comes back.
    if (hadFocus && !this.hasFocus) this.#scroller.focus({ preventScroll: true });
  }

  /** The row of `key`, where it is in view. */
  row(key) { return this.#rows.get(key); }

  #activate(key) {
    if (key === this.#active) return;
    this.#link(this.#active)?.setAttribute("tabindex", "-1");
    this.#active = key;
    this.#link(key)?.setAttribute("tabindex", "0");
    this.onActive(key);
  }

  #link(key) { return this.#rows.get(key)?.querySelector("a[data-open]"); }

  /** Moves the focus by so many rows; into the list where it isn't there yet. */
  move(step) {
    if (this.#keys.length === 0) return;
    const from = this.#keys.indexOf(this.#active);
    const isIn = this.hasFocus || document.activeElement === this.#scroller;
    const to = isIn ? Math.max(0, Math.min(this.#keys.length - 1, from + step)) : Math.max(0, from);
    this.focus(this.#keys[to]);
  }

  /** Gives the row of `key` the focus. */
  focus(key) {
    const index = this.#keys.indexOf(key);
    if (index < 0) return;
    this.#activate(key);
    const [top, height] = [this.#top + index * this.rowHeight, this.rowHeight];
    const head = this.table.tHead?.offsetHeight ?? 0;
    const scroller = this.#scroller;
    if (top - head < scroller.scrollTop) scroller.scrollTop = top - head;
    else if (top + height > scroller.scrollTop + scroller.clientHeight) {
      scroller.scrollTop = top + height - scroller.clientHeight;
    }
    this.render();
    this.#link(key)?.focus({ preventScroll: true });
  }
}

/** Makes a spacer as high as the rows that aren't there. */
function stretch(spacer, height) {
  if (spacer.room === height) return;
  spacer.room = height;
  spacer.hidden = height <= 0;
  spacer.firstChild.style.height = `${Math.max(0, height)}px`;
}
