// How much what is shown can be believed: the lamp, the bars, and the grey of data that may not be true any more.

import * as clock from "./clock.js";
import { href } from "./route.js";
import { behindAfter, offlineAfter } from "./stream.js";
import { counted, el, nodes } from "./text.js";

const $ = id => document.getElementById(id);

export class Freshness {
  #bars;
  #awaySince = null;
  #connect = null;

  constructor(bars) { this.#bars = bars; }

  /**
   * Shows how it is with `stream`, and returns that in a word: `connecting`, `live`, `behind`, `offline` or `refused`.
   * `hasData`: there is something that may be old.
   */
  paint(stream, hasData, isGated) {
    const { silence } = stream;
    this.#connect = () => stream.connect();
    const mode = isGated || stream.state === "refused" ? "refused"
      : silence > offlineAfter ? "offline"
        : silence > behindAfter ? "behind"
          : stream.state === "open" && stream.isSynced ? "live" : "connecting";
    if (mode === "live") clock.thaw();
    else if (hasData) {
      if (mode === "behind" || mode === "offline") clock.freeze(silence);
      this.#awaySince ??= clock.now() - silence;
    }
    const seconds = Math.floor(silence / 1000);
    const words = {
      live: ["live", el("span", { class: "wide" }, `, ${seconds} s ago`)], behind: ["behind"], offline: ["offline"],
      connecting: ["connecting…"], refused: [isGated ? "signed out" : "refused"],
    };
    $("pulse").dataset.state = mode;
    $("pulse").title = mode === "live" ? `The daemon was last heard ${seconds} s ago` : "";
    $("pulse-text").replaceChildren(...nodes(words[mode]));
    document.body.dataset.mode = mode;
    this.#paintBars(mode, silence, hasData);
    return mode;
  }

  /** Everything was heard again; so many changes were missed. */
  returned(missed) {
    clock.thaw();
    if (this.#awaySince !== null && missed > 0) {
      const [from, to] = [this.#awaySince, clock.now() + 1_000].map(time => new Date(time).toISOString());
      const dismiss = () => this.#bars.set("missed", "info", null);
      this.#bars.set("missed", "info", [
        `${counted(missed, "change")} while away `,
        el("a", { href: href("history", null, { from, to }), onclick: dismiss }, "show"),
        el("button", { type: "button", class: "close", "aria-label": "Dismiss", onclick: dismiss }, "×"),
      ]);
    }
    this.#awaySince = null;
  }

  #paintBars(mode, silence, hasData) {
    const since = Date.now() - silence;
    const age = ` (${clock.age(since, Date.now())} ago)`;
    const bar = () => !hasData ? ["The daemon doesn't answer, trying… ", this.#nowButton()] : [
      el("strong", {}, mode === "offline" ? "Offline: what is shown is as of " : "As of ", clock.clock(clock.now())),
      el("span", { "aria-hidden": "true", class: "since" }, age), ", reconnecting… ", this.#nowButton(),
    ];
    this.#bars.set("behind", "warning", mode === "behind" ? bar() : null);
    if (mode !== "offline") this.#bars.set("offline", "alarm", null);
    else if (!this.#bars.has("offline")) this.#bars.set("offline", "alarm", bar());
    // An alert is read out once, and not again each second.
    else this.#bars.find("offline", ".since")?.replaceChildren(age);
  }

  #nowButton() {
    return el("button", { type: "button", class: "link", "data-key": "now", onclick: () => this.#connect() }, "now");
  }
}
