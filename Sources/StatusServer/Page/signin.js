// Where one has to sign in: the token is traded for a cookie that scripts can't read. It is in no address and no
// storage, and this page forgets it at once.

import { el } from "./text.js";

const remembered = "rollcall.signedIn";

let isIn = null;

/** Whether one signed in here. Only to show a way out; what counts is the cookie. */
export function hasSignedIn() {
  if (isIn === null) {
    try { isIn = sessionStorage.getItem(remembered) === "1"; } catch { isIn = false; }
  }
  return isIn;
}

function remember(value) {
  isIn = value;
  try {
    if (isIn) sessionStorage.setItem(remembered, "1"); else sessionStorage.removeItem(remembered);
  } catch { /* Storage may be forbidden. */ }
}

/** A form for a token; `done` is called when one is signed in. */
export function signInForm(done) {
  const field = el("input", {
    id: "token", type: "password", autocomplete: "current-password", required: true, spellcheck: "false",
    "aria-describedby": "signin-error",
  });
  const error = el("p", { id: "signin-error", class: "error", role: "alert" });
  const button = el("button", { type: "submit", class: "button" }, "Sign in");
  const form = el("form", {
    onsubmit: async event => {
      event.preventDefault();
      button.disabled = true;
      error.textContent = "";
      try {
        const response = await fetch("v1/session", {
          method: "POST", headers: { authorization: `Bearer ${field.value.trim()}` }, cache: "no-store",
        });
        if (response.status === 204) {
          field.value = "";
          remember(true);
          done();
          return;
        }
        error.textContent = response.status === 401
          ? "That token isn't one of this daemon's." : `The daemon answered ${response.status}.`;
      } catch {
        error.textContent = "The daemon doesn't answer.";
      } finally {
        button.disabled = false;
      }
      field.focus();
      field.select();
    },
  },
  // For keepers of passwords, which file a token under a name.
  el("input", { type: "text", autocomplete: "username", value: "rollcall", hidden: true }),
  el("label", { for: "token" }, "Token"), field, button, error);
  return el("section", { class: "gate", "aria-labelledby": "gate-title" },
    el("h2", { id: "gate-title", tabindex: "-1" }, "Sign in"),
    el("p", { class: "muted" }, "This daemon shows its cluster to who has a token: a line of the file that ",
      el("code", {}, "http.tokensFile"), " names."), form);
}

export async function signOut() {
  remember(false);
  await fetch("v1/session", { method: "DELETE", cache: "no-store" });
}

/** What to do where the daemon refuses the address under which it was asked. */
export function refusal(detail) {
  return el("section", { class: "gate", "aria-labelledby": "gate-title" },
    el("h2", { id: "gate-title", tabindex: "-1" }, "Not under this name"),
    el("p", {}, detail),
    el("p", { class: "muted" }, "Open it as ", el("code", {}, "http://127.0.0.1:7655"), ", or name the host in ",
      el("code", {}, "http.hosts"), "."));
}
