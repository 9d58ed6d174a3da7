// Shapes of states. A mark never stands alone: the word is beside it, or spoken.

import { el } from "./text.js";

const shapes = {
  ready: () => [el("circle", { cx: 6, cy: 6, r: 4, fill: "currentColor" })],
  notready: () => [el("path", { d: "M6 .8 11.2 6 6 11.2.8 6z", fill: "currentColor" })],
  stale: () => [el("circle", {
    cx: 6, cy: 6, r: 4.2, fill: "none", stroke: "currentColor", "stroke-width": 1.7,
    "stroke-dasharray": "2.2 2.2",
  })],
  missing: () => [el("path", {
    d: "M2 2l8 8M10 2l-8 8", stroke: "currentColor", "stroke-width": 2.4, "stroke-linecap": "round",
  })],
  left: () => [el("path", {
    d: "M2 6h8", stroke: "currentColor", "stroke-width": 2.2, "stroke-linecap": "round",
  })],
  conflict: () => [
    el("path", {
      d: "M6 1.2 11.2 10.4H.8z", fill: "none", stroke: "currentColor", "stroke-width": 1.4,
      "stroke-linejoin": "round",
    }),
    el("path", { d: "M6 4.4v2.6M6 8.6v.2", stroke: "currentColor", "stroke-width": 1.4, "stroke-linecap": "round" }),
  ],
  synced: () => shapes.ready(),
  degraded: () => [el("path", { d: "M6 1.2 11.4 10.6H.6z", fill: "currentColor" })],
  failed: () => shapes.missing(),
  starting: () => shapes.stale(),
  disabled: () => shapes.left(),
  other: () => [el("circle", { cx: 6, cy: 6, r: 4, fill: "none", stroke: "currentColor", "stroke-width": 1.6 })],
};

/** The mark of a member's or registry's state. */
export function mark(state) {
  return el("svg", {
    class: `mark is-${shapes[state] ? state : "other"}`, viewBox: "0 0 12 12", width: 12, height: 12,
    "aria-hidden": "true", focusable: "false",
  }, ...(shapes[state] ?? shapes.other)());
}

/** A mark and its word. */
export function state(word) {
  return el("span", { class: `state is-${shapes[word] ? word : "other"}` }, mark(word), el("span", {}, word));
}

const frame = {
  x: 2.2, y: 2.2, width: 7.6, height: 7.6, rx: 1.6, fill: "none", stroke: "currentColor", "stroke-width": 1.4,
};

const squares = {
  fresh: () => [el("rect", { x: 1.5, y: 1.5, width: 9, height: 9, rx: 2, fill: "currentColor" })],
  notready: () => [
    el("rect", frame),
    el("path", { d: "M2.4 9.6 9.6 2.4H3.4a1 1 0 0 0-1 1z", fill: "currentColor" }),
  ],
  stale: () => [el("rect", { ...frame, "stroke-dasharray": "2 1.8" })],
  gone: () => [el("rect", frame)],
  unknown: () => [el("circle", { cx: 6, cy: 6, r: 1.6, fill: "currentColor" })],
  nothing: () => [el("path", { d: "M4 6h4", stroke: "currentColor", "stroke-width": 1.3, "stroke-linecap": "round" })],
};

/** How a registry has a node, in a word. */
export function presence(source) {
  if (source.presence === "fresh" && source.health === "notready") return "notready";
  if (source.presence === "published") return "fresh";
  return squares[source.presence] ? source.presence : "unknown";
}

/** `gone, expired`; `fresh, says KubeletNotReady` */
export function presenceWords(source) {
  const words = [source.presence];
  if (source.reason) words.push(source.reason);
  if (source.health === "notready") words.push(`says ${source.healthReason || "not ready"}`);
  else if (source.health) words.push(`says ${source.health}`);
  return words.join(", ");
}

/** The square of how a registry has a node. */
export function square(kind) {
  return el("svg", {
    class: `square is-${kind}`, viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true",
    focusable: "false",
  }, ...squares[kind]());
}
