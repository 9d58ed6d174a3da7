// The page: one stream, one store, one view at a time. A view is a module with a `tab`; another one is a line below.

import * as clock from "./clock.js";
import { tab as conflicts } from "./conflicts.js";
import { tab as historyTab } from "./history.js";
import { Keyboard } from "./keyboard.js";
import { tab as map } from "./map.js";
import { mark } from "./marks.js";
import { tab as members } from "./members.js";
import { tab as node } from "./node.js";
import { Announcer, Bars } from "./notices.js";
import { tab as registries } from "./registries.js";
import { adjusted, go, href, parse } from "./route.js";
import { hasSignedIn, refusal, signInForm, signOut } from "./signin.js";
import { Store } from "./store.js";
import { behindAfter, offlineAfter, Stream } from "./stream.js";
import { tick, ticking } from "./table.js";
import { counted, el, named, nodes, short, spoken } from "./text.js";

const tabs = [members, registries, conflicts, historyTab, map];
const views = [...tabs, node];
const overviewInterval = 30_000;
/** For how long a registry may start before it counts as one that was never heard. */
const startingFor = 5_000;

const $ = id => document.getElementById(id);

class App {
  #views = new Map();
  #view = null;
  #route = parse("");
  #mode = "";
  #overview = null;
  #lastOverview = -Infinity;
  #version = null;
  #states = new Map();
  #tabs = new Map();
  #isGated = false;
  #byKeys = false;
  #isTyped = false;
  #toast = null;
  #wasAwaySince = null;
  #bars = new Bars($("bars"));
  #announcer = new Announcer($("announcer"));
  #keyboard;
  /** Where "Members" leads back to: with the search and filters that were there. */
  membersAddress = href("members");

  constructor() {
    this.store = new Store(changes => this.#changed(changes));
    this.#makeTabs();
    this.#makeControls();
    this.#keyboard = new Keyboard(this.#actions, tabs);
    addEventListener("popstate", () => this.#routed());
    addEventListener("hashchange", () => this.#routed());
    addEventListener("routed", () => this.#routed());
    this.#routed();
    this.stream = new Stream(["members", "registries", "conflicts", "history"], {
      event: (name, data) => this.#event(name, data),
      heard: time => clock.learn(time),
      changed: () => this.#streamChanged(),
      refused: (status, problem) => this.#refused(status, problem),
    });
    this.stream.connect();
    setInterval(() => this.#tick(), 1_000);
    document.addEventListener("visibilitychange", () => this.#tick());
  }

  // What views use.

  get revision() { return this.stream?.revision ?? null; }
  get isLive() { return this.#mode === "live"; }

  /** Asks the daemon for a document. */
  async ask(path) {
    const response = await fetch(path, { cache: "no-store", headers: { accept: "application/json" } });
    const body = await response.json();
    if (response.status === 401) this.#refused(401, body);
    return { ok: response.ok, status: response.status, body };
  }

  copy = async (text, words) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without TLS, and not on loopback, there is no clipboard but that of a selection.
      const area = el("textarea", { class: "offscreen", "aria-hidden": "true", tabindex: "-1" });
      const focused = document.activeElement;
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      focused?.focus();
    }
    this.#say(`${words} copied`);
  };

  announce(text, isAsked) { this.#announcer.say(text, isAsked); }

  help() {
    const dialog = $("help");
    dialog.replaceChildren(...this.#keyboard.help(() => dialog.close()));
    dialog.showModal();
  }

  // The frame.

  #makeTabs() {
    $("tabs").append(el("ul", {}, ...tabs.map(tab => {
      const badge = el("span", { class: "badges" });
      const link = el("a", { href: href(tab.id), title: `g ${tab.key}` }, el("span", {}, tab.title), badge);
      this.#tabs.set(tab.id, { link, badge, text: "" });
      return el("li", {}, link);
    })));
  }

  #paintTabs() {
    for (const tab of tabs) {
      const shown = this.#tabs.get(tab.id);
      const parts = this.store.isSynced ? tab.badge(this.store).filter(Boolean) : [];
      const text = JSON.stringify(parts);
      if (shown.text === text) continue;
      shown.text = text;
      shown.badge.replaceChildren(...parts.map(part => typeof part === "string"
        ? el("span", { class: "badge-count" }, part)
        : el("span", { class: `badge-alert is-${part.kind}` }, mark(part.kind), part.text, spoken(` ${part.words}`))));
    }
  }

  #makeControls() {
    const search = $("search");
    search.addEventListener("input", () => {
      // One step back for a whole search, not for each of its letters.
      this.#isTyped = true;
      const isHere = this.#route.view === "members";
      const isGoingOn = isHere && this.#route.params.has("q");
      go(isHere ? adjusted(this.#route, { q: search.value }) : href("members", null, { q: search.value }),
        { replace: isGoingOn });
      this.#isTyped = false;
    });
    $("theme").addEventListener("click", () => this.#turnTheme());
    this.#showTheme();
    const menu = $("menu");
    menu.addEventListener("click", () => this.#openMenu(menu.getAttribute("aria-expanded") !== "true"));
    $("signout").addEventListener("click", async () => {
      await signOut();
      location.reload();
    });
    $("skip").addEventListener("click", event => {
      event.preventDefault();
      this.#view?.focusActive ? this.#view.focusActive() : $("main").focus();
    });
    addEventListener("pointerdown", () => { this.#byKeys = false; }, true);
    addEventListener("keydown", () => { this.#byKeys = true; }, true);
  }

  #openMenu(isOpen) {
    $("menu").setAttribute("aria-expanded", String(isOpen));
    $("tabs").classList.toggle("is-open", isOpen);
  }

  #turnTheme() {
    const order = [undefined, "dark", "light"];
    const root = document.documentElement;
    const next = order[(order.indexOf(root.dataset.theme) + 1) % order.length];
    if (next === undefined) delete root.dataset.theme; else root.dataset.theme = next;
    try {
      if (next === undefined) localStorage.removeItem("rollcall.theme"); else localStorage.setItem("rollcall.theme", next);
    } catch { /* Then until the page is closed. */ }
    this.#showTheme();
    this.#say(`theme: ${next ?? "as the system"}`);
  }

  #showTheme() {
    $("theme").setAttribute("aria-label", `Theme: ${document.documentElement.dataset.theme ?? "as the system"}`);
  }

  #say(text) {
    const toast = $("toast");
    clearTimeout(this.#toast);
    toast.replaceChildren(...nodes([text]));
    toast.hidden = false;
    this.#toast = setTimeout(() => { toast.hidden = true; }, 2_500);
  }

  get #actions() {
    const move = step => {
      if (!this.#view?.move || this.#isGated) return false;
      this.#view.move(step);
      return true;
    };
    const inList = () => this.#view?.move && $("main").contains(document.activeElement)
      && !document.activeElement.matches("button, input");
    return {
      tab: tab => go(href(tab.id)),
      keys: {
        "/": () => { $("search").focus(); $("search").select(); return true; },
        Escape: event => {
          const search = $("search");
          if (event.target === search || search.value !== "") {
            search.value = "";
            search.dispatchEvent(new Event("input"));
            search.blur();
            return true;
          }
          this.#openMenu(false);
          return false;
        },
        j: () => move(1), k: () => move(-1),
        ArrowDown: event => (inList() || event.target === $("search") || event.target === document.body) && move(1),
        ArrowUp: event => (inList() || event.target === document.body) && move(-1),
        PageDown: () => inList() && move(10), PageUp: () => inList() && move(-10),
        Home: () => inList() && move(-Infinity), End: () => inList() && move(Infinity),
        Enter: event => {
          if (event.target !== $("search") && event.target !== document.body && !event.target.matches(".scroller")) return false;
          if (!this.#view?.focusActive) return false;
          this.#view.focusActive();
          if (event.target !== $("search")) document.activeElement.click();
          return true;
        },
        Backspace: () => {
          if (history.state?.within) history.back();
          else if (this.#route.view !== "members") go(this.membersAddress);
          return true;
        },
        f: () => this.#view?.cycleFilter ? (this.#view.cycleFilter(), true) : false,
        y: () => {
          const subject = this.#view?.subject;
          if (!subject) return false;
          this.copy(subject.id, `identity of ${subject.name}`);
          return true;
        },
        t: () => { this.#turnTheme(); return true; },
        "?": () => { this.help(); return true; },
      },
    };
  }

  // Where.

  #routed() {
    const route = parse(location.hash);
    const isOther = route.view !== this.#route.view || route.id !== this.#route.id || this.#view === null;
    const from = this.#view === null ? null : this.#route;
    this.#route = route;
    if (route.view === "members") this.membersAddress = location.hash || href("members");
    const search = $("search");
    const query = route.view === "members" ? route.params.get("q") ?? "" : "";
    if (document.activeElement !== search || !this.#isTyped) {
      if (search.value !== query) search.value = query;
    }
    this.#openMenu(false);
    if (this.#isGated) return;
    const found = views.find(view => view.id === route.view) ?? members;
    let view = this.#views.get(found.id);
    if (view === undefined) {
      view = found.create(this);
      this.#views.set(found.id, view);
    }
    if (this.#view !== view) {
      this.#view = view;
      $("main").replaceChildren(view.element);
    }
    for (const [id, { link }] of this.#tabs) {
      if (id === found.id || (found.id === "node" && id === "members")) link.setAttribute("aria-current", found.id === "node" ? "true" : "page");
      else link.removeAttribute("aria-current");
    }
    view.show(route);
    if (isOther && from !== null && !this.#isTyped && document.activeElement !== search) this.#focusView(from);
    this.#title();
  }

  /** Where one is after going somewhere: at the row that was opened, or at the view's title. */
  #focusView(from) {
    if (this.#byKeys && from.view === "node" && this.#view.focusActive) {
      this.#view.focusActive();
      return;
    }
    this.#view.element.querySelector("h2")?.focus({ preventScroll: true });
  }

  #title() {
    const name = this.#route.view === "node" && this.#route.id ? `${this.#route.id.slice(0, 60)} · ` : "";
    document.title = `${this.#mode === "offline" ? "(offline) " : ""}${nodes([name])[0]?.data ?? ""}Rollcall`;
  }

  // The stream.

  #event(name, data) {
    if (name === "RESET") this.store.resume();
    this.store.take(name, data);
    if (name === "SYNCED") {
      clock.thaw();
      this.#returned();
      this.#askOverview();
    }
  }

  #streamChanged() {
    if (this.stream.state === "open") this.store.resume();
    this.#paintMode();
  }

  /** Everything was heard again. */
  #returned() {
    const missed = this.store.takeMissed();
    if (this.#wasAwaySince !== null && missed > 0) {
      const [from, to] = [this.#wasAwaySince, clock.now() + 1_000].map(time => new Date(time).toISOString());
      this.#bars.set("missed", "info", [
        `${counted(missed, "change")} while away `,
        el("a", { href: href("history", null, { from, to }), onclick: () => this.#bars.set("missed", "info", null) }, "show"),
        el("button", {
          type: "button", class: "close", "aria-label": "Dismiss", onclick: () => this.#bars.set("missed", "info", null),
        }, "×"),
      ]);
    }
    this.#wasAwaySince = null;
  }

  #refused(status, problem) {
    if (this.#isGated) return;
    this.#isGated = true;
    const main = $("main");
    main.replaceChildren(status === 401
      ? signInForm(() => {
        this.#isGated = false;
        this.#view = null;
        this.#routed();
        this.stream.connect();
        this.#paintMode();
      })
      : refusal(problem.detail ?? "The daemon refuses to answer."));
    this.#paintMode();
    main.querySelector("#token")?.focus();
  }

  /** How much what is shown can be believed. */
  #paintMode() {
    const { stream } = this;
    if (!stream) return;
    const { silence } = stream;
    const mode = this.#isGated || stream.state === "refused" ? "refused"
      : silence > offlineAfter ? "offline"
        : silence > behindAfter ? "behind"
          : stream.state === "open" && stream.isSynced ? "live" : "connecting";
    if ((mode === "behind" || mode === "offline") && this.store.isSynced) clock.freeze(silence);
    if (mode !== "live" && this.store.isSynced) this.#wasAwaySince ??= clock.now() - silence;
    if (mode === "live") clock.thaw();
    const seconds = Math.floor(silence / 1000);
    $("pulse").dataset.state = mode;
    const words = {
      live: ["live", el("span", { class: "wide" }, `, ${seconds} s ago`)], behind: ["behind"], offline: ["offline"],
      connecting: ["connecting…"], refused: [this.#isGated ? "signed out" : "refused"],
    };
    $("pulse-text").replaceChildren(...nodes(words[mode]));
    $("pulse").title = mode === "live" ? `The daemon was last heard ${seconds} s ago` : "";
    $("signout").hidden = this.#isGated || !hasSignedIn();
    document.body.dataset.mode = mode;
    document.body.toggleAttribute("data-gated", this.#isGated);
    if (this.#mode !== mode) {
      this.#mode = mode;
      this.#title();
    }
    this.#paintSilence(mode, silence);
  }

  #paintSilence(mode, silence) {
    const isSilent = mode === "behind" || mode === "offline";
    const since = Date.now() - silence;
    const text = mode === "offline" ? "Offline: what is shown is as of " : "As of ";
    const bar = !isSilent ? null : !this.store.isSynced
      ? ["The daemon doesn't answer, trying… ", this.#nowButton()]
      : [el("strong", {}, text, clock.clock(clock.now())),
        // An alert must not be read out again each second.
        el("span", { "aria-hidden": "true" }, ` (${clock.age(since, Date.now())} ago)`), ", reconnecting… ", this.#nowButton()];
    this.#bars.set("behind", "warning", mode === "behind" ? bar : null);
    if (mode !== "offline") this.#bars.set("offline", "alarm", null);
    else if (!document.querySelector("[data-id=offline]")) this.#bars.set("offline", "alarm", bar);
    else {
      const age = document.querySelector("[data-id=offline] span[aria-hidden]");
      if (age) age.textContent = ` (${clock.age(since, Date.now())} ago)`;
    }
  }

  #nowButton() {
    return el("button", { type: "button", class: "link", "data-key": "now", onclick: () => this.stream.connect() }, "now");
  }

  // What is shown beside the view.

  #changed(changes) {
    if (!this.#isGated) this.#view?.changed(changes);
    this.#paintTabs();
    this.#paintBars();
    this.#announceChanges(changes);
  }

  #announceChanges(changes) {
    const isFirst = this.#states.size === 0;
    for (const key of changes.members) {
      const member = this.store.member(key);
      const before = this.#states.get(key);
      if (!member) {
        this.#states.delete(key);
        continue;
      }
      if (!member.isListed) continue;
      this.#states.set(key, member.state);
      if (!isFirst && this.store.isSynced && before !== member.state && this.#mode === "live") {
        this.#announcer.say(`${short(member.id)} is ${member.state}`);
      }
    }
  }

  #paintBars() {
    const { store } = this;
    if (!store.isSynced) return;
    const shown = new Set();
    for (const registry of store.registries) {
      const { metadata: { id }, status } = registry;
      const since = Date.parse(status.since);
      const isUnheard = status.records === 0 && !status.lastSuccess
        && (["degraded", "failed"].includes(status.state)
          || (status.state === "starting" && clock.now() - since > startingFor));
      if (isUnheard) {
        shown.add(`partial ${id}`);
        this.#bars.set(`partial ${id}`, "warning", [
          el("strong", {}, named(id)), " was never heard since the start: what you see is only a part. ",
          el("a", { href: href("registries"), "data-key": `partial ${id}` }, "why"),
        ]);
        continue;
      }
      if (status.state !== "failed") continue;
      const stale = store.members().filter(member => member.state === "stale"
        && member.sources.some(source => source.registry === id && source.presence === "stale")).length;
      shown.add(`stale ${id}`);
      this.#bars.set(`stale ${id}`, "warning", [
        el("strong", {}, named(id)), " has failed ", ticking("span", { "aria-hidden": "true" }, () => clock.age(since)), " ago",
        stale > 0 ? `: ${counted(stale, "member")} known only from before` : "", ". ",
        el("a", { href: href("registries"), "data-key": `stale ${id}` }, "why"),
      ]);
    }
    for (const [index, problem] of (this.#overview?.problems ?? []).entries()) {
      shown.add(`problem ${index}`);
      this.#bars.set(`problem ${index}`, "warning", [el("strong", {}, "This daemon: "), problem]);
    }
    for (const id of this.#shownBars) if (!shown.has(id)) this.#bars.set(id, "warning", null);
    this.#shownBars = shown;
  }

  #shownBars = new Set();

  async #askOverview() {
    this.#lastOverview = performance.now();
    try {
      const { ok, body } = await this.ask("v1/status");
      if (!ok) return;
      this.#overview = body;
      this.#version ??= body.version;
      const { cluster, id } = body.node;
      $("cluster").replaceChildren(...cluster ? [el("span", { class: "muted" }, "cluster "), el("code", { title: cluster },
        cluster.length > 12 ? `${cluster.slice(0, 4)}…${cluster.slice(-4)}` : cluster)] : []);
      $("daemon").replaceChildren(el("span", { class: "muted" }, "on "), named(id, 32));
      $("daemon").title = `rollcall ${body.version}, since ${body.started}`;
      // Scripts of one version and a daemon of another may misunderstand each other.
      this.#bars.set("version", "info", body.version === this.#version ? null : [
        `The daemon is ${body.version} now. `,
        el("button", { type: "button", class: "link", "data-key": "reload", onclick: () => location.reload() }, "reload"),
      ]);
      this.#paintBars();
    } catch {
      // The stream says whether somebody answers.
    }
  }

  #tick() {
    this.stream.check();
    this.#paintMode();
    if (document.visibilityState === "hidden") return;
    tick(document.body);
    if (this.#isGated) return;
    this.#view?.tick();
    this.#paintBars();
    if (this.#mode === "live" && performance.now() - this.#lastOverview > overviewInterval) this.#askOverview();
  }
}

new App();
