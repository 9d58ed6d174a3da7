// Who is known to whom. An UpSet chart: a bar for each set of registries that together know some members, over a
// matrix of dots. It stays readable with 2,000 nodes and eight registries, where a graph of lines is a hairball.
//
// It is a table with bars in it, so what is drawn and what a screen reader is told can't differ.

import { mark, presence, presenceWords, square } from "./marks.js";
import { href } from "./route.js";
import { compareNames } from "./store.js";
import { keep, row, table } from "./table.js";
import { counted, el, named, number, spoken } from "./text.js";

/** Up to so many members each has a row of its own. */
const maximumMatrix = 60;
const maximumSets = 40;

const legend = [
  ["fresh", "fresh"], ["notready", "says not ready"], ["stale", "stale"], ["gone", "gone"], ["nothing", "not there"],
];

export const tab = {
  id: "map", key: "p", title: "Map",
  badge: () => [],
  create: app => new MapView(app),
};

class MapView {
  element = el("section", { class: "view map", "aria-labelledby": "map-title" });
  #app;
  #body = el("div", { class: "page" });
  #route = null;

  constructor(app) {
    this.#app = app;
    this.element.append(el("div", { class: "scroller", tabindex: "-1" }, this.#body));
  }

  show(route) {
    this.#route = route;
    this.#paint();
  }

  changed(changes) {
    if (this.#route && this.element.isConnected && changes.members.size + changes.registries.size > 0) this.#paint();
  }

  tick() {}

  #paint() {
    const { store } = this.#app;
    const registries = store.registries.filter(registry => registry.status.state !== "disabled")
      .map(registry => registry.metadata.id);
    const members = store.members();
    keep(this.#body, [
      el("h2", { id: "map-title", class: "hidden", tabindex: "-1" }, "Map: who is known to whom"),
      members.length === 0 ? el("div", { class: "empty" },
        el("h3", {}, store.isSynced ? "No members" : "Listening …"),
        el("p", { class: "muted" }, "The map shows which registries know which members.")) : null,
      members.length > 0 ? this.#upset(store.sets, registries, members.length) : null,
      members.length > 0 && members.length <= maximumMatrix ? this.#matrix(members, registries) : null,
    ].filter(Boolean));
  }

  #upset(sets, registries, total) {
    const { element, body } = table("Members by the registries that know them", [
      { name: "bar", title: "Members" },
      ...registries.map(id => ({ name: "dot", content: el("span", { class: "tilt" }, named(id, 24)) })),
      { name: "words", title: "Known to" },
    ], { class: "upset" });
    const most = Math.max(...sets.map(set => set.count));
    for (const set of sets.slice(0, maximumSets)) {
      const isIn = id => set.registries.includes(id);
      const troubles = ["missing", "notready", "stale"].filter(state => set.states[state] > 0);
      const [first, last] = [registries.findIndex(isIn), registries.findLastIndex(isIn)];
      body.append(row([
        ["bar", "Members", el("a", {
          href: href("members", null, { in: set.key }), class: "bar-link", "data-key": `set ${set.key}`,
          "aria-label": `${counted(set.count, "member")} ${words(set)}`,
        },
        el("span", { class: "figure" }, number(set.count)),
        el("svg", { class: "set-bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
          el("rect", { x: 0, y: 0, height: 10, width: Math.max(0.6, set.count / most * 100), class: "bar is-some" })))],
        ...registries.map((id, index) => ["dot", id,
          el("svg", { class: "dot-box", "aria-hidden": "true" },
            index > first && index <= last ? bond(0, "50%") : null,
            index >= first && index < last ? bond("50%", "100%") : null,
            el("circle", { cx: "50%", cy: "50%", r: 5, class: isIn(id) ? "dot-in" : "dot-out" })),
          spoken(isIn(id) ? "yes" : "no")]),
        ["words", "Known to", el("span", {}, words(set)),
          ...troubles.map(state => stateOf(state, `${number(set.states[state])} ${state}`))],
      ]));
    }
    return el("section", { class: "part" }, el("h3", {}, `${counted(total, "member")} by who knows them`),
      el("div", { class: "wide-table", role: "group", tabindex: "0", "aria-label": "Sets of registries" }, element),
      sets.length > maximumSets
        ? el("p", { class: "muted" }, `and ${counted(sets.length - maximumSets, "more set")}`) : null);
  }

  #matrix(members, registries) {
    const { element, body } = table("Members and registries", [
      { name: "name", title: "Member" },
      ...registries.map(id => ({ name: "dot", content: el("span", { class: "tilt" }, named(id, 24)) })),
      { name: "words", title: "Status" },
    ], { class: "grid" });
    const sorted = [...members].sort((left, right) => compareNames(left.id, right.id));
    for (const member of sorted) {
      const sources = new Map(member.sources.map(source => [source.registry, source]));
      body.append(row([
        ["name", "Member",
          el("a", { href: href("node", member.id), "data-key": `member ${member.key}` }, named(member.id, 40))],
        ...registries.map(id => {
          const source = sources.get(id);
          const text = source ? presenceWords(source) : member.isLocal ? "this node itself" : "not there";
          const kind = source ? presence(source) : "nothing";
          return ["dot", id,
            el("span", { title: `${id}: ${text}`, class: `source is-${kind}` }, square(kind)), spoken(text)];
        }),
        ["words", "Status", stateOf(member.state, member.state),
          member.isLocal ? el("span", { class: "muted" }, " · this node") : null],
      ]));
    }
    return el("section", { class: "part" }, el("h3", {}, "Each member"),
      el("p", { class: "legend muted" },
        ...legend.map(([kind, text]) => el("span", { class: `source is-${kind}` }, square(kind), el("span", {}, text)))),
      el("div", { class: "wide-table", role: "group", tabindex: "0", "aria-label": "Members by registry" }, element));
  }
}

/** The line between the dots of a set. */
function bond(x1, x2) {
  return el("line", { x1, x2, y1: "50%", y2: "50%", class: "bond" });
}

function stateOf(state, text) {
  return el("span", { class: `state is-${state}` }, mark(state), el("span", {}, text));
}

function words(set) {
  const { registries } = set;
  if (registries.length === 0) return set.isLocal ? "this node itself" : "no registry now";
  return registries.length === 1 ? `${registries[0]} only` : registries.join(", ");
}
