// What contradicts itself, and who says so: each claim a line.

import { mark } from "./marks.js";
import { adjusted, go, href } from "./route.js";
import { ageOf, keep } from "./table.js";
import { counted, el, named, number } from "./text.js";

/** The most that are in the document. */
const maximumShown = 200;

export const tab = {
  id: "conflicts", key: "c", title: "Conflicts",
  badge: store => [number(store.conflicts().length)],
  create: app => new Conflicts(app),
};

const kinds = {
  address: "address", nodename: "name", publicKey: "public key", identity: "identity", match: "match",
};

class Conflicts {
  element = el("section", { class: "view", "aria-labelledby": "conflicts-title" });
  #app;
  #route = null;
  #list = el("div", { class: "conflicts" });
  #all;
  #allCount = el("span");

  constructor(app) {
    this.#app = app;
    this.#all = el("input", {
      type: "checkbox", id: "conflicts-all",
      onchange: () => go(adjusted(this.#route, { all: this.#all.checked ? "1" : null })),
    });
    this.element.append(el("div", { class: "scroller", tabindex: "-1" }, el("div", { class: "page" },
      el("h2", { id: "conflicts-title", class: "hidden", tabindex: "-1" }, "Conflicts"), this.#list,
      el("p", { class: "option" }, this.#all, el("label", { for: "conflicts-all" },
        "also what registries merely write differently ", this.#allCount)))));
  }

  show(route) {
    this.#route = route;
    this.#paint();
  }

  changed(changes) {
    if (this.element.isConnected && changes.conflicts.size > 0) this.#paint();
  }

  tick() {}

  #paint() {
    const { store } = this.#app;
    const all = this.#route.params.get("all") === "1";
    this.#all.checked = all;
    this.#allCount.textContent = `(${number(store.conflicts(true).length - store.conflicts().length)})`;
    const conflicts = store.conflicts(all);
    const cards = conflicts.slice(0, maximumShown).map(conflict => this.#card(conflict));
    if (conflicts.length > maximumShown) {
      cards.push(el("p", { class: "muted" },
        `and ${counted(conflicts.length - maximumShown, "more", "more")}: `,
        el("code", {}, "rollcall get conflicts --all")));
    }
    if (conflicts.length === 0 && store.isSynced) {
      cards.push(el("div", { class: "empty" }, el("h3", {}, "No conflicts"),
        el("p", { class: "muted" }, "No name, address, key or identity is claimed by two machines.")));
    }
    keep(this.#list, cards);
  }

  #card({ metadata, spec }) {
    const isInfo = spec.severity === "info";
    // What registries say differently of one node is called as that node; anything else as what is claimed.
    const isOfNode = metadata.id.startsWith("field/") || metadata.id.startsWith("label/");
    const claimed = metadata.id.slice(metadata.id.indexOf("/") + 1);
    const subject = isOfNode ? spec.nodes[0] ?? claimed : claimed;
    const kind = isInfo ? "other" : "conflict";
    const more = spec.nodeCount - spec.claims.length;
    return el("article", { class: `card${isInfo ? " is-info" : ""}` },
      el("h3", {}, el("span", { class: `flag is-${kind}` }, mark(kind)),
        el("span", {}, kinds[spec.kind] ?? spec.kind), " ",
        el("bdi", { class: "subject", title: subject }, named(subject, 56)),
        el("span", { class: "muted when" }, ageOf(Date.parse(spec.since)))),
      spec.claims.length > 0 ? el("ul", { class: "claims" }, ...spec.claims.map(claim => el("li", {},
        el("a", {
          href: href("node", claim.nodeId), "data-key": `${metadata.id} ${claim.nodeId} ${claim.sources.join()}`,
        }, named(claim.node, 48)),
        claim.values ? el("bdi", { class: `datum${claim.chosen ? "" : " muted"}` }, claim.values.join(", ")) : null,
        el("span", { class: "muted" }, claim.sources.join(", ")),
        claim.chosen ? el("span", { class: "tag" }, "shown") : null,
        claim.stale ? el("span", { class: "tag" }, "stale") : null))) : null,
      more > 0 && spec.claims.length > 0
        ? el("p", { class: "muted" }, `and ${counted(more, "more node")}`) : null,
      // Where the claims don't say it all: two machines of one identity, a record that nobody takes.
      ["identity", "match", "nodename"].includes(spec.kind) || spec.claims.length === 0
        ? el("p", { class: "muted" }, spec.message) : null);
  }
}
