// The keys. Single letters can be turned off (WCAG 2.1.4), as speech input may say them by mistake.

import { el } from "./text.js";

const stored = "rollcall.letters";
/** For how long a `g` waits for its second key. */
const patience = 1_500;

export class Keyboard {
  #actions;
  #tabs;
  #prefix = 0;

  /** `actions` by their keys; `tabs` are reached by `g` and their key. */
  constructor(actions, tabs) {
    this.#actions = actions;
    this.#tabs = tabs;
    addEventListener("keydown", event => this.#pressed(event));
  }

  get hasLetters() {
    try { return localStorage.getItem(stored) !== "off"; } catch { return true; }
  }

  set hasLetters(value) {
    try { localStorage.setItem(stored, value ? "on" : "off"); } catch { /* Then until the page is closed. */ }
  }

  #pressed(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const { target, key } = event;
    const isTyping = target.matches?.("input:not([type=checkbox]), textarea, select");
    if (isTyping) {
      if (key === "Escape" || key === "ArrowDown" || key === "Enter") this.#act(key, event);
      return;
    }
    if (document.querySelector("dialog[open]")) return;
    if (key.length === 1 && !this.hasLetters) return;
    if (this.#prefix > 0 && performance.now() - this.#prefix < patience) {
      this.#prefix = 0;
      const tab = this.#tabs.find(one => one.key === key);
      if (tab) {
        event.preventDefault();
        this.#actions.tab(tab);
      }
      return;
    }
    this.#prefix = 0;
    if (key === "g") {
      this.#prefix = performance.now();
      return;
    }
    this.#act(key, event);
  }

  #act(key, event) {
    // Where there is nothing to do the key is the browser's.
    if (this.#actions.keys[key]?.(event) === true) event.preventDefault();
  }

  /** What the keys are. */
  help(close) {
    const rows = [
      ["/", "search"], ["Esc", "clear the search"], ["j k ↓ ↑", "next and previous row"], ["Enter", "open"],
      ["Backspace", "back"], ["f", "next filter"], ["y", "copy the node's identity"], ["t", "theme"],
      ["?", "this help"],
      ...this.#tabs.map(tab => [`g ${tab.key}`, tab.title]),
    ];
    const letters = el("input", {
      type: "checkbox", id: "letters", checked: this.hasLetters,
      onchange: event => { this.hasLetters = event.target.checked; },
    });
    return [
      el("h2", {}, "Keys"),
      el("dl", { class: "keys" }, ...rows.flatMap(([keys, words]) => [
        el("dt", {}, ...keys.split(" ").map(key => el("kbd", {}, key))), el("dd", {}, words),
      ])),
      el("p", { class: "option" }, letters, el("label", { for: "letters" }, "single letters are keys")),
      el("button", { type: "button", class: "button", onclick: close }, "Close"),
    ];
  }
}
