// What is wrong with the cluster's picture as a whole, as bars over the list: a registry that has failed, one that was
// never heard, and what the daemon says of itself.

import * as clock from "./clock.js";
import { href } from "./route.js";
import { ticking } from "./table.js";
import { counted, el, named } from "./text.js";

/** For how long a registry may start before it counts as one that was never heard. */
const startingFor = 5_000;

export class Warnings {
  #bars;
  #shown = new Set();

  constructor(bars) { this.#bars = bars; }

  /** Shows what is to be said of `store`, and the daemon's own `problems`. */
  paint(store, problems) {
    if (!store.isSynced) return;
    const shown = new Map();
    for (const registry of store.registries) {
      const [id, children] = barOf(registry, store);
      if (children) shown.set(id, children);
    }
    problems.forEach((problem, index) => {
      shown.set(`problem ${index}`, [el("strong", {}, "This daemon: "), problem]);
    });
    for (const [id, children] of shown) this.#bars.set(id, "warning", children);
    for (const id of this.#shown) if (!shown.has(id)) this.#bars.set(id, "warning", null);
    this.#shown = new Set(shown.keys());
  }
}

function barOf(registry, store) {
  const { metadata: { id }, status } = registry;
  const since = Date.parse(status.since);
  const link = el("a", { href: href("registries"), "data-key": `why ${id}` }, "why");
  const isUnheard = status.records === 0 && !status.lastSuccess
    && (["degraded", "failed"].includes(status.state)
      || (status.state === "starting" && clock.now() - since > startingFor));
  if (isUnheard) {
    return [`partial ${id}`, [
      el("strong", {}, named(id)), " was never heard since the start: what you see is only a part. ", link,
    ]];
  }
  if (status.state !== "failed") return [id, null];
  const stale = store.members().filter(member => member.state === "stale"
    && member.sources.some(source => source.registry === id && source.presence === "stale")).length;
  return [`stale ${id}`, [
    el("strong", {}, named(id)), " has failed ", ticking("span", { "aria-hidden": "true" }, () => clock.age(since)),
    " ago", stale > 0 ? `: ${counted(stale, "member")} known only from before` : "", ". ", link,
  ]];
}
