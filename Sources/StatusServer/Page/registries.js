// The registries: how each is, what it can't do, and the whole error.

import { age, milliseconds, now } from "./clock.js";
import { state } from "./marks.js";
import { href } from "./route.js";
import { ageOf, row, table, ticking } from "./table.js";
import { el, named, number, spoken } from "./text.js";

const columns = [
  ["registry", "Registry"], ["how", "State"], ["since", "Since"], ["aspect", "Read"], ["aspect", "Publish"],
  ["aspect", "Credentials"], ["count", "Records"], ["lacks", "Lacks"], ["success", "Last success"], ["error", "Error"],
];
/** Counts and the time of the last success move without an event: while somebody looks, they are asked for. */
const interval = 5_000;
const maximumNames = 3;

const troubled = registry => ["degraded", "failed"].includes(registry.status.state);

export const tab = {
  id: "registries", key: "r", title: "Registries",
  badge: store => {
    const bad = store.registries.filter(troubled).length;
    return [
      number(store.registries.length),
      bad > 0 && { kind: "degraded", text: number(bad), words: `${bad} not in sync` },
    ];
  },
  create: app => new Registries(app),
};

class Registries {
  element = el("section", { class: "view", "aria-labelledby": "registries-title" });
  #app;
  #table = table("Registries", columns.map(([name, title]) => ({ name, title })), { class: "cards registries" });
  #empty = el("div", { class: "empty", hidden: true }, el("h3", {}, "No registries"),
    el("p", {}, "None is configured. Name one in rollcall.yaml, below cluster.discovery.registries."));
  #asked = new Map();
  #lastAsked = 0;

  constructor(app) {
    this.#app = app;
    this.element.append(el("div", { class: "scroller", tabindex: "-1" }, el("div", { class: "page" },
      el("h2", { id: "registries-title", class: "hidden", tabindex: "-1" }, "Registries"),
      el("div", { class: "wide-table" }, this.#table.element), this.#empty)));
  }

  show() {
    this.#paint();
    this.#ask();
  }

  changed(changes) {
    if (!this.element.isConnected) return;
    if (changes.registries.size > 0 || changes.members.size > 0) this.#paint();
    if (changes.registries.size > 0) this.#ask();
  }

  tick() {
    if (this.element.isConnected && document.visibilityState === "visible" && this.#app.isLive
      && performance.now() - this.#lastAsked > interval) this.#ask();
  }

  async #ask() {
    this.#lastAsked = performance.now();
    try {
      const answer = await this.#app.ask("v1/registries");
      if (!answer.ok) return;
      this.#asked = new Map(answer.body.items.map(item => [item.metadata.id, item.status]));
      this.#paint();
    } catch {
      // The stream's state says that nobody answers.
    }
  }

  #paint() {
    const { store } = this.#app;
    const { body, element } = this.#table;
    // Who selects an error to copy it must not lose it.
    const selection = getSelection();
    if (selection && !selection.isCollapsed && body.contains(selection.anchorNode)) return;
    const rows = store.registries.map(registry => this.#row(registry));
    const focused = body.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    body.replaceChildren(...rows);
    if (focused) [...body.querySelectorAll("a")].find(link => link.getAttribute("href") === focused)?.focus();
    element.hidden = rows.length === 0;
    this.#empty.hidden = rows.length > 0 || !store.isSynced;
  }

  #row(registry) {
    const { spec, metadata: { id } } = registry;
    const status = registry.status;
    const counts = this.#asked.get(id) ?? status;
    const isDisabled = status.state === "disabled";
    const since = Date.parse(status.since);
    const limit = spec.staleAfter ? since + milliseconds(spec.staleAfter) : NaN;
    const lacking = isDisabled ? [] : this.#app.store.lacking(id);
    const error = status.state === "synced" ? null : status.lastError;
    const others = (status.aspects ?? []).filter(aspect =>
      !aspect.ok && aspect.message && aspect.message !== error?.message);
    const kind = [spec.plugin !== id && spec.plugin, spec.pluginVersion, spec.lease && "leases"].filter(Boolean);
    const names = lacking.slice(0, maximumNames).map(member => member.id).join(" ");
    return row([
      ["registry", "", el("div", { class: "title" }, named(id)),
        el("div", { class: "muted small" }, kind.join(" · "))],
      ["how", "State", state(status.state),
        troubled(registry) && Number.isFinite(limit)
          ? ticking("div", { class: "small muted" },
            () => limit > now() ? `stale in ${age(now(), limit)}` : "") : null],
      ["since", "Since", ageOf(since)],
      ["aspect", "Read", aspectOf(status, ["reading", "content"])],
      ["aspect", "Publish", publicationOf(status)],
      ["aspect", "Credentials", aspectOf(status, ["credentials"])],
      ["count", "Records", number(counts.records ?? 0),
        counts.staleRecords > 0 ? el("div", { class: "small muted" }, `${number(counts.staleRecords)} stale`) : null],
      ["lacks", "Lacks", isDisabled ? dash() : lacking.length === 0 ? "0" : el("a", {
        href: href("members", null, { lacks: id }), title: lacking.slice(0, 16).map(member => member.id).join(", "),
      }, number(lacking.length), el("span", { class: "names" },
        ` ${names}${lacking.length > maximumNames ? " …" : ""}`),
      spoken(" members"))],
      ["success", "Last success", counts.lastSuccess ? ageOf(Date.parse(counts.lastSuccess))
        : el("span", { class: "faint" }, isDisabled ? "–" : "never")],
      // Whole, wrapped, to be selected: never only in a tooltip.
      ["error", "Error", isDisabled ? el("span", { class: "muted" }, spec.disabledReason ?? "")
        : [error ? el("span", { class: "message" }, error.message) : null,
          ...others.map(aspect => el("div", { class: "message" }, `${aspect.aspect}: ${aspect.message}`)),
          !error && others.length === 0 ? dash() : null]],
    ], { class: `is-${status.state}` });
  }
}

const dash = () => el("span", { class: "faint" }, "–");

function aspectOf(status, names) {
  const aspects = (status.aspects ?? []).filter(aspect => names.includes(aspect.aspect));
  if (status.state === "disabled" || aspects.length === 0) return dash();
  return aspects.every(aspect => aspect.ok)
    ? el("span", { class: "is-ready" }, "ok") : el("span", { class: "is-missing" }, "failing");
}

function publicationOf(status) {
  const { publication } = status;
  if (!publication) return dash();
  return publication.state === "accepted"
    ? el("span", { class: "is-ready", title: publication.accepted }, "ok")
    : el("span", { class: "is-notready" }, publication.state);
}
