// What happened, the newest first; and when much of it did.

import { age, minute, now } from "./clock.js";
import { mark } from "./marks.js";
import { adjusted, go, href } from "./route.js";
import { keep, momentOf, table, ticking } from "./table.js";
import { counted, el, named, number } from "./text.js";
import { VirtualList } from "./virtuallist.js";

const hour = 3_600_000;
const ranges = { "10m": hour / 6, "1h": hour, "24h": 24 * hour };
const bins = 144;
const span = 24 * hour;
/** So many transitions of one node, each so soon after the one before, are one line. */
const foldFrom = 3;
const foldWithin = hour / 6;

const kinds = [["member", "members"], ["registry", "registries"], ["conflict", "conflicts"]];

export const tab = {
  id: "history", key: "h", title: "History",
  badge: () => [],
  create: app => new HistoryView(app),
};

/** What an entry says changed: `ready → missing`. */
export function changeWords(entry) {
  // From one identity to another one: these are no states.
  if (entry.type === "member" && entry.from?.endsWith("…")) return [`${entry.from} → ${entry.to}`];
  const to = el("span", { class: `is-${entry.to}` }, entry.to);
  return entry.from ? [entry.from, el("span", { class: "faint" }, " → "), to] : [to];
}

class HistoryView {
  element = el("section", { class: "view history", "aria-labelledby": "history-title" });
  #app;
  #route = null;
  #scroller;
  #list;
  #table;
  #items = new Map();
  #unfolded = new Set();
  #ranges;
  #kinds;
  #chosen = el("span", { class: "tokens" });
  #chart;
  #bars = [];
  #brush;
  #peak = el("span", { class: "muted small" });
  #empty = el("div", { class: "empty", hidden: true });
  #count = el("span");

  constructor(app) {
    this.#app = app;
    this.#table = table("History", [
      { name: "time", title: "Time" }, { name: "who", title: "Who" }, { name: "change", title: "Change" },
      { name: "why", title: "Why" },
    ], { class: "rows history-rows" });
    this.#scroller = el("div", { class: "scroller", tabindex: "-1" }, this.#table.element, this.#empty);
    this.#list = new VirtualList(this.#scroller, this.#table, 4,
      () => this.#make(), (row, key) => this.#update(row, key));
    this.#ranges = Object.keys(ranges).map(name => el("button", {
      type: "button", class: "chip",
      onclick: () => this.#adjust({ range: name === "24h" ? null : name, from: null, to: null }),
    }, name));
    this.#kinds = kinds.map(([kind, words]) => el("button", {
      type: "button", class: "chip", onclick: () => this.#toggle(kind),
    }, words));
    this.#makeChart();
    this.element.append(
      el("h2", { id: "history-title", class: "hidden", tabindex: "-1" }, "History"),
      el("div", { class: "filters" },
        el("div", { class: "chips", role: "group", "aria-label": "Time" }, ...this.#ranges),
        el("div", { class: "chips", role: "group", "aria-label": "What" }, ...this.#kinds),
        this.#chosen, el("span", { class: "space" }), el("div", { class: "chart-box wide" }, this.#chart, this.#peak)),
      this.#scroller,
      el("footer", { class: "foot" }, this.#count, el("span", { class: "space" }),
        el("a", { class: "wide", href: "v1/history", target: "_blank", rel: "noopener" }, "/v1/history as JSON")));
  }

  show(route) {
    this.#route = route;
    this.#paint();
  }

  changed(changes) {
    if (this.element.isConnected && (changes.history.size > 0 || this.#items.size === 0)) this.#paint();
  }

  tick() {
    if (this.element.isConnected) this.#paintChart();
  }

  move(step) { this.#list.move(step); }
  focusActive() { if (this.#list.active) this.#list.focus(this.#list.active); }

  get subject() {
    const entry = this.#items.get(this.#list.active)?.entries?.[0];
    return entry ? { id: entry.nodeId ?? entry.id, name: entry.id } : null;
  }

  // Which.

  get #range() {
    const { params } = this.#route;
    const [from, to] = [Date.parse(params.get("from") ?? ""), Date.parse(params.get("to") ?? "")];
    if (Number.isFinite(from) && Number.isFinite(to) && from < to) return { from, to, isChosen: true };
    return { from: now() - (ranges[params.get("range")] ?? span), to: Infinity, isChosen: false };
  }

  get #types() {
    const wanted = (this.#route.params.get("types") ?? "").split(",").filter(Boolean);
    return new Set(wanted.length > 0 ? wanted : kinds.map(([kind]) => kind));
  }

  #paint() {
    const { from, to, isChosen } = this.#range;
    const types = this.#types;
    const isAll = kinds.every(([kind]) => types.has(kind));
    const entries = this.#app.store.history.filter(entry => entry.time >= from && entry.time <= to
      && (types.has(entry.type) || (isAll && !kinds.some(([kind]) => kind === entry.type))));
    this.#items = new Map([...isChosen ? [] : [["now", { key: "now" }]], ...this.#folded(entries)]);
    this.#list.keys = [...this.#items.keys()];
    this.#ranges.forEach(button => button.setAttribute("aria-pressed",
      String(!isChosen && (this.#route.params.get("range") ?? "24h") === button.textContent)));
    this.#kinds.forEach((button, index) => button.setAttribute("aria-pressed", String(types.has(kinds[index][0]))));
    keep(this.#chosen, isChosen ? [el("span", { class: "token" }, `${minute(from)} to ${minute(to)}`,
      el("button", {
        type: "button", "aria-label": "Any time", onclick: () => this.#adjust({ from: null, to: null }),
      }, "×"))] : []);
    this.#count.textContent = counted(entries.length, "entry", "entries");
    const isEmpty = entries.length === 0;
    this.#table.element.hidden = isEmpty;
    this.#empty.hidden = !isEmpty;
    if (isEmpty) {
      keep(this.#empty, this.#app.store.isSynced ? [el("h3", {}, "Nothing happened"),
        el("p", { class: "muted" },
          isAll ? "In this time nothing changed." : "Nothing of that kind changed in this time.")]
        : [el("div", { class: "skeleton", "aria-hidden": "true" }, ...Array.from({ length: 6 }, () => el("div")))]);
    }
    this.#paintChart();
  }

  /** Entries, with those of a node that comes and goes as one item. */
  #folded(entries) {
    const items = [];
    for (let index = 0; index < entries.length;) {
      const first = entries[index];
      let end = index + 1;
      while (first.type === "member" && end < entries.length && entries[end].type === "member"
        && entries[end].id === first.id && entries[end - 1].time - entries[end].time <= foldWithin) end += 1;
      const group = entries.slice(index, end);
      const key = `fold ${entries[end - 1].key}`;
      if (group.length >= foldFrom && !this.#unfolded.has(key)) {
        items.push([key, { key, entries: group, isFold: true }]);
      } else for (const entry of group) items.push([entry.key, { key: entry.key, entries: [entry] }]);
      index = end;
    }
    return items;
  }

  // Rows.

  #make() {
    const cells = ["time", "who", "change", "why"].map(name => el("td", { role: "cell", class: name }));
    const row = el("tr", { role: "row" }, ...cells);
    row.cells4 = cells;
    return row;
  }

  #update(row, key) {
    const item = this.#items.get(key);
    const signature = item.entries?.map(entry => `${entry.key} ${entry.to} ${entry.count}`).join("|") ?? key;
    if (row.signature === signature) return;
    row.signature = signature;
    const [time, who, change, why] = row.cells4;
    row.className = "";
    if (!item.entries) {
      row.className = "is-now";
      time.replaceChildren(ticking("span", { class: "moment" }, () => minute(now())));
      who.replaceChildren(el("span", { class: "muted" }, "now"));
      return;
    }
    const entry = item.entries[0];
    time.replaceChildren(momentOf(entry.time));
    who.replaceChildren(whoOf(entry));
    if (item.isFold || entry.count > 1) {
      const times = item.entries.reduce((sum, one) => sum + (one.count ?? 1), 0);
      change.replaceChildren(el("span", { class: "is-notready" }, `flapped ${number(times)} times`),
        ...item.isFold ? [" ", el("button", { type: "button", class: "link", onclick: () => {
          this.#unfolded.add(key);
          this.#paint();
        } }, "unfold")] : []);
      const first = item.entries.at(-1);
      why.replaceChildren(el("span", { class: "sentence" }, item.isFold
        ? `${minute(first.time)} to ${minute(entry.time)}, now ${entry.to}` : `now ${entry.to}`));
    } else {
      change.replaceChildren(...changeWords(entry));
      const sentence = entry.message || entry.reason || "";
      why.replaceChildren(el("span", { class: "sentence", title: sentence }, sentence));
    }
  }

  // When.

  #makeChart() {
    this.#chart = el("svg", {
      class: "chart", viewBox: `0 0 ${bins} 28`, preserveAspectRatio: "none", role: "img",
    });
    this.#bars = Array.from({ length: bins }, (_, index) =>
      el("rect", { x: index + 0.12, width: 0.76, y: 27, height: 1, class: "bar" }));
    this.#brush = el("rect", { class: "brush", y: 0, height: 28, x: 0, width: 0 });
    this.#chart.append(...this.#bars, this.#brush);
    let start = null;
    const place = event => {
      const box = this.#chart.getBoundingClientRect();
      return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
    };
    const draw = end => {
      this.#brush.setAttribute("x", String(Math.min(start, end) * bins));
      this.#brush.setAttribute("width", String(Math.abs(end - start) * bins));
    };
    this.#chart.addEventListener("pointerdown", event => {
      start = place(event);
      this.#chart.setPointerCapture(event.pointerId);
    });
    this.#chart.addEventListener("pointermove", event => { if (start !== null) draw(place(event)); });
    this.#chart.addEventListener("pointerup", event => {
      if (start === null) return;
      const [from, to] = [start, place(event)].sort((left, right) => left - right);
      start = null;
      // A click is the bar under it.
      const width = Math.max(to - from, 1 / bins);
      const begin = now() - span;
      this.#adjust({
        from: new Date(begin + from * span).toISOString(), to: new Date(begin + (from + width) * span).toISOString(),
      });
    });
    this.#chart.addEventListener("pointercancel", () => { start = null; });
  }

  #paintChart() {
    const begin = now() - span;
    const counts = new Array(bins).fill(0);
    for (const entry of this.#app.store.history) {
      const bin = Math.floor((entry.time - begin) / span * bins);
      if (bin >= 0 && bin < bins) counts[bin] += entry.count ?? 1;
    }
    const most = Math.max(...counts, 1);
    this.#bars.forEach((bar, index) => {
      // What is there is seen beside what is a thousand times as much.
      const height = counts[index] === 0 ? 0.8 : 3 + 25 * Math.sqrt(counts[index] / most);
      bar.setAttribute("y", String(28 - height));
      bar.setAttribute("height", String(height));
      bar.classList.toggle("is-some", counts[index] > 0);
    });
    const { from, to, isChosen } = this.#range;
    this.#brush.setAttribute("x", String(isChosen ? Math.max(0, (from - begin) / span * bins) : 0));
    this.#brush.setAttribute("width", String(isChosen ? Math.max(0.5, (to - from) / span * bins) : 0));
    const total = counts.reduce((sum, count) => sum + count, 0);
    this.#peak.textContent = "24 h, drag to choose";
    const peak = begin + (counts.indexOf(most) + 0.5) / bins * span;
    this.#chart.setAttribute("aria-label", total === 0 ? "No changes in the last 24 hours"
      : `${counted(total, "change")} in the last 24 hours, most of them ${age(peak)} ago`);
  }

  #adjust(changes) { go(adjusted(this.#route, changes)); }

  #toggle(kind) {
    const types = this.#types;
    if (types.has(kind) && types.size === kinds.length) {
      // From all of them the first choice is that one alone.
      this.#adjust({ types: kind });
      return;
    }
    if (!types.delete(kind)) types.add(kind);
    this.#adjust({ types: types.size === 0 || types.size === kinds.length ? null : [...types].join(",") });
  }
}

function whoOf(entry) {
  const kind = entry.type === "member" ? entry.to : entry.type === "conflict" ? "conflict" : entry.to;
  const target = {
    member: () => href("node", entry.nodeId ?? entry.id), registry: () => href("registries"),
    conflict: () => href("conflicts"),
  }[entry.type];
  return el("span", { class: "who-box" }, mark(kind),
    target ? el("a", { "data-open": true, tabindex: "-1", href: target() }, named(entry.id, 40)) : named(entry.id, 40),
    entry.type === "member" ? null : el("span", { class: "muted small" }, entry.type));
}
