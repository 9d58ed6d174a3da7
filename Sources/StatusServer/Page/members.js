// The members, worst first, and whoever else is known by name.

import { mark, state } from "./marks.js";
import { makeRow, updateRow } from "./memberrow.js";
import { adjusted, go, href } from "./route.js";
import { compare, compareNames, states } from "./store.js";
import { keep, table } from "./table.js";
import { counted, el, named, number } from "./text.js";
import { VirtualList } from "./virtuallist.js";

const columns = [
  { name: "status", title: "Status", by: "status" },
  { name: "name", title: "Name", by: "name" },
  { name: "since", title: "Since", by: "since" },
  { name: "why", title: "Why" },
  { name: "sources", title: "Sources" },
  { name: "addresses", title: "Addresses", by: "address" },
];

const byName = (left, right) => compare(left.order, right.order) || compare(left.key, right.key);

const orders = {
  status: (left, right) => left.rank - right.rank || right.since - left.since || byName(left, right),
  name: byName,
  since: (left, right) => right.since - left.since || byName(left, right),
  address: (left, right) => compareNames(left.addresses[0] ?? "", right.addresses[0] ?? "") || byName(left, right),
};

const orderWords = {
  status: ["worst first", "best first"], name: ["A to Z", "Z to A"], since: ["newest first", "oldest first"],
  address: ["lowest first", "highest first"],
};

/** What `f` goes through. */
const cycle = [null, "missing", "notready", "stale", "left", "ready", "conflict"];

export const tab = {
  id: "members", key: "m", title: "Members",
  badge: store => [number(store.counts.listed)],
  create: app => new Members(app),
};

class Members {
  element = el("section", { class: "view members", "aria-labelledby": "members-title" });
  #app;
  #route = null;
  #list;
  #table;
  #scroller;
  #chips = el("div", { class: "chips", role: "group", "aria-label": "Filter by status" });
  #tokens = el("div", { class: "tokens" });
  #extra = el("div", { class: "extra" });
  #moved = el("div", { class: "moved", hidden: true });
  #empty = el("div", { class: "empty", hidden: true });
  #count = el("span");
  #sort = el("span", { class: "wide" });
  #revision = el("span", { class: "wide" });
  /** What each row was sorted by when it was last put in its place. */
  #placed = new Map();
  /** Rows that are gone but stay in their place until the list is sorted again. */
  #ghosts = new Map();
  /** Where the mouse is; null where it isn't over the page. */
  #pointer = null;
  #filter = null;
  #buttons = new Map();

  constructor(app) {
    this.#app = app;
    this.#table = table("Members",
      columns.map(column => ({ ...column, sort: column.by ? "none" : null })), { class: "rows" });
    this.#heads();
    this.#scroller = el("div", { class: "scroller", tabindex: "-1" }, this.#table.element, this.#empty);
    this.#list = new VirtualList(this.#scroller, this.#table, columns.length,
      makeRow, (element, key) => this.#update(element, key));
    this.#followPointer();
    this.#table.body.addEventListener("focusout", event => {
      if (!this.#table.body.contains(event.relatedTarget)) queueMicrotask(() => this.changed());
    });
    this.#scroller.addEventListener("scroll", () => {
      if (this.#scroller.scrollTop === 0) this.changed();
    }, { passive: true });
    // The whole row is a link's target for a pointer; the link is there for the keys and for screen readers.
    this.#table.body.addEventListener("click", event => {
      if (event.target.closest("a,button") || getSelection()?.toString()) return;
      event.target.closest("tr")?.querySelector("a[data-open]")?.click();
    });
    this.element.append(
      el("h2", { id: "members-title", class: "hidden", tabindex: "-1" }, "Members"),
      el("div", { class: "filters" }, this.#chips, this.#tokens, this.#extra),
      this.#moved, this.#scroller,
      el("footer", { class: "foot" }, this.#count, this.#sort, this.#revision,
        el("span", { class: "space" }),
        el("button", { type: "button", class: "plain wide", onclick: () => app.help() }, el("kbd", {}, "?"), " keys"),
        el("a", { class: "wide", href: "v1/members", target: "_blank", rel: "noopener" }, "/v1/members as JSON")),
    );
  }

  /** Column heads that sort are buttons, made once: a sort must not take the focus away. */
  #heads() {
    columns.forEach((column, index) => {
      if (!column.by) return;
      const button = el("button", { type: "button", class: "sort", onclick: () => this.#sortBy(column.by) },
        column.title, el("span", { class: "arrow", "aria-hidden": "true" }));
      this.#table.head.children[index].replaceChildren(button);
    });
  }

  /**
   * Where the mouse is, by its place. What the browser says of entering and leaving is wrong for a moment whenever a
   * cell under the mouse is made anew.
   */
  #followPointer() {
    const follow = event => {
      const had = this.#pointer !== null;
      this.#pointer = event.pointerType === "mouse" ? [event.clientX, event.clientY] : null;
      if (had && !this.#moved.hidden && !this.#isHeld) this.changed();
    };
    addEventListener("pointermove", follow, { passive: true });
    document.documentElement.addEventListener("mouseleave", () => {
      this.#pointer = null;
      this.changed();
    });
  }

  get #hasPointer() {
    return this.#pointer !== null
      && (document.elementFromPoint(...this.#pointer)?.closest("tbody") ?? null) === this.#table.body;
  }

  // What is shown.

  show(route) {
    this.#route = route;
    const params = route.params;
    const sort = params.get("sort") ?? "status";
    const by = sort.replace(/^-/, "");
    this.#filter = {
      words: (params.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean),
      states: new Set((params.get("state") ?? "").split(",").filter(Boolean)),
      flag: params.get("flag"),
      all: params.get("all") === "1",
      set: params.get("in"),
      lacks: params.get("lacks"),
      sort: orders[by] ? by : "status",
      isReversed: sort.startsWith("-"),
    };
    this.#arrange();
    this.#paint();
  }

  changed() {
    if (this.#route === null || !this.element.isConnected) return;
    if (this.#isHeld) this.#hold(); else this.#arrange();
    this.#paint();
  }

  tick() { this.#revision.textContent = this.#app.revision ? `revision ${this.#app.revision}` : ""; }

  get #isHeld() {
    return this.#list.hasFocus || this.#list.isScrolled || this.#hasPointer;
  }

  #selected() {
    const { words, states: wanted, flag, all, set, lacks } = this.#filter;
    const order = this.#app.store.registries.map(registry => registry.metadata.id);
    return this.#app.store.members(all).filter(member =>
      (wanted.size === 0 || wanted.has(member.state))
      && (flag === null || member.flags.includes(flag))
      && (lacks === null || (member.isListed && !member.isLocal && !member.registries.has(lacks)))
      && (set === null || order.filter(id => member.registries.has(id)).join(",") === set)
      && words.every(word => member.text.includes(word)));
  }

  /** Puts everything in its place. */
  #arrange() {
    const members = this.#selected().sort(orders[this.#filter.sort]);
    if (this.#filter.isReversed) members.reverse();
    this.#ghosts.clear();
    this.#placed = new Map(members.map(member => [member.key, this.#sortKey(member)]));
    this.#list.keys = members.map(member => member.key);
    this.#moved.hidden = true;
  }

  /**
   * Leaves each row where it is, as somebody is about to click it, or reads there: what would move is counted, and
   * waits.
   */
  #hold() {
    const members = this.#selected();
    let moved = 0;
    const there = new Set();
    for (const member of members) {
      there.add(member.key);
      if (this.#placed.get(member.key) !== this.#sortKey(member)) moved += 1;
    }
    for (const key of this.#list.keys) if (!there.has(key)) moved += 1;
    this.#list.render();
    this.#moved.hidden = moved === 0;
    if (moved > 0) {
      this.#moved.replaceChildren(
        counted(moved, "row"), " moved ",
        el("button", { type: "button", class: "link", onclick: () => this.#resort() }, "resort"));
    }
  }

  #resort() {
    this.#scroller.scrollTop = 0;
    this.#arrange();
    this.#paint();
  }

  #sortKey(member) {
    switch (this.#filter.sort) {
      case "status": return `${member.rank} ${member.since}`;
      case "since": return String(member.since);
      case "address": return member.addresses[0] ?? "";
      default: return member.id;
    }
  }

  // The frame around the list.

  #paint() {
    const { store } = this.#app;
    const { counts } = store;
    const filter = this.#filter;
    const known = new Set(["listed", "conflict", "flapping", "superseded", "tombstones", "unlisted", ...states]);
    const others = Object.keys(counts).filter(name => !known.has(name));
    for (const name of [...states, ...others]) this.#chip(name, name, counts[name], filter.states.has(name));
    this.#chip("conflict", "in conflict", counts.conflict, filter.flag === "conflict");
    if (counts.flapping > 0 || filter.flag === "flapping" || this.#buttons.has("flapping")) {
      this.#chip("flapping", "flapping", counts.flapping, filter.flag === "flapping");
    }
    const tokens = [];
    if (filter.set !== null) {
      const names = filter.set.split(",").join(", ");
      tokens.push(this.#token(names === "" ? "in no registry" : `only in ${names}`, "in"));
    }
    if (filter.lacks !== null) tokens.push(this.#token(`not in ${filter.lacks}`, "lacks"));
    keep(this.#tokens, tokens);
    const extra = [
      counts.superseded > 0 && `${number(counts.superseded)} superseded`,
      counts.unlisted > 0 && `${number(counts.unlisted)} unlisted`,
      counts.tombstones > 0 && counted(counts.tombstones, "tombstone"),
    ].filter(Boolean);
    keep(this.#extra, extra.length === 0 && !filter.all ? [] : [
      el("span", {}, extra.join(", ") || "nobody else"),
      el("button", {
        type: "button", class: "link", "aria-pressed": String(filter.all),
        onclick: () => this.#adjust({ all: filter.all ? null : "1" }),
      }, filter.all ? "hide" : "show"),
    ]);
    columns.forEach((column, index) => {
      if (!column.by) return;
      const isSorted = filter.sort === column.by;
      const descends = isSorted && filter.isReversed;
      this.#table.head.children[index].setAttribute("aria-sort",
        isSorted ? descends ? "descending" : "ascending" : "none");
    });
    const total = store.members(filter.all).length;
    const shown = this.#list.keys.length;
    this.#count.textContent = `${number(shown)} of ${number(total)}`;
    this.#sort.textContent = `sorted by ${filter.sort}, ${orderWords[filter.sort][Number(filter.isReversed)]}`;
    this.#table.element.hidden = shown === 0;
    this.#empty.hidden = shown > 0;
    if (shown === 0) this.#nobody(total);
    this.tick();
  }

  /** The button of a filter. It is made once: one that is replaced between press and release can't be clicked. */
  #chip(name, word, count, isPressed) {
    let button = this.#buttons.get(name);
    if (button === undefined) {
      const isFlag = name === "conflict" || name === "flapping";
      button = el("button", {
        type: "button", class: `chip is-${name}`,
        onclick: () => isFlag ? this.#adjust({ flag: this.#filter.flag === name ? null : name })
          : this.#toggleState(name),
      }, mark(name), el("b"), el("span", { class: "word" }, word));
      this.#buttons.set(name, button);
      this.#chips.append(button);
    }
    const text = number(count);
    if (button.children[1].textContent !== text) button.children[1].textContent = text;
    button.classList.toggle("is-none", count === 0);
    button.setAttribute("aria-pressed", String(isPressed));
  }

  #token(text, parameter) {
    return el("span", { class: "token" }, text, el("button", {
      type: "button", "aria-label": `No longer ${text}`, "data-key": parameter,
      onclick: () => this.#adjust({ [parameter]: null }),
    }, "×"));
  }

  #nobody(total) {
    const { store } = this.#app;
    if (!store.isSynced) {
      // Nothing flickers where it takes but a moment: the style sheet lets these come after 300 ms.
      keep(this.#empty, [el("div", { class: "skeleton", "aria-hidden": "true", "data-key": "skeleton" },
        ...Array.from({ length: 8 }, () => el("div")))]);
      this.#empty.setAttribute("aria-busy", "true");
      return;
    }
    this.#empty.removeAttribute("aria-busy");
    if (total > 0) {
      keep(this.#empty, [
        el("h3", {}, "Nobody matches"),
        el("p", {}, `${counted(total, "member")} ${total === 1 ? "is" : "are"} hidden by the search and the filters.`),
        el("button", { type: "button", class: "button", onclick: () => this.clear() }, "Show all"),
      ]);
      return;
    }
    const registries = store.registries;
    keep(this.#empty, [
      el("h3", {}, "No members"),
      registries.length === 0
        ? el("p", {}, "No registry is configured. Name one in rollcall.yaml, below cluster.discovery.registries: ",
          "a file of nodes is enough.")
        : el("ul", {}, ...registries.map(registry => {
          const { state: how, records, lastError } = registry.status;
          const why = registry.spec.disabledReason ?? lastError?.message;
          return el("li", {}, state(how), " ", el("a", { href: href("registries") }, named(registry.metadata.id)), " ",
            el("span", { class: "muted" }, `${counted(records, "record")}${why ? `: ${why}` : ""}`));
        })),
      el("p", { class: "muted" }, "What a registry lists becomes a member as soon as a nodename is known. ",
        el("code", {}, "rollcall get affiliates"), " shows also those without one, ",
        el("code", {}, "rollcall config check"), " whether the file is right."),
    ]);
  }

  #update(element, key) {
    const { store } = this.#app;
    const current = store.member(key);
    const member = current ?? this.#ghosts.get(key) ?? element.member;
    if (!member) return;
    if (current === undefined) this.#ghosts.set(key, member);
    updateRow(element, member, current === undefined, store.registries);
  }

  // What a person does.

  #adjust(changes) { go(adjusted(this.#route, changes)); }

  #toggleState(name) {
    const wanted = new Set(this.#filter.states);
    if (!wanted.delete(name)) wanted.add(name);
    this.#adjust({ state: [...wanted].join(",") || null });
  }

  #sortBy(by) {
    const isSame = this.#filter.sort === by;
    const sort = isSame && !this.#filter.isReversed ? `-${by}` : by;
    this.#adjust({ sort: sort === "status" ? null : sort });
  }

  cycleFilter() {
    const { states: wanted, flag } = this.#filter;
    const now = flag ?? [...wanted][0] ?? null;
    const next = cycle[(cycle.indexOf(now) + 1) % cycle.length];
    this.#adjust({ state: next === "conflict" ? null : next, flag: next === "conflict" ? next : null });
    this.#app.announce(next === null ? "all members" : `only ${next === "conflict" ? "in conflict" : next}`, true);
  }

  clear() { go(href("members")); }

  move(step) { this.#list.move(step); }
  focusActive() { if (this.#list.active !== null) this.#list.focus(this.#list.active); }

  get subject() {
    const member = this.#app.store.member(this.#list.active ?? "");
    return member ? { id: member.nodeId, name: member.id } : null;
  }
}
