// Text from the cluster, and elements that hold it. Whatever a node calls itself is text here and nothing else: no
// markup is ever made from it, and what can't be seen, or turns what follows around, is shown by its number.

const unseen =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0]|(?! )\p{Zs}/gu;

/** `text` with each character that can't be seen, or reorders others, as ⟨U+202E⟩. */
export function visible(text) {
  return String(text).replace(unseen, character =>
    `⟨U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

/** `text` cut in the middle, where names differ least, to about `limit` characters. */
export function middle(text, limit) {
  const characters = [...text];
  if (characters.length <= limit) return text;
  const end = Math.floor((limit - 1) / 3);
  return characters.slice(0, limit - 1 - end).join("") + "…" + characters.slice(-end).join("");
}

/** As much of an identity as people need. */
export function short(id) {
  return id.length > 12 ? `${id.slice(0, 8)}…` : id;
}

const drawn = new Set(["svg", "path", "circle", "rect", "line", "g"]);

/**
 * An element with these attributes and children. A child that is no element becomes visible text; an attribute `onX`
 * is a listener; one that is null or false is left out.
 */
export function el(name, attributes = {}, ...children) {
  const element = drawn.has(name)
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "title" || key === "aria-label") element.setAttribute(key, visible(value));
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
  return element;
}

/** Children as `el` takes them, for `replaceChildren`. */
export function nodes(children) {
  return children.flat(Infinity)
    .filter(child => child !== null && child !== undefined && child !== false && child !== "")
    .map(child => child instanceof Node ? child : document.createTextNode(visible(child)));
}

/** A name from the cluster: cut in the middle where it is long, whole in its title. */
export function named(name, limit = 48) {
  return el("bdi", { class: "named", title: [...name].length > limit ? name : null }, middle(name, limit));
}

/** Words for those who can't see what is drawn. */
export function spoken(text) {
  return el("span", { class: "hidden" }, text);
}

/** `1 change`, `2 changes`, `1,990 changes` */
export function counted(count, one, several = `${one}s`) {
  return `${number(count)} ${count === 1 ? one : several}`;
}

const figures = new Intl.NumberFormat("en-US");

/** `1,990` */
export function number(count) {
  return figures.format(count);
}
