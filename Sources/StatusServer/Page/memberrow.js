// The row of a member: made once, and brought up to date where something of the member is another.

import { mark, presence, presenceWords, square } from "./marks.js";
import { href } from "./route.js";
import { ageOf, ticking } from "./table.js";
import { el, middle, named, spoken } from "./text.js";

/** Many registries have room as squares only. */
const maximumNames = 4;

export function makeRow() {
  const parts = Object.fromEntries(["status", "name", "since", "why", "sources", "addresses"]
    .map(name => [name, el("td", { role: "cell", class: name })]));
  const row = el("tr", { role: "row" }, ...Object.values(parts));
  row.parts = parts;
  return row;
}

/** `isGhost`: it is gone, and stays in its place until the list is sorted again. */
export function updateRow(row, member, isGhost, registries) {
  if (row.member === member && row.isGhost === isGhost && row.registries === registries) return;
  const { parts, member: before } = row;
  row.className = `is-${member.state}${isGhost || !member.isListed ? " is-gone" : ""}`;
  parts.status.replaceChildren(
    ...[mark(member.state), el("span", { class: "word" }, isGhost ? "gone" : member.state),
      member.flags.includes("conflict") && flagMark("conflict", "in conflict"),
      member.flags.includes("flapping") && el("span", { class: "tag" }, "flapping")].filter(Boolean));
  // The link stays the one that it was: it may have the focus.
  if (before === undefined) {
    row.link = el("a", {
      "data-open": true, tabindex: "-1", href: href("node", member.isListed ? member.id : member.nodeId),
    }, named(member.id, 40));
    parts.name.replaceChildren(row.link);
  }
  while (row.link.nextSibling) row.link.nextSibling.remove();
  if (!member.isListed) {
    parts.name.append(el("span", { class: "tag" },
      member.isTombstone ? "tombstone" : member.reason === "superseded" ? "superseded" : "unlisted"));
  }
  parts.since.replaceChildren(ageOf(member.since));
  parts.why.replaceChildren(why(member));
  parts.sources.replaceChildren(...sources(member, registries));
  parts.addresses.replaceChildren(...addresses(member.addresses));
  if (before !== undefined && before.message + before.state !== member.message + member.state) flash(row);
  Object.assign(row, { member, isGhost, registries });
}

function why(member) {
  const attributes = { class: "sentence", title: member.message };
  return member.aging
    ? ticking("span", attributes, member.aging) : el("span", attributes, member.message || member.reason);
}

function sources(member, registries) {
  if (member.sources.length === 0) {
    return [el("span", { class: "source" }, square("fresh"),
      el("span", {}, member.isLocal ? "this node" : "nobody"))];
  }
  const order = registries.map(registry => registry.metadata.id);
  const sorted = [...member.sources].sort((left, right) =>
    order.indexOf(left.registry) - order.indexOf(right.registry));
  // A screen reader is told the names all the same.
  const isCompact = sorted.length > maximumNames;
  return sorted.map(source => el("span", {
    class: `source is-${presence(source)}${isCompact ? " is-compact" : ""}`,
    title: `${source.registry}: ${presenceWords(source)}`,
  }, square(presence(source)), el("span", { class: isCompact ? "hidden" : "label" }, source.registry),
  source.presence === "fresh" && !source.health ? null : spoken(` (${presenceWords(source)})`)));
}

function addresses([first, ...more]) {
  if (first === undefined) return [el("span", { class: "faint" }, "–")];
  return [
    el("bdi", {}, middle(first, 40)),
    ...more.length > 0 ? [el("span", { class: "more", title: more.join(" ") }, ` +${more.length}`),
      spoken(more.join(" "))] : [],
  ];
}

function flagMark(kind, words) {
  return el("span", { class: `flag is-${kind}`, title: words }, mark(kind), spoken(words));
}

/** The left edge shows that a row changed, for two seconds; not to who wants no movement. */
function flash(element) {
  element.classList.remove("changed");
  void element.offsetWidth;
  element.classList.add("changed");
}
