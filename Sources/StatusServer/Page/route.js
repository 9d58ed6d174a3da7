// What is shown is in the address: it can be pasted into an incident channel, and back and forward work.

/** The route of an address's hash: `#/node/w-3`, `#/members?state=missing&q=rack:r1`. */
export function parse(hash) {
  const text = hash.replace(/^#\/?/, "");
  const mark = text.indexOf("?");
  const path = mark < 0 ? text : text.slice(0, mark);
  const slash = path.indexOf("/");
  const view = slash < 0 ? path : path.slice(0, slash);
  return {
    view: view || "members",
    id: slash < 0 ? null : decoded(path.slice(slash + 1)),
    params: new URLSearchParams(mark < 0 ? "" : text.slice(mark + 1)),
  };
}

// Anybody may write any address.
function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

/** The address of a view. A name goes through `encodeURIComponent`, whatever it is: `javascript:`, `#/../`. */
export function href(view, id = null, params = {}) {
  const query = new URLSearchParams();
  const pairs = params instanceof URLSearchParams ? params : Object.entries(params);
  for (const [key, value] of pairs) {
    if (value !== null && value !== undefined && value !== "") query.append(key, value);
  }
  const text = query.toString();
  return `#/${view}${id === null ? "" : `/${encodeURIComponent(id)}`}${text ? `?${text}` : ""}`;
}

/** Goes there; with `replace` without a step back, as for each letter of a search. */
export function go(address, { replace = false } = {}) {
  if (location.hash === address) return;
  if (replace) history.replaceState(history.state, "", address);
  else history.pushState({ within: true }, "", address);
  dispatchEvent(new Event("routed"));
}

/** The address with some of its parameters changed; null takes one out. */
export function adjusted(route, changes) {
  const params = new URLSearchParams(route.params);
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === "") params.delete(key);
    else params.set(key, value);
  }
  return href(route.view, route.id, params);
}
