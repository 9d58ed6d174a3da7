// The one stream of events that all views live from. A browser has six connections a host for all tabs together, so
// there is only one, and a tab that nobody looks at gives it back.
//
// It is read with `fetch`: an EventSource neither tells a refusal from an outage nor shows the comments by which a
// daemon in which nothing happens says that it lives.

/** Without a sign of life for so long, what is shown counts as of then. The daemon gives one each 15 s. */
export const behindAfter = 35_000;
/** For so long without one it is an outage. */
export const offlineAfter = 120_000;
const asleepAfter = 60_000;
const shortestPause = 1_000;
const longestPause = 10_000;

export class Stream {
  /** `connecting`, `open`, `waiting` for the next try, `asleep` or `refused`. */
  state = "connecting";
  /** Whether everything was heard once since the page was opened. */
  isSynced = false;
  #types;
  #handlers;
  #last = null;
  #heard = { wall: Date.now(), steady: performance.now() };
  #pause = shortestPause;
  #retry = null;
  #sleep = null;
  #abort = null;

  /** `handlers`: `event(name, data)`, `heard(time)`, `changed()`, `refused(status, problem)`, `turnedAway(why)`. */
  constructor(types, handlers) {
    this.#types = types;
    this.#handlers = handlers;
    document.addEventListener("visibilitychange", () => this.#visibilityChanged());
    addEventListener("online", () => this.connect());
    addEventListener("pageshow", event => { if (event.persisted) this.connect(); });
    this.#visibilityChanged();
  }

  /**
   * For how many milliseconds nothing was heard. By the wall's clock too: a laptop that was closed for a night has
   * lived through seconds by the other one.
   */
  get silence() {
    return Math.max(0, Date.now() - this.#heard.wall, performance.now() - this.#heard.steady);
  }

  /** The revision that was heard last. */
  get revision() { return this.#last; }

  /** Tries now, whatever it was waiting for. */
  connect() {
    clearTimeout(this.#retry);
    this.#abort?.abort();
    const abort = this.#abort = new AbortController();
    this.#enter("connecting");
    this.#read(abort).catch(error => {
      if (!abort.signal.aborted) this.#failed(error);
    });
  }

  /** To be called each second: a connection on which nothing comes any more may be one to nowhere. */
  check() {
    if (this.state === "open" && this.silence > behindAfter) this.connect();
  }

  async #read(abort) {
    const headers = { accept: "text/event-stream" };
    if (this.#last !== null) headers["last-event-id"] = this.#last;
    // Who accepts a connection and says nothing is as gone as who doesn't.
    const patience = setTimeout(() => abort.abort(new Error("no answer")), behindAfter);
    let response;
    try {
      response = await fetch(`v1/watch?types=${this.#types.join(",")}&all=true`, {
        headers, cache: "no-store", signal: abort.signal,
      });
    } catch (error) {
      if (this.#abort === abort) this.#failed(error);
      return;
    } finally {
      clearTimeout(patience);
    }
    if (!response.ok) return this.#refuse(response);
    this.#enter("open");
    this.#heardNow(response.headers.get("date"));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const event = { id: null, name: "", data: "" };
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (abort.signal.aborted) return;
      if (done) break;
      this.#heardNow();
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) this.#line(line, event);
    }
    this.#failed();
  }

  #line(line, event) {
    if (line === "") {
      if (event.name !== "") {
        const data = JSON.parse(event.data);
        // Only what was taken may be skipped when it is resumed.
        this.#handlers.event(event.name, data);
        if (event.id !== null) this.#last = event.id;
        if (event.name === "SYNCED") {
          this.isSynced = true;
          this.#pause = shortestPause;
          this.#handlers.changed();
        }
      }
      Object.assign(event, { id: null, name: "", data: "" });
    } else if (line.startsWith(":")) {
      if (line.length > 2) this.#handlers.heard(line.slice(1).trim());
    } else {
      const colon = line.indexOf(":");
      const value = line.slice(colon + 1).replace(/^ /, "");
      switch (line.slice(0, colon)) {
        case "id": event.id = value; break;
        case "event": event.name = value; break;
        case "data": event.data += value; break;
      }
    }
  }

  async #refuse(response) {
    let problem = {};
    try { problem = await response.json(); } catch { /* Somebody between us answered. */ }
    if (response.status === 401 || response.status === 403) {
      this.#enter("refused");
      this.#handlers.refused(response.status, problem);
    } else {
      this.#handlers.turnedAway(problem.detail ?? `It answered ${response.status}.`);
      this.#failed();
    }
  }

  #failed() {
    if (this.state === "asleep") return;
    this.#enter("waiting");
    // Not all pages at once when a daemon comes back.
    this.#retry = setTimeout(() => this.connect(), this.#pause * (0.75 + Math.random() / 2));
    this.#pause = Math.min(this.#pause * 2, longestPause);
  }

  #visibilityChanged() {
    clearTimeout(this.#sleep);
    if (document.visibilityState === "hidden") {
      this.#sleep = setTimeout(() => {
        clearTimeout(this.#retry);
        this.#enter("asleep");
        this.#abort?.abort();
      }, asleepAfter);
    } else if (this.state === "asleep" || this.state === "waiting") {
      this.connect();
    } else {
      this.check();
    }
  }

  #heardNow(date = null) {
    this.#heard = { wall: Date.now(), steady: performance.now() };
    // To the second only: what the stream says is better, and comes at once.
    if (date !== null && !this.isSynced) this.#handlers.heard(date);
  }

  #enter(state) {
    if (this.state === state) return;
    this.state = state;
    this.#handlers.changed();
  }
}
