// What the stream has said so far: the newest state of each thing. Views are told once a frame, however much came.

import * as clock from "./clock.js";

/** Worst first: what needs a person is on top. A state that this page doesn't know yet is in between. */
const ranks = { missing: 0, notready: 1, stale: 2, left: 5, ready: 6 };
/** States in the order in which they are shown. */
export const states = ["missing", "notready", "stale", "left", "ready"];
/** A registry with one of these presences has a record of the node. */
const recorded = new Set(["fresh", "stale", "published"]);
const keptEntries = 10_000;

/** Documents of one type by their keys. */
class Documents {
  byKey = new Map();
  /** After a reset: the keys that weren't told again yet. */
  unconfirmed = null;

  put(key, value) {
    this.unconfirmed?.delete(key);
    const old = this.byKey.get(key);
    this.byKey.set(key, value);
    return old;
  }

  reset() { this.unconfirmed = new Set(this.byKey.keys()); }

  /** Everything was told: takes out what wasn't told again, and returns its keys. */
  settle() {
    const keys = [...this.unconfirmed ?? []];
    this.unconfirmed = null;
    for (const key of keys) this.byKey.delete(key);
    return keys;
  }

  get values() { return [...this.byKey.values()]; }
}

export class Store {
  #members = new Documents();
  #registries = new Documents();
  #conflicts = new Documents();
  #history = new Documents();
  /** Whether everything was heard once. */
  isSynced = false;
  /** The newest change of each thing since the last frame, by type. */
  #changes = { members: new Set(), registries: new Set(), conflicts: new Set(), history: new Set() };
  #frame = 0;
  #listener;
  /** How much changed since the stream was resumed; null while it is live. */
  #away = null;
  #derived = new Map();

  /** `listener(changes, live)` is called once a frame in which something changed. */
  constructor(listener) {
    this.#listener = listener;
  }

  // Taking in.

  /** Takes an event of the stream. */
  take(name, data) {
    if (data.now) clock.learn(data.now);
    switch (name) {
      case "RESET":
        for (const documents of [this.#members, this.#registries, this.#conflicts, this.#history]) {
          documents.reset();
        }
        break;
      case "SYNCED": this.#settle(); break;
      case "ADDED":
      case "MODIFIED": this.#put(data.type, data.object); break;
      case "DELETED": this.#remove(data.type, data.object); break;
      // What a later daemon may say besides is skipped.
      default: return;
    }
    if (name !== "BOOKMARK") this.#schedule();
  }

  /** The stream is resumed: what comes until it is in sync was missed. */
  resume() {
    if (this.isSynced) this.#away = 0;
  }

  /** How many changes were missed while away, once. */
  takeMissed() {
    const missed = this.missed ?? 0;
    this.missed = 0;
    return missed;
  }

  #put(type, object) {
    switch (type) {
      case "members": {
        const member = memberOf(object);
        this.#note(type, member.key, this.#members.put(member.key, member), member);
        break;
      }
      case "registries":
        this.#note(type, object.metadata.id, this.#registries.put(object.metadata.id, object), object);
        break;
      case "conflicts":
        this.#note(type, object.metadata.id, this.#conflicts.put(object.metadata.id, object), object);
        break;
      case "history": {
        const entry = entryOf(object);
        this.#note(type, entry.key, this.#history.put(entry.key, entry), entry);
        if (this.#history.byKey.size > keptEntries) {
          this.#history.byKey.delete(this.#history.byKey.keys().next().value);
        }
        break;
      }
    }
  }

  #remove(type, object) {
    switch (type) {
      case "members": {
        const { id, nodeId, key } = memberOf(object);
        // Who was listed last may be told as gone already, under the name that it had to itself.
        const listed = this.#members.byKey.get(id);
        const gone = listed?.nodeId === nodeId ? id : key;
        this.#members.byKey.delete(gone);
        this.#note(type, gone, object, null);
        break;
      }
      case "registries":
        this.#registries.byKey.delete(object.metadata.id);
        this.#note(type, object.metadata.id, object, null);
        break;
      case "conflicts":
        this.#conflicts.byKey.delete(object.metadata.id);
        this.#note(type, object.metadata.id, object, null);
        break;
    }
  }

  #note(type, key, old, value) {
    if (this.#away !== null && type !== "history" && !isSame(old, value)) this.#away += 1;
    this.#changes[type].add(key);
  }

  #settle() {
    for (const [type, documents] of [
      ["members", this.#members], ["registries", this.#registries], ["conflicts", this.#conflicts],
      ["history", this.#history],
    ]) {
      for (const key of documents.settle()) {
        if (this.#away !== null && type !== "history") this.#away += 1;
        this.#changes[type].add(key);
      }
    }
    this.isSynced = true;
    if (this.#away !== null) this.missed = this.#away;
    this.#away = null;
  }

  #schedule() {
    if (this.#frame !== 0) return;
    // Not where nobody looks: a hidden tab has no frames, and paints what is newest when it is shown.
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.flush();
    });
  }

  /** Tells the listener now. */
  flush() {
    const changes = this.#changes;
    this.#changes = { members: new Set(), registries: new Set(), conflicts: new Set(), history: new Set() };
    this.#derived.clear();
    this.#listener(changes);
  }

  // Reading.

  member(key) { return this.#members.byKey.get(key); }

  /** All members, and with `all` who merely claims a name, or had it. */
  members(all = false) {
    return this.#once(`members ${all}`, () =>
      all ? this.#members.values : this.#members.values.filter(member => member.isListed));
  }

  /** The registries; those with leases first, as they know best who lives. */
  get registries() {
    return this.#once("registries", () => this.#registries.values.sort((left, right) =>
      Number(right.spec.lease) - Number(left.spec.lease) || compare(left.metadata.id, right.metadata.id)));
  }

  /** The conflicts; those of severity info only with `all`. */
  conflicts(all = false) {
    return this.#once(`conflicts ${all}`, () => this.#conflicts.values
      .filter(conflict => all || conflict.spec.severity !== "info")
      .sort((left, right) => compare(left.spec.severity, right.spec.severity) * -1
        || compare(left.metadata.id, right.metadata.id)));
  }

  /** The journal, the newest entry first. */
  get history() {
    return this.#once("history", () => this.#history.values.sort((left, right) => right.number - left.number));
  }

  /** How many members are how. */
  get counts() {
    return this.#once("counts", () => {
      const counts = { listed: 0, conflict: 0, flapping: 0, superseded: 0, tombstones: 0, unlisted: 0 };
      for (const state of states) counts[state] = 0;
      for (const member of this.#members.byKey.values()) {
        if (!member.isListed) {
          if (member.isTombstone) counts.tombstones += 1;
          else if (member.reason === "superseded") counts.superseded += 1;
          else counts.unlisted += 1;
          continue;
        }
        counts.listed += 1;
        counts[member.state] = (counts[member.state] ?? 0) + 1;
        for (const flag of member.flags) counts[flag] = (counts[flag] ?? 0) + 1;
      }
      return counts;
    });
  }

  /** Which registries together know how many members, the most first; of each set its members' states. */
  get sets() {
    return this.#once("sets", () => {
      const order = this.registries.map(registry => registry.metadata.id);
      const sets = new Map();
      for (const member of this.members()) {
        const registries = order.filter(id => member.registries.has(id));
        const key = registries.join(",");
        const set = sets.get(key) ?? { key, registries, count: 0, states: {}, isLocal: true };
        set.count += 1;
        set.isLocal &&= member.isLocal;
        set.states[member.state] = (set.states[member.state] ?? 0) + 1;
        sets.set(key, set);
      }
      return [...sets.values()].sort((left, right) => right.count - left.count || compare(left.key, right.key));
    });
  }

  /** The members that a registry has no record of. */
  lacking(registry) {
    return this.#once(`lacking ${registry}`, () =>
      this.members().filter(member => !member.isLocal && !member.registries.has(registry)));
  }

  #once(key, make) {
    if (!this.#derived.has(key)) this.#derived.set(key, make());
    return this.#derived.get(key);
  }
}

export function compare(left, right) {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** A name as a text in whose order people put names: w-2 before w-10. Made once: thousands are sorted in a frame. */
function naturally(name) {
  return name.replace(/\d+/g, digits => digits.padStart(12, "0"));
}

/** Names as people order them. */
export function compareNames(left, right) {
  return compare(naturally(left), naturally(right)) || compare(left, right);
}

function isSame(old, value) {
  if (!old || !value) return false;
  return old.state !== undefined ? old.state === value.state && old.message === value.message
    : JSON.stringify(old) === JSON.stringify(value);
}

/** A member's document as rows need it. */
function memberOf({ metadata, spec, status }) {
  const isTombstone = metadata.phase === "tombstone";
  const isListed = !isTombstone && status.reason !== "superseded" && !status.heldBy;
  const sources = status.sources ?? [];
  const since = Date.parse(status.since);
  const moments = [since, ...sources.flatMap(source =>
    [source.since, source.lastSeen].filter(Boolean).map(Date.parse))];
  const labels = Object.entries(metadata.labels ?? {});
  const flags = status.flags ?? [];
  return {
    // A listed member has its name to itself; who merely claims one, or had it, is known by its identity too.
    key: isListed ? metadata.id : `${metadata.id}\n${spec.nodeId}`,
    id: metadata.id, nodeId: spec.nodeId, isListed, isTombstone, isLocal: status.reason === "local",
    state: status.state, reason: status.reason, flags, since, sources, labels,
    order: naturally(metadata.id), heldBy: status.heldBy, until: status.until,
    addresses: spec.addresses ?? [], hostname: spec.hostname, machineType: spec.machineType,
    operatingSystem: spec.operatingSystem,
    message: status.message ?? "",
    aging: clock.aging(status.message ?? "", clock.now(), moments),
    registries: new Set(sources.filter(source => recorded.has(source.presence)).map(source => source.registry)),
    rank: status.state === "ready" && flags.length > 0 ? 4 : ranks[status.state] ?? 3,
    text: [
      metadata.id, spec.hostname, spec.nodeId, spec.machineType, spec.operatingSystem, status.state, status.reason,
      ...flags, ...spec.addresses ?? [], ...labels.map(([key, value]) => `${key}:${value} ${key}=${value}`),
    ].join("\n").toLowerCase(),
  };
}

/** An entry of the journal. */
function entryOf(object) {
  const time = Date.parse(object.time);
  return {
    ...object, time, at: object.time, number: object.number ?? time,
    // Daemons before 0.2 give entries no number.
    key: object.number === undefined
      ? `${object.time} ${object.type} ${object.id} ${object.to}` : String(object.number),
  };
}
