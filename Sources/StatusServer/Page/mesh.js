// The WireGuard mesh: how each peer is, and why one isn't up. There is no stream of it: while somebody looks, it is asked for.

import { now } from "./clock.js";
import { mark } from "./marks.js";
import { href } from "./route.js";
import { ageOf, row, table } from "./table.js";
import { counted, el, named, number, spoken } from "./text.js";

const columns = [
  ["how", "State"], ["peer", "Peer"], ["since", "Since"], ["endpoint", "Endpoint"], ["count", "Received"],
  ["count", "Sent"], ["handshake", "Handshake"], ["why", "Why"],
];
const interval = 5_000;
/** The mark of a peer's state. */
const kinds = { up: "ready", down: "missing", unknown: "stale" };
const order = { down: 0, unknown: 1, up: 2 };

export const tab = {
  id: "kubespan", key: "k", title: "KubeSpan",
  /** Where there is no mesh there is no tab. */
  isShown: overview => Boolean(overview?.kubespan),
  badge: (store, overview) => {
    const counts = overview?.kubespan?.counts;
    if (!counts) return [];
    const problem = overview.kubespan.problem;
    return [
      number(counts.peers),
      counts.down > 0 && { kind: "missing", text: number(counts.down), words: "down" },
      problem && { kind: "degraded", text: "!", words: "not as it is to be" },
    ];
  },
  create: app => new Mesh(app),
};

class Mesh {
  element = el("section", { class: "view mesh", "aria-labelledby": "mesh-title" });
  #app;
  #head = el("div", { class: "mesh-head" });
  #table = table("Peers", columns.map(([name, title]) => ({ name, title })), { class: "cards peers" });
  #empty = el("div", { class: "empty", hidden: true });
  #rest = el("div", {});
  #lastAsked = 0;

  constructor(app) {
    this.#app = app;
    this.element.append(el("div", { class: "scroller", tabindex: "-1" }, el("div", { class: "page" },
      el("h2", { id: "mesh-title", class: "hidden", tabindex: "-1" }, "KubeSpan"),
      this.#head, el("div", { class: "wide-table" }, this.#table.element), this.#empty, this.#rest)));
  }

  show() { this.#ask(); }

  changed(changes) {
    if (this.element.isConnected && changes.members.size > 0) this.#ask();
  }

  tick() {
    if (this.element.isConnected && document.visibilityState === "visible" && this.#app.isLive
      && performance.now() - this.#lastAsked > interval) this.#ask();
  }

  async #ask() {
    this.#lastAsked = performance.now();
    try {
      const answer = await this.#app.ask("v1/kubespan");
      if (answer.ok) this.#paint(answer.body);
    } catch {
      // The stream's state says that nobody answers.
    }
  }

  #paint(mesh) {
    const { body, element } = this.#table;
    // Who selects something to copy it must not lose it.
    const selection = getSelection();
    if (selection && !selection.isCollapsed && this.element.contains(selection.anchorNode)) return;
    const peers = [...mesh.peers ?? []].sort((left, right) =>
      order[left.state] - order[right.state] || nameOf(left).localeCompare(nameOf(right)));
    const focused = body.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    this.#head.replaceChildren(...this.#facts(mesh));
    body.replaceChildren(...peers.map(peer => this.#row(peer)));
    if (focused) [...body.querySelectorAll("a")].find(link => link.getAttribute("href") === focused)?.focus();
    element.hidden = peers.length === 0;
    this.#empty.hidden = peers.length > 0;
    this.#empty.replaceChildren(
      el("h3", {}, mesh.enabled ? "No peers" : "No mesh"),
      el("p", {}, mesh.enabled ? "No other node says a WireGuard key yet: kubespan.enabled on them makes one." : mesh.reason));
    this.#rest.replaceChildren(...this.#contradictions(mesh));
  }

  #facts(mesh) {
    const { identity, device, problem } = mesh;
    return [
      problem && el("div", { class: "warning", role: "alert" }, mark("degraded"), " ", problem.message, " ",
        el("span", { class: "muted" }, "for ", ageOf(Date.parse(problem.since)))),
      ...(mesh.warnings ?? []).map(text => el("p", { class: "muted" }, text)),
      identity && el("p", { class: "mesh-facts" },
        el("span", { class: "muted" }, "this node "), el("code", {}, identity.address), " ",
        device && el("span", { class: "muted" },
          `by ${device.interface} (${device.kind}), UDP port ${device.listenPort}, MTU ${device.mtu}`)),
    ].filter(Boolean);
  }

  #row(peer) {
    const kind = kinds[peer.state] ?? "other";
    // What is said already isn't said twice.
    const refused = peer.endpoints.filter(({ endpoint, refused }) =>
      refused && !peer.why.some(text => text.includes(endpoint)));
    return row([
      ["how", "", el("span", { class: `state is-${kind}` }, mark(kind), el("span", {}, peer.state))],
      ["peer", "", el("div", { class: "title" }, el("a", { href: href("node", peer.label || peer.nodeId) }, named(nameOf(peer)))),
        el("div", { class: "muted small" }, el("code", {}, peer.address))],
      ["since", "Since", ageOf(Date.parse(peer.since))],
      ["endpoint", "Endpoint", peer.endpoint ? el("code", {}, peer.endpoint) : dash()],
      ["count", "Received", bytes(peer.receiveBytes)],
      ["count", "Sent", bytes(peer.transmitBytes)],
      ["handshake", "Handshake", peer.handshakeAgeSeconds === null || peer.handshakeAgeSeconds === undefined
        ? el("span", { class: "faint" }, "never") : ageOf(now() - peer.handshakeAgeSeconds * 1_000)],
      // Whole, wrapped, to be selected: never only in a tooltip.
      ["why", "Why", peer.why.map(text => el("div", { class: "message" }, text)),
        refused.map(endpoint => el("div", { class: "muted small" }, `${endpoint.endpoint} isn't tried: ${endpoint.refused}`)),
        peer.why.length === 0 && refused.length === 0 ? dash() : null],
    ], { class: `is-${kind}` });
  }

  #contradictions(mesh) {
    const omitted = mesh.omitted ?? [];
    const disputes = mesh.disputes ?? [];
    return [
      disputes.length > 0 && el("section", { class: "part" },
        el("h3", {}, counted(disputes.length, "contradiction")),
        el("ul", { class: "plain-list" }, ...disputes.map(dispute => el("li", {}, mark("conflict"), " ", dispute.message,
          " ", el("span", { class: "muted" }, ageOf(Date.parse(dispute.since))))))),
      omitted.length > 0 && el("section", { class: "part" },
        el("h3", {}, "No peers, although they say a key"),
        el("ul", { class: "plain-list" }, ...omitted.map(node => el("li", {},
          el("a", { href: href("node", node.nodeId) }, named(node.nodeId)), ": ", node.message)))),
    ].filter(Boolean);
  }
}

const nameOf = peer => peer.label || peer.nodeId;
const dash = () => el("span", { class: "faint" }, "–", spoken("none"));
const units = ["B", "KiB", "MiB", "GiB", "TiB"];

/** `142 KiB`: three figures. */
function bytes(count) {
  let value = count;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) { value /= 1_024; unit += 1; }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toPrecision(3)} ${units[unit]}`;
}
