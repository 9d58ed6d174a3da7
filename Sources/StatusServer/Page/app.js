// The page: one stream, one store, one view at a time. A view is a module with a `tab`; another one is a line below.

import * as clock from "./clock.js";
import { tab as conflicts } from "./conflicts.js";
import { Freshness } from "./freshness.js";
import { tab as historyTab } from "./history.js";
import { Keyboard } from "./keyboard.js";
import { tab as map } from "./map.js";
import { mark } from "./marks.js";
import { tab as members } from "./members.js";
import { tab as mesh } from "./mesh.js";
import { tab as node } from "./node.js";
import { Announcer, Bars } from "./notices.js";
import { tab as registries } from "./registries.js";
import { adjusted, go, href, parse } from "./route.js";
import { hasSignedIn, refusal, signInForm, signOut } from "./signin.js";
import { Store } from "./store.js";
import { Stream } from "./stream.js";
import { tick } from "./table.js";
import { el, named, nodes, short, spoken } from "./text.js";
import { Warnings } from "./warnings.js";

const tabs = [members, registries, conflicts, historyTab, map, mesh];
const views = [...tabs, node];
const overviewInterval = 30_000;

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
  #bars = new Bars($("bars"));
  #freshness = new Freshness(this.#bars);
  #warnings = new Warnings(this.#bars);
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
      turnedAway: why => this.#bars.set("problem stream", "warning", [el("strong", {}, "Not now: "), why]),
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
      return el("li", { hidden: tab.isShown !== undefined }, link);
    })));
  }

  #paintTabs() {
    for (const tab of tabs) {
      const shown = this.#tabs.get(tab.id);
      if (tab.isShown) shown.link.parentElement.hidden = !tab.isShown(this.#overview);
      const parts = this.store.isSynced ? tab.badge(this.store, this.#overview).filter(Boolean) : [];
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
    const [words, narrow] = [search.placeholder, matchMedia("(max-width: 759px)")];
    const shorten = () => { search.placeholder = narrow.matches ? "Search …" : words; };
    narrow.addEventListener("change", shorten);
    shorten();
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
      if (next === undefined) localStorage.removeItem("rollcall.theme");
      else localStorage.setItem("rollcall.theme", next);
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
          const { target } = event;
          if (target !== $("search") && target !== document.body && !target.matches(".scroller")) return false;
          if (!this.#view?.focusActive) return false;
          this.#view.focusActive();
          if (target !== $("search")) document.activeElement.click();
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
      const isNode = found.id === "node";
      if (id === (isNode ? "members" : found.id)) link.setAttribute("aria-current", isNode ? "true" : "page");
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
      this.#freshness.returned(this.store.takeMissed());
      this.#askOverview();
    }
  }

  #streamChanged() {
    if (this.stream.state === "open") {
      this.store.resume();
      this.#bars.set("problem stream", "warning", null);
    }
    this.#paintMode();
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

  #paintMode() {
    if (!this.stream) return;
    const mode = this.#freshness.paint(this.stream, this.store.isSynced, this.#isGated);
    $("signout").hidden = this.#isGated || !hasSignedIn();
    document.body.toggleAttribute("data-gated", this.#isGated);
    if (this.#mode === mode) return;
    this.#mode = mode;
    this.#title();
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

  #paintBars() { this.#warnings.paint(this.store, this.#overview?.problems ?? []); }

  async #askOverview() {
    this.#lastOverview = performance.now();
    try {
      const { ok, body } = await this.ask("v1/status");
      if (!ok) return;
      this.#overview = body;
      this.#version ??= body.version;
      const { cluster, id } = body.node;
      $("cluster").replaceChildren(...cluster ? [
        el("span", { class: "muted" }, "cluster "),
        el("code", { title: cluster }, cluster.length > 12 ? `${cluster.slice(0, 4)}…${cluster.slice(-4)}` : cluster),
      ] : []);
      $("daemon").replaceChildren(el("span", { class: "muted" }, "on "), named(id, 32));
      $("daemon").title = `rollcall ${body.version}, since ${body.started}`;
      // Scripts of one version and a daemon of another may misunderstand each other.
      this.#bars.set("version", "info", body.version === this.#version ? null : [
        `The daemon is ${body.version} now. `,
        el("button", {
          type: "button", class: "link", "data-key": "reload", onclick: () => location.reload(),
        }, "reload"),
      ]);
      this.#paintTabs();
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
