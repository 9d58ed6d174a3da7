// The daemon's time. Ages are measured to it: this machine's clock may be anything.

let offset = 0;
let frozen = null;

/** Learns what time the daemon says it is. */
export function learn(text) {
  const time = Date.parse(text);
  if (!Number.isNaN(time)) offset = time - Date.now();
}

/** The daemon's time in milliseconds, or the last one known of it while nothing is heard. */
export function now() {
  return frozen ?? Date.now() + offset;
}

/** Ages stay as they were `silence` milliseconds ago: what was true then may not be true now. */
export function freeze(silence) {
  frozen ??= Date.now() + offset - silence;
}

export function thaw() {
  frozen = null;
}

/** How long ago a moment was, as the command writes it too: `12s`, `1m40s`, `41m`, `3h`, `5d`. */
export function age(since, at = now()) {
  const seconds = Math.max(0, Math.floor((at - since) / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 120) return seconds === 60 ? "1m" : `1m${seconds - 60}s`;
  if (seconds < 7200) return `${Math.floor((seconds + 59) / 60)}m`;
  if (seconds < 172800) return `${Math.floor((seconds + 1800) / 3600)}h`;
  return `${Math.floor((seconds / 3600 + 12) / 24)}d`;
}

const two = number => String(number).padStart(2, "0");

/** `02:48:11`, with the day where it isn't today. */
export function clock(time) {
  const date = new Date(time);
  const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const today = new Date(now()).toDateString() === date.toDateString();
  return today ? text : `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${text}`;
}

/** `02:48` */
export function minute(time) {
  return clock(time).slice(0, -3);
}

const units = { s: 1, m: 60, h: 3600, d: 86400 };

/** The milliseconds of a duration that `age` or the daemon wrote: `1m40s`. */
export function milliseconds(text) {
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([smhd])/g)) total += Number(count) * units[unit] * 1000;
  return total;
}

/**
 * A sentence of the daemon in which the ages go on: `left service 12m ago (expired)`.
 *
 * An age is one of `moments` where one of them was that long ago when the sentence was made; else it is taken as it is
 * written. Returns a function that gives the sentence as of now.
 */
export function aging(sentence, madeAt, moments) {
  const parts = sentence.split(/(\b\d+(?:m\d+s|[smhd])(?= ago\b)|(?<= for )\d+(?:m\d+s|[smhd])\b)/);
  if (parts.length === 1) return null;
  const since = parts.map((part, index) => index % 2 === 0
    ? null
    : moments.find(moment => age(moment, madeAt) === part || age(moment, madeAt - 1000) === part)
      ?? madeAt - milliseconds(part));
  return () => parts.map((part, index) => since[index] === null ? part : age(since[index])).join("");
}
