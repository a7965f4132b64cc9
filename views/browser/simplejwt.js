// simplejwt.js is fetch for pages whose users log in by simplejwt: it refreshes expired tokens, once for all requests and
// tabs, and reports when a session begins and ends. Start with createClient; docs/clients.md explains it.

/** Pauses between the tries of a refresh or logout that got no answer, in milliseconds. */
const PAUSES = [250, 1000, 3000];

/** How long one try may take, in milliseconds. */
const TRY_TIMEOUT = 4000;

/** How long to wait for a lock at least, in milliseconds, and half of the most. A tab that holds it for longer stands still, in an
 * alert() for example. */
const LOCK_TIMEOUT = 2500;

/** How long to wait until the other tabs have received a message, in milliseconds, where the browser does not show it. */
const DELIVERY_TIMEOUT = 50;

/** How long a tab may see the cookies of a session that another tab has replaced, in milliseconds. */
const COOKIE_LAG = 2000;

/** The limits of the time without any refresh after one that failed, in milliseconds. It doubles with each failure. */
const MIN_BACKOFF = 1000;
const MAX_BACKOFF = 30_000;
const MAX_RETRY_AFTER = 60_000;

const CSRF_COOKIES = ["__Host-csrftoken", "__Secure-csrftoken", "csrftoken"];
const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"];

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** isTemporary reports whether the same request may succeed later: too early, too many requests, errors of the server. */
const isTemporary = (status) => status === 425 || status === 429 || status >= 500;

/** abortable settles as the promise does, or rejects when the signal aborts. The work behind the promise continues. */
function abortable(promise, signal) {
  return new Promise((resolve, reject) => {
    promise.then(resolve, reject);
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** anySignal returns a signal that aborts with the first of several. */
function anySignal(...signals) {
  if (AbortSignal.any) return AbortSignal.any(signals);
  const any = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) any.abort(signal.reason);
    signal.addEventListener("abort", () => any.abort(signal.reason), { once: true });
  }
  return any.signal;
}

/** replacedError returns what a request rejects with whose session is not the current one any more. */
function replacedError() {
  return new DOMException("another session has begun, or this one has ended", "AbortError");
}

/** newMemory returns a storage that ends with the page. */
function newMemory() {
  const values = new Map();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}

/** sharedStorage returns the storage that all tabs see; undefined where the user forbids it. */
function sharedStorage() {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}

/** openChannel returns a channel to the other tabs; undefined where there is none, or the user forbids it. */
function openChannel(name) {
  try {
    return globalThis.BroadcastChannel && new BroadcastChannel(name);
  } catch {
    return undefined;
  }
}

/** parseObject returns the JSON object in a text; undefined where it holds none, as an answer that a proxy wrote. */
function parseObject(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** retryAfter returns the milliseconds that Retry-After asks for, as seconds or as a date; 0 where it is missing. */
function retryAfter(response) {
  const text = response.headers.get("Retry-After") ?? "";
  const ms = /^\d+$/.test(text) ? 1000 * Number(text) : Date.parse(text) - Date.now();
  return Math.min(Math.max(ms || 0, 0), MAX_RETRY_AFTER);
}

/** TokenError reports that the server could not refresh or end a session for now. The session is still active. */
export class TokenError extends Error {
  constructor(status) {
    super(`the token could not be renewed or ended: the server answered ${status}`);
    this.name = "TokenError";
    this.status = status;
  }
}

/** Session is one session, or the time without one. What is under way in it is aborted when it is replaced. */
class Session {
  aborter = new AbortController();
  refreshing; // the refresh under way
  leaveQueue; // ends the wait for the lock: another tab was quicker
  isUnbound = false; // the server does not know the session by this id
  hasEnded = false; // the server rejected a refresh, or the user is logging out: no refresh would help

  constructor(id, replacedID) {
    this.id = id;
    this.replacedID = replacedID;
    this.replacedUntil = Date.now() + COOKIE_LAG; // until then a tab may still see replacedID
  }
}

/** How a page reads the body of an answer as a whole. */
const READERS = ["arrayBuffer", "blob", "bytes", "formData", "json", "text"];

/** unlinkers forget what would abort an answer that the page has not read. */
const unlinkers = new FinalizationRegistry((unlink) => unlink());

/** unlinkWhenRead calls unlink once the page has read an answer, or has no more use for it. Until then its body may be under way. */
function unlinkWhenRead(response, unlink) {
  if (!response.body) return unlink();
  unlinkers.register(response, unlink);
  for (const name of READERS) {
    const read = response[name];
    if (read) response[name] = () => read.call(response).finally(unlink);
  }
}

/** Client is one user's session in the tabs of a browser. Events: "login", "logout", "ended". */
export class Client extends EventTarget {
  #tokenURL;
  #byHeader;
  #csrfCookies;
  #csrfHeader;
  #scheme;
  #gracePeriod;
  #origins;
  #storage; // of the refresh token, in mode "header"
  #shared; // what all tabs see
  #key; // the name of this client in storages, locks and channels
  #lockName;
  #channel; // to the other tabs; undefined where they have sessions of their own
  #access = ""; // the access token, in mode "header"
  #stamp = 0; // when the tokens changed last, in mode "cookie"
  #session;
  #announced = ""; // the id of the session that the last event "login" announced
  #failures = 0; // refreshes that failed in a row
  #retryAt = 0; // no refresh before this time
  #failure; // the last error
  #queue = Promise.resolve(); // stands for the lock where the browser has none

  constructor({ tokenURL = "/api/token/", mode = "cookie", csrfCookie, csrfHeader = "X-CSRFToken", storage = newMemory(), origins = [], scheme = "Bearer", gracePeriod = 10_000 } = {}) {
    super();
    if (mode !== "cookie" && mode !== "header") throw new TypeError('the mode must be "cookie" or "header"');
    const page = globalThis.location; // undefined on a server that renders the page
    this.#tokenURL = page ? new URL(tokenURL.replace(/\/*$/, "/"), page.href).href : tokenURL;
    this.#byHeader = mode === "header";
    this.#csrfCookies = csrfCookie ? [csrfCookie] : CSRF_COOKIES;
    this.#csrfHeader = csrfHeader;
    this.#scheme = scheme;
    this.#gracePeriod = gracePeriod;
    this.#storage = storage;
    this.#shared = sharedStorage();
    this.#key = "simplejwt " + this.#tokenURL;
    this.#origins = new Set();
    const isShared = !this.#byHeader || storage === this.#shared;
    this.#lockName = isShared ? this.#key : `${this.#key} ${Math.random()}`;
    if (page) this.#connect(page, origins, isShared);
    this.#session = new Session(this.#readID());
  }

  #connect(page, origins, isShared) {
    this.#origins.add(page.origin);
    if (this.#byHeader) {
      for (const url of [this.#tokenURL, ...origins]) this.#origins.add(new URL(url).origin);
    } else if (new URL(this.#tokenURL).origin !== page.origin) {
      throw new TypeError('in the mode "cookie" tokenURL must be of the origin of the page');
    }
    this.#channel = isShared ? openChannel(this.#key) : undefined;
    if (this.#channel) this.#channel.onmessage = ({ data }) => this.#hear(data);
    // A page that the browser kept for its Back button has heard nothing meanwhile.
    globalThis.addEventListener?.("pageshow", ({ persisted }) => persisted && this.#noticeChange());
    globalThis.addEventListener?.("online", () => (this.#retryAt = 0));
  }

  /** session identifies the session, in all tabs and over refreshes; "" where there is none, or where it can't be known. */
  get session() {
    return this.#session.id;
  }

  /** signal aborts when the session is replaced: at a login, at a logout, and when the server ends it. */
  get signal() {
    return this.#session.aborter.signal;
  }

  /** fetch is the global fetch, with the session of the user. It rejects with an AbortError when the session is replaced. */
  fetch = async (input, init) => {
    if (!globalThis.location) return fetch(input, init);
    const request = new Request(input, init);
    if (!this.#isOurs(request)) return fetch(request, { keepalive: request.keepalive });
    const session = this.#session;
    while (this.#isLagging()) await pause(20);
    this.#noticeChange();
    if (session !== this.#session) throw replacedError(); // the page has just heard of it
    // A stream can be read once only. Other bodies are copied before they are sent.
    const copy = init?.body instanceof ReadableStream ? undefined : request.clone();
    if (this.#byHeader && !this.#access && this.#refreshToken()) await this.#renew(session, "", request.signal);
    const generation = this.#generation();
    const response = await this.#send(request, session);
    // A 401 is handed out even if the session has ended: it says so.
    if (response.status !== 401 || !(await this.#renew(session, generation, request.signal)) || !copy) return response;
    response.body?.cancel().catch(() => {});
    return this.#send(copy, session);
  };

  /** login sends user name, password and device_name. It resolves to the server's answer, good or bad. */
  login = async (credentials, { signal } = {}) => {
    let replaced;
    const response = await this.#withLock(async () => {
      const response = await this.#post("", credentials, { signal });
      if (!response.ok) return response;
      if (this.#byHeader) this.#keep(await response.clone().json(), crypto.getRandomValues(new Uint32Array(3)).join("-"));
      replaced = this.#replaceSession();
      await this.#announce("login");
      return response;
    }, signal);
    if (replaced) this.#report("login", replaced);
    return response;
  };

  /** logout ends the session. Where the server can't be reached it rejects, and by cookies the user is still logged in. */
  logout = async () => {
    const session = this.#session;
    this.#noticeChange();
    if (session !== this.#session) return; // it was another user's: the page has just heard of it
    const refresh = this.#refreshToken();
    session.hasEnded = true;
    if (this.#byHeader) this.#forget();
    try {
      if (!this.#byHeader || refresh) await this.#endSession(refresh, session);
    } catch (error) {
      session.hasEnded = false;
      if (this.#byHeader) this.#finishLogout(session);
      throw error;
    }
    this.#finishLogout(session);
  };

  async #endSession(refresh, session) {
    const { status } = await this.#ask("blacklist/", refresh, session);
    if (status === 412) this.#checkReplaced(session);
    // 400 and 401: the session had ended before.
    else if (![200, 400, 401].includes(status)) throw new TokenError(status);
  }

  #finishLogout(session) {
    this.#noticeChange();
    if (session !== this.#session) return; // it was replaced meanwhile, and the page has heard of that
    this.#replaceSession("");
    this.#announce("logout", session.id);
    this.#report("logout", session);
  }

  /** isOurs reports whether a request may carry the user's token, and does not carry another one already. */
  #isOurs(request) {
    const isKnown = this.#origins.has(new URL(request.url).origin) && !request.headers.has("Authorization");
    return isKnown && (this.#byHeader || request.credentials !== "omit");
  }

  /** authenticate adds what shows the server the session that a request belongs to. */
  #authenticate(headers, method, session) {
    if (this.#byHeader) {
      if (this.#access) headers.set("Authorization", `${this.#scheme} ${this.#access}`);
      return;
    }
    if (!session.id || SAFE_METHODS.includes(method)) return;
    if (!headers.has(this.#csrfHeader)) headers.set(this.#csrfHeader, session.id);
    // The cookies may be of another session by the time that the browser adds them: then the server answers 412.
    if (!session.isUnbound) headers.set("If-Session", session.id);
  }

  /** send sends a request in its session. Its answer is for the page only as long as the session is the current one. */
  async #send(request, session) {
    const { signal } = session.aborter;
    if (session !== this.#session) throw replacedError();
    this.#authenticate(request.headers, request.method, session);
    const own = new AbortController();
    const abort = () => own.abort(signal.reason);
    const unlink = () => signal.removeEventListener("abort", abort);
    signal.addEventListener("abort", abort);
    const isSafe = SAFE_METHODS.includes(request.method);
    let response;
    try {
      response = await fetch(request, { signal: anySignal(request.signal, own.signal), keepalive: request.keepalive });
      if (isSafe) unlinkWhenRead(response, unlink);
    } finally {
      if (!isSafe || !response || response.status === 401) unlink();
    }
    if (response.status === 401) return response;
    if (isSafe || response.status === 412) this.#noticeChange();
    else if (session === this.#session) this.#adoptChange();
    if (isSafe && session !== this.#session) throw replacedError();
    return response;
  }

  /** renew makes the tokens newer than those of a generation, and reports whether a request of the session may be repeated. */
  async #renew(session, generation, signal) {
    this.#noticeChange();
    if (session !== this.#session || session.hasEnded) return false;
    if (this.#generation() !== generation) return true; // another request or tab has refreshed meanwhile
    if (this.#byHeader && !this.#access && !this.#refreshToken()) return false;
    session.refreshing ??= this.#refresh(session, generation).finally(() => (session.refreshing = undefined));
    await abortable(session.refreshing, signal);
    this.#noticeChange();
    return session === this.#session && this.#generation() !== generation;
  }

  async #refresh(session, generation) {
    if (Date.now() < this.#retryAt) throw this.#failure;
    const queue = new AbortController();
    session.leaveQueue = () => queue.abort();
    let ended;
    try {
      await this.#withLock(async () => {
        if (this.#isRefreshed(session, generation)) return;
        const token = this.#refreshToken();
        const { status, data } = this.#byHeader && !token ? { status: 401 } : await this.#ask("refresh/", token, session);
        ended = await this.#takeAnswer(status, data, session, generation);
      }, queue.signal);
    } catch (error) {
      if (this.#isRefreshed(session, generation)) return;
      this.#backOff(error);
      throw error;
    }
    this.#failures = 0;
    if (ended) this.#report("ended", ended);
  }

  /** isReplaced reports whether a session is not the current one any more, in this tab or in what all tabs share. */
  #isReplaced(session) {
    return session !== this.#session || this.#otherID() !== "";
  }

  /** isRefreshed reports whether a session has newer tokens than those of a generation, or is replaced. */
  #isRefreshed(session, generation) {
    return this.#isReplaced(session) || this.#generation() !== generation;
  }

  /** takeAnswer applies the answer to a refresh. It returns the session that the server has ended, if it has. */
  async #takeAnswer(status, data, session, generation) {
    switch (status) {
      case 200:
        if (this.#isReplaced(session) || (this.#byHeader && !this.#refreshToken())) {
          await this.#discard(data.refresh, session);
        } else {
          if (this.#byHeader) this.#keep(data);
          await this.#announce("refresh");
        }
        return undefined;
      case 400:
      case 401:
        if (session.hasEnded || this.#isRefreshed(session, generation)) return undefined; // without locks another tab may be quicker
        if (this.#byHeader) this.#forget();
        this.#replaceSession();
        this.#session.hasEnded = true;
        await this.#announce("ended", session.id);
        return session;
      case 412:
        this.#checkReplaced(session);
        return undefined;
    }
    throw new TokenError(status);
  }

  /** checkReplaced throws where 412 does not mean that the cookies are of another session: then the id is out of date. */
  #checkReplaced(session) {
    if (this.#isReplaced(session)) return;
    session.isUnbound = true;
    throw new TokenError(412);
  }

  /** discard ends what a refresh brought after the user has logged out: by cookies the user would be logged in again. */
  async #discard(refresh, session) {
    const isKnown = session.id && session.id !== this.#session.id && !session.isUnbound; // else it might end another session
    if (!(this.#byHeader ? refresh : isKnown)) return;
    const ended = this.#ask("blacklist/", refresh, session).catch(() => {});
    if (!this.#byHeader) await ended; // its answer clears cookies: a login waits for it
  }

  /** backOff keeps the server from more refreshes for a while after one that failed. */
  #backOff(error) {
    const backOff = Math.min(MAX_BACKOFF, MIN_BACKOFF * 2 ** this.#failures++);
    this.#retryAt = Date.now() + Math.max(error.retryAfter ?? 0, backOff * (0.8 + 0.4 * Math.random()));
    this.#failure = error;
  }

  /** ask posts the refresh token until there is an answer. An answer that gets lost may have rotated the token: all tries
   * fit in the server's ROTATION_GRACE_PERIOD, as a later one would look like that of a thief. */
  async #ask(path, refresh, session) {
    const deadline = Date.now() + 0.9 * this.#gracePeriod;
    for (let i = 0; ; i++) {
      let failure;
      try {
        const signal = AbortSignal.timeout(i ? Math.min(TRY_TIMEOUT, deadline - Date.now()) : TRY_TIMEOUT);
        const response = await this.#post(path, this.#byHeader ? { refresh } : {}, { signal, session, keepalive: true });
        const data = parseObject(await response.text());
        if (data && !isTemporary(response.status)) return { status: response.status, data };
        failure = Object.assign(new TokenError(response.status), { retryAfter: retryAfter(response) });
        if (!isTemporary(response.status)) throw failure; // the answer of a proxy, which knows nothing of the session
      } catch (error) {
        if (error === failure) throw error;
        failure = error;
      }
      const wait = Math.max(PAUSES[i] * (0.8 + 0.4 * Math.random()), failure.retryAfter ?? 0);
      if (!(Date.now() + wait < deadline)) throw failure;
      await pause(wait);
      if (Date.now() >= deadline) throw failure; // timers of hidden tabs are late
    }
  }

  /** post sends a request to a view. With keepalive it outlives the page: its answer brings the next tokens. Firefox heeds
   * keepalive as an argument of fetch only. */
  #post(path, body, { signal, session = this.#session, keepalive = false } = {}) {
    const headers = new Headers({ "Content-Type": "application/json", Accept: "application/json" });
    if (!this.#byHeader) this.#authenticate(headers, "POST", session);
    if (path === "") headers.delete("If-Session"); // a login replaces whatever session there is
    const credentials = this.#byHeader ? "omit" : "same-origin";
    return fetch(this.#tokenURL + path, { method: "POST", headers, body: JSON.stringify(body), credentials, keepalive, signal });
  }

  /** withLock runs work while no other tab runs any. It takes the lock from a tab that stands still: the server's grace
   * period then decides. The wait, not the work, ends with the signal. Nothing that a page may block runs under the lock. */
  async #withLock(work, signal = new AbortController().signal) {
    const locks = globalThis.navigator?.locks;
    if (!locks) {
      const done = this.#queue.then(() => (signal.aborted ? Promise.reject(signal.reason) : work()));
      this.#queue = done.catch(() => {});
      return done;
    }
    let done;
    const run = () => (done = work());
    try {
      await locks.request(this.#lockName, { signal: anySignal(signal, AbortSignal.timeout(LOCK_TIMEOUT * (1 + Math.random()))) }, run);
    } catch (error) {
      if (!done && signal.aborted) throw error;
      if (!done) await locks.request(this.#lockName, { steal: true }, run).catch(() => {});
    }
    return done ?? work(); // also if another tab has taken the lock, or the browser forbids locks
  }

  /** announce tells the other tabs what happened to the session of an id, and waits until they have received it: the next
   * one to get the lock then knows it. A second channel of this page receives it when they do. */
  async #announce(type, id = this.#session.id) {
    if (!this.#byHeader && type !== "ended") this.#setStamp(Math.max(Date.now(), this.#generation() + 1));
    if (!this.#channel) return;
    const echo = new BroadcastChannel(this.#key);
    const delivered = new Promise((resolve) => (echo.onmessage = resolve));
    this.#channel.postMessage({ type, id, stamp: this.#stamp, access: this.#access });
    await Promise.race([delivered, pause(DELIVERY_TIMEOUT)]);
    echo.close();
  }

  /** hear takes in what another tab has announced. */
  #hear({ type, id, stamp, access }) {
    const isOurs = id === this.#session.id;
    if (this.#byHeader && (isOurs || type === "login")) this.#access = access;
    else if (stamp > this.#stamp) this.#stamp = stamp;
    if (type === "refresh") {
      if (!isOurs) return;
      this.#session.hasEnded = false;
      this.#session.leaveQueue?.();
      return;
    }
    if (type === "login" ? id && id === this.#announced : this.#session.id ? !isOurs : id && id === this.#session.replacedID) return; // known, or of another session than ours
    if (type === "ended" && this.#session.hasEnded) return;
    this.#session.leaveQueue?.();
    const replaced = this.#replaceSession(type === "login" ? id : type === "logout" ? "" : this.#readID());
    this.#session.hasEnded = type === "ended";
    this.#report(type, replaced, true);
  }

  /** replaceSession makes another session the current one, and returns the one before: report aborts what is under way. */
  #replaceSession(id = this.#readID()) {
    const replaced = this.#session;
    this.#session = new Session(id, replaced.id);
    this.#failures = this.#retryAt = 0;
    return replaced;
  }

  #abort(session) {
    session.aborter.abort(replacedError());
  }

  /** report aborts what is under way in the session that was replaced, and dispatches the event. */
  #report(type, replaced, remote = false) {
    this.#announced = type === "login" ? this.#session.id : "";
    this.#abort(replaced);
    this.dispatchEvent(new CustomEvent(type, { detail: { remote, session: this.#session.id } }));
  }

  /** otherID returns the id of another session than the current one that all tabs share by now; "" where there is none. */
  #otherID() {
    const id = this.#readID();
    return id === this.#session.id || this.#isLagging() ? "" : id;
  }

  /** isLagging reports whether the tab still sees the cookies of the session that was replaced just now. */
  #isLagging() {
    const { id, replacedID, replacedUntil } = this.#session;
    return !!replacedID && replacedID !== id && this.#readID() === replacedID && Date.now() < replacedUntil;
  }

  /** noticeChange reports a session that began by a form of the application, or in a tab whose message has not come yet. */
  #noticeChange() {
    const id = this.#otherID();
    if (!id) return;
    if (this.#byHeader) this.#access = "";
    if (this.#session.id || this.#session.replacedID) {
      this.#report("login", this.#replaceSession(id), true);
    } else {
      this.#session.id = id; // there never was one: what is under way may continue
      this.#session.hasEnded = false;
    }
  }

  /** adoptChange takes over the session that the answer to a request of this page may have brought. */
  #adoptChange() {
    const id = this.#otherID();
    if (!id || this.#byHeader) return;
    const replaced = this.#replaceSession(id);
    this.#announce("login");
    this.#report("login", replaced);
  }

  /** readID returns what identifies the session in all tabs: the CSRF token, which is that of the session, or by header a random id
   * beside the refresh token. */
  #readID() {
    return this.#byHeader ? (this.#storage.getItem(this.#key + " session") ?? "") : this.#csrfToken();
  }

  /** generation identifies the newest tokens of a session, in all tabs that share it. */
  #generation() {
    if (this.#byHeader) return this.#access;
    let shared = 0;
    try {
      shared = Number(this.#shared?.getItem(this.#key)) || 0;
    } catch {
      // Then only the channel shares it.
    }
    return (this.#stamp = Math.max(this.#stamp, shared));
  }

  #setStamp(stamp) {
    this.#stamp = stamp;
    try {
      this.#shared?.setItem(this.#key, String(stamp));
    } catch {
      // Then only the channel shares it.
    }
  }

  #csrfToken() {
    const cookies = (globalThis.document?.cookie ?? "").split("; ");
    for (const name of this.#csrfCookies) {
      const found = cookies.find((cookie) => cookie.startsWith(name + "="));
      if (found) return found.slice(name.length + 1);
    }
    return "";
  }

  #refreshToken() {
    return this.#byHeader ? (this.#storage.getItem(this.#key) ?? "") : "";
  }

  /** keep stores the tokens of a refresh, or with an id those of a login. */
  #keep({ access, refresh }, id) {
    this.#access = access;
    if (refresh) this.#storage.setItem(this.#key, refresh);
    if (id) this.#storage.setItem(this.#key + " session", id);
  }

  #forget() {
    this.#access = "";
    this.#storage.removeItem(this.#key);
    this.#storage.removeItem(this.#key + " session");
  }
}

/** createClient makes the one client of a page. */
export const createClient = (options) => new Client(options);
