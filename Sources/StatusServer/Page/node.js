// A node: how it is, who says so, and where each fact about it came from. `rollcall explain` as a matrix.

import { presence, square, state } from "./marks.js";
import { href } from "./route.js";
import { compareNames } from "./store.js";
import { ageOf, copyButton, momentOf, remaining, row, table, ticking } from "./table.js";
import { counted, el, named, short, spoken, visible } from "./text.js";
import { changeWords } from "./history.js";

/** The most entries of history that are shown here. */
const maximumEntries = 20;

export const tab = { id: "node", create: app => new Node(app) };

class Node {
  element = el("section", { class: "view node", "aria-labelledby": "node-title" });
  #app;
  #body = el("div", { class: "page" });
  #id = null;
  #explanation = null;
  #problem = null;
  #isLoading = false;
  #isWanted = false;
  #narrow = matchMedia("(max-width: 759px)");

  constructor(app) {
    this.#app = app;
    this.element.append(el("div", { class: "scroller", tabindex: "-1" }, this.#body));
    this.#narrow.addEventListener("change", () => this.#paint());
  }

  get subject() {
    const node = this.#explanation;
    return node ? { id: node.nodeId, name: node.nodename || node.nodeId } : null;
  }

  show(route) {
    if (route.id !== this.#id) {
      this.#id = route.id;
      this.#explanation = null;
      this.#problem = null;
      this.#paint();
    }
    this.#load();
  }

  /** What changed of members and registries may be of this one. */
  changed(changes) {
    if (!this.element.isConnected || this.#id === null) return;
    const nodeId = this.#explanation?.nodeId;
    const isMeant = this.#problem !== null || this.#explanation === null || changes.registries.size > 0
      || changes.conflicts.size > 0 || [...changes.members].some(key =>
        key === this.#id || key === this.#explanation?.nodename || key.endsWith(`\n${nodeId}`)
        || this.#app.store.member(key)?.nodeId === nodeId);
    if (isMeant) this.#load();
  }

  tick() {}

  /** Asks again, but for one that is asked already only once more. */
  async #load() {
    if (this.#isLoading) {
      this.#isWanted = true;
      return;
    }
    this.#isLoading = true;
    const id = this.#id;
    try {
      const answer = await this.#app.ask(`v1/explain/${encodeURIComponent(id)}`);
      if (id === this.#id) {
        this.#explanation = answer.ok ? answer.body : null;
        this.#problem = answer.ok ? null : answer.body;
        this.#paint();
      }
    } catch {
      // Nobody answers: what is shown stays, and the bar above says of when it is.
    } finally {
      this.#isLoading = false;
      if (this.#isWanted || id !== this.#id) {
        this.#isWanted = false;
        this.#load();
      }
    }
  }

  // Painting.

  #paint() {
    const focused = this.#body.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    const opened = new Set([...this.#body.querySelectorAll("details[open]")].map(details => details.dataset.key));
    if (this.#problem) this.#body.replaceChildren(...this.#refused());
    else if (this.#explanation) this.#body.replaceChildren(...this.#whole());
    else {
      this.#body.replaceChildren(this.#head(this.#id ?? ""),
        el("div", { class: "skeleton", "aria-hidden": "true" }, ...Array.from({ length: 6 }, () => el("div"))));
    }
    for (const details of this.#body.querySelectorAll("details")) {
      if (opened.has(details.dataset.key)) details.open = true;
    }
    if (focused !== undefined) {
      [...this.#body.querySelectorAll("[data-key]")].find(element => element.dataset.key === focused)?.focus();
    }
  }

  #head(name, ...more) {
    return el("div", { class: "head" },
      el("a", { class: "back", href: this.#app.membersAddress, "data-key": "back" }, "‹ Members"),
      el("h2", { id: "node-title", tabindex: "-1" }, named(name, 64)), ...more);
  }

  #refused() {
    const { code, detail, candidates } = this.#problem;
    const titles = { ambiguous: "Several nodes", "not-found": "No such node" };
    const nearMiss = /did you mean '(.+)'\?$/.exec(detail ?? "")?.[1];
    const traces = this.#app.store.history.filter(entry => entry.id === this.#id || entry.nodeId === this.#id);
    return [
      this.#head(this.#id),
      el("div", { class: "empty" },
        el("h3", {}, titles[code] ?? "It can't be shown"),
        el("p", {}, detail ?? "The daemon doesn't say why."),
        nearMiss
          ? el("p", {}, el("a", { class: "button", href: href("node", nearMiss) }, "Open ", named(nearMiss))) : null,
        candidates ? el("ul", {}, ...candidates.map(one => el("li", {},
          el("a", { href: href("node", one.nodeId) }, named(one.id)), " ",
          el("span", { class: "muted" }, `${one.nodeId}, by its ${one.why}`)))) : null,
        traces.length > 0 ? el("p", {}, "What is known of it from before:") : null),
      traces.length > 0 ? this.#entries(traces) : null,
    ].filter(Boolean);
  }

  #whole() {
    const node = this.#explanation;
    const member = node.member;
    const name = node.nodename || node.nodeId;
    const status = member?.status;
    const since = status ? Date.parse(status.since) : NaN;
    const isGone = member?.metadata.phase === "tombstone";
    const known = this.#app.store.member(node.isMember ? name : `${name}\n${node.nodeId}`);
    const sentence = known && known.nodeId === node.nodeId && known.aging
      ? ticking("span", {}, known.aging) : el("span", {}, status?.message ?? "not a member: no nodename is known");
    const conflicts = (node.conflicts ?? []).filter(conflict => conflict.spec?.severity !== "info");
    return [
      this.#head(name,
        status ? el("span", { class: "badge" }, state(status.state)) : null,
        isGone ? el("span", { class: "tag" }, "tombstone") : null,
        node.isLocal ? el("span", { class: "tag" }, "this node") : null,
        ...(status?.flags ?? []).map(flag => el("span", { class: "tag is-warning" }, flag))),
      el("div", { class: "lead" },
        el("p", { class: "message" }, sentence),
        el("p", { class: "muted" },
          status ? ["since ", momentOf(since), " (", ageOf(since), ")"] : [],
          node.rule ? ` · ${node.rule}` : "",
          isGone ? remaining(Date.parse(status.until), " · forgotten in") : null),
        ...(node.others ?? []).map(other => el("p", { class: "muted" }, "also meant: ",
          el("a", { href: href("node", other.nodeId), "data-key": other.nodeId },
            other.id ? [named(other.id), ` ${short(other.nodeId)}`] : named(other.nodeId)),
          `, by its ${other.why}`)),
        node.memberOfThatName ? el("p", {}, "The member of that name is ",
          el("a", { href: href("node", node.memberOfThatName), "data-key": "holder" }, short(node.memberOfThatName)),
          node.memberBecause ? `, as ${node.memberBecause}` : "", ".") : null,
        el("p", { class: "facts" },
          el("span", { class: "fact" }, el("span", { class: "muted" }, "identity "),
            el("code", {}, node.nodeId), copyButton(node.nodeId, "identity", this.#app.copy)),
          el("span", { class: "fact" }, el("code", {}, `rollcall explain ${quoted(name)}`),
            copyButton(`rollcall explain ${quoted(name)}`, "command", this.#app.copy)))),
      ...conflicts.map(conflict => el("p", { class: "warning" },
        el("a", { href: href("conflicts"), "data-key": conflict.metadata.id }, conflict.metadata.id),
        ": ", conflict.spec.message)),
      this.#registries(node),
      this.#fields(node),
      this.#records(node),
      this.#entries(this.#app.store.history.filter(entry =>
        entry.nodeId === node.nodeId || (entry.type === "member" && entry.id === name))),
    ].filter(Boolean);
  }

  /** Each registry: whether it has the node, since when, and what it says itself. */
  #registries(node) {
    const { element, body } = table("Registries", [
      { name: "registry", title: "Registry" }, { name: "presence", title: "Presence" },
      { name: "since", title: "Since" }, { name: "says", title: "What it says" }, { name: "raw", title: "Record" },
    ], { class: "cards" });
    const raws = rawsOf(node);
    const known = new Map(node.sources.map(source => [source.registry, source]));
    for (const registry of this.#app.store.registries) {
      const id = registry.metadata.id;
      const source = known.get(id);
      known.delete(id);
      if (!source && registry.status.state === "disabled") continue;
      body.append(this.#registry(id, source, registry, raws));
    }
    for (const [id, source] of known) body.append(this.#registry(id, source, null, raws));
    if (body.children.length === 0) return null;
    return section("Registries", element);
  }

  #registry(id, source, registry, raws) {
    const since = source?.since ? Date.parse(source.since) : NaN;
    const trouble = registry && registry.status.state !== "synced" && registry.status.state !== "disabled"
      ? [el("span", { class: "trouble" },
        `registry ${registry.status.state} `, ageOf(Date.parse(registry.status.since)),
        registry.status.lastError ? `: ${registry.status.lastError.message}` : "")] : [];
    const says = [];
    if (source?.presence === "gone") says.push(source.reason ?? "gone");
    if (source?.presence === "stale") says.push(`not confirmed: ${source.reason ?? "stale"}`);
    if (source?.health === "notready") says.push(`not ready: ${source.healthReason || "no reason given"}`);
    else if (source?.health) says.push(`health: ${source.health}`);
    if (source?.lastSeen) says.push(["last renewed ", ageOf(Date.parse(source.lastSeen)), " ago"]);
    if (source?.lease && source.presence === "fresh") says.push("a lease that it renews");
    if (source && says.length === 0) says.push("lists it");
    if (source?.origins) says.push(`in ${source.origins.join(", ")}`);
    const paths = raws.get(id) ?? [];
    return row([
      ["registry", "Registry", el("a", { href: href("registries"), "data-key": `registry ${id}` }, named(id))],
      ["presence", "Presence", source
        ? el("span", { class: `source is-${presence(source)}` },
          square(presence(source)), el("span", {}, source.presence))
        : el("span", { class: "faint" }, "never had it")],
      ["since", "Since", ...Number.isFinite(since) ? [ageOf(since), " ", momentOf(since)] : ["–"]],
      ["says", "What it says", [...says.flatMap((part, index) => index === 0 ? [part] : ["; ", part]),
        trouble.length > 0 && says.length > 0 ? el("br") : null, ...trouble]],
      ["raw", "Record", paths.map(path => el("a", {
        href: rawAddress(path), target: "_blank", rel: "noopener", title: path, "data-key": `raw ${path}`,
      }, "raw", spoken(` record of ${id}`)))],
    ]);
  }

  /** Each field: what is shown, what each registry claims, and by which rule one wins. */
  #fields(node) {
    const labels = (node.labels ?? []).sort((left, right) => compareNames(left.field, right.field));
    const fields = [...node.fields ?? [], ...labels].filter(field => field.claims.length > 0 || !isNothing(field.value));
    if (fields.length === 0) return null;
    const presences = new Map(node.sources.map(source => [source.registry, source]));
    // Who had the node and doesn't list it any more has a column too: that it is empty says something.
    const registries = this.#app.store.registries.map(registry => registry.metadata.id)
      .filter(id => presences.has(id) || fields.some(field => field.claims.some(claim => claim.registry === id)));
    const isLocal = fields.some(field => field.claims.some(claim => claim.registry === null));
    const columns = [...isLocal ? [null] : [], ...registries];
    if (this.#narrow.matches) return section("Fields", el("div", { class: "folds" }, ...fields.map(fold)));
    const { element, body } = table("Fields", [
      { name: "field", title: "Field" }, { name: "value", title: "Shown" },
      ...columns.map(id => {
        const source = presences.get(id);
        const isDoubtful = source && source.presence !== "fresh" && source.presence !== "published";
        return {
          name: "claim",
          content: id === null ? "This node"
            : [named(id), isDoubtful ? el("span", { class: "muted" }, ` (${source.presence})`) : null],
        };
      }),
      { name: "rule", title: "Rule" },
    ], { class: "matrix" });
    for (const field of fields) {
      body.append(row([
        ["field", "Field", field.field, field.conflict ? el("span", { class: "tag is-warning" }, "conflict") : null],
        ["value", "Shown", ...valueOf(field.value)],
        ...columns.map(id => {
          const claims = field.claims.filter(claim => claim.registry === id);
          return ["claim", id ?? "This node", claims.length === 0
            ? el("span", { class: "faint" }, "–") : claims.map(claim => claimOf(claim))];
        }),
        ["rule", "Rule", el("span", { class: "muted" }, field.because)],
      ], { class: field.conflict ? "is-conflict" : null }));
    }
    return section("Fields", el("div", {
      class: "wide-table", role: "group", tabindex: "0", "aria-label": "Fields by registry",
    }, element));
  }

  /** How records without an identity came to be this node's. */
  #records(node) {
    if (!node.records?.length) return null;
    return section("Matching", el("ul", { class: "plain-list" }, ...node.records.map(record => el("li", {},
      el("code", {}, record.id), " ", el("span", { class: "muted" }, record.placement)))));
  }

  #entries(entries) {
    if (entries.length === 0) return null;
    const shown = entries.slice(0, maximumEntries).map(entry => el("li", {},
      momentOf(entry.time), el("span", { class: "change" }, ...changeWords(entry)),
      el("span", { class: "muted" }, entry.message ?? "")));
    const all = entries.length > maximumEntries
      ? el("a", { href: href("history") }, `all ${counted(entries.length, "entry", "entries")}`) : null;
    return section("History", el("ol", { class: "timeline" }, ...shown), all);
  }
}

function section(title, ...children) {
  return el("section", { class: "part" }, el("h3", {}, title), ...children);
}

/** The ids of a node's raw records, by registry. */
function rawsOf(node) {
  const raws = new Map();
  for (const { claims } of node.fields ?? []) {
    for (const { registry, source } of claims) {
      if (registry === null || !source.includes("/")) continue;
      if (!raws.has(registry)) raws.set(registry, new Set());
      raws.get(registry).add(source);
    }
  }
  return new Map([...raws].map(([registry, paths]) => [registry, [...paths]]));
}

function rawAddress(id) {
  const slash = id.indexOf("/");
  return `v1/affiliates/${encodeURIComponent(id.slice(0, slash))}/${encodeURIComponent(id.slice(slash + 1))}`;
}

function isNothing(value) {
  return value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

/** A value, each of several on a line of its own. */
function valueOf(value) {
  if (isNothing(value)) return [el("span", { class: "faint" }, "–")];
  return (Array.isArray(value) ? value : [value]).map(one => el("bdi", { class: "datum" }, String(one)));
}

/** A claim; one that loses is struck through and stays readable. */
function claimOf(claim) {
  const name = claim.chosen ? "datum" : "datum loses";
  if (isNothing(claim.value)) return el("span", { class: "faint" }, "–");
  const values = (Array.isArray(claim.value) ? claim.value : [claim.value])
    .map(one => el(claim.chosen ? "bdi" : "s", { class: name, dir: "auto" }, String(one)));
  return el("div", { class: claim.stale ? "claimed is-stale" : "claimed" }, ...values,
    claim.chosen ? null : spoken(" (not shown)"), claim.stale ? el("span", { class: "muted" }, " stale") : null);
}

/** A field on a narrow screen: what is shown, and the claims when it is opened. */
function fold(field) {
  return el("details", { "data-key": field.field },
    el("summary", {}, el("span", { class: "field" }, field.field),
      el("span", { class: "value" }, ...valueOf(field.value)),
      field.conflict ? el("span", { class: "tag is-warning" }, "conflict") : null),
    el("dl", {}, ...field.claims.flatMap(claim => [
      el("dt", {}, claim.registry ?? "this node"), el("dd", {}, claimOf(claim)),
    ])),
    el("p", { class: "muted" }, field.because));
}

/** A name as a shell takes it for one word. */
function quoted(name) {
  return /^[A-Za-z0-9._:@%+=/-]+$/.test(name) ? name : `'${visible(name).replaceAll("'", "'\\''")}'`;
}
