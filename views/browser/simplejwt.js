// simplejwt.js is fetch for pages whose users log in by simplejwt: it refreshes tokens when they have expired, once for all
// requests and tabs, and says when a session begins and ends. Start with createClient; docs/clients.md explains it.

/** Pauses between the tries of a refresh or logout that got no answer, in milliseconds. Its answer may be what was lost: then
 * the server must still be within its ROTATION_GRACE_PERIOD when it is asked again. */
const PAUSES = [250, 1000, 3000];

/** How long one try may take, in milliseconds: less than the grace period of the recommended profile. */
const TIMEOUT = 8000;

/** How long a tab keeps its lock after it has told the others the outcome, so that the next one has heard of it. */
const LINGER = 50;

const CSRF_COOKIES = ["__Host-csrftoken", "__Secure-csrftoken", "csrftoken"];
const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"];

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** abortable is a promise that its caller may stop to wait for; what it stands for goes on. */
function abortable(promise, signal) {
  return new Promise((resolve, reject) => {
    promise.then(resolve, reject);
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** memory is a storage that ends with the page. */
function memory() {
  const values = new Map();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}

/** commonStorage is what all tabs see; undefined where the user forbids it. */
function commonStorage() {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}

/** TokenError is that the server could not refresh or end a session for now. The session goes on. */
export class TokenError extends Error {
  constructor(status) {
    super(`the token could not be renewed or ended: the server answered ${status}`);
    this.name = "TokenError";
    this.status = status;
  }
}

/** Client is one user's session in the tabs of a browser. Events: "login", "logout", "ended". */
export class Client extends EventTarget {
  #tokenURL;
  #byHeader;
  #csrfCookies;
  #csrfHeader;
  #scheme;
  #origins;
  #storage; // of the refresh token, in mode "header"
  #common; // what all tabs see
  #key; // the name of this client in storages, locks and channels
  #channel; // to the other tabs; undefined where they have sessions of their own
  #access = ""; // the access token, in mode "header"
  #stamp = 0; // when the session changed last, in mode "cookie"
  #over; // the state in which a refresh was refused
  #refreshing; // the refresh under way
  #last = Promise.resolve(); // what changes the session in this page, one behind the other

  constructor({ tokenURL = "/api/token/", mode = "cookie", csrfCookie, csrfHeader = "X-CSRFToken", storage = memory(), origins = [], scheme = "Bearer" } = {}) {
    super();
    if (mode !== "cookie" && mode !== "header") throw new TypeError('the mode must be "cookie" or "header"');
    this.#tokenURL = new URL(tokenURL.replace(/\/*$/, "/"), location.href).href;
    this.#byHeader = mode === "header";
    this.#csrfCookies = csrfCookie ? [csrfCookie] : CSRF_COOKIES;
    this.#csrfHeader = csrfHeader;
    this.#scheme = scheme;
    this.#storage = storage;
    this.#common = commonStorage();
    this.#key = "simplejwt " + this.#tokenURL;
    this.#origins = new Set([location.origin]);
    if (this.#byHeader) {
      for (const url of [this.#tokenURL, ...origins]) this.#origins.add(new URL(url).origin);
    } else if (new URL(this.#tokenURL).origin !== location.origin) {
      throw new TypeError('in the mode "cookie" tokenURL must be of the origin of the page');
    }
    if (globalThis.BroadcastChannel && (!this.#byHeader || storage === this.#common)) {
      this.#channel = new BroadcastChannel(this.#key);
      this.#channel.onmessage = ({ data }) => this.#hear(data);
    }
  }

  /** fetch is the global fetch, with the session of the user. */
  fetch = async (input, init) => {
    const request = new Request(input, init);
    if (!this.#isOurs(request)) return fetch(request);
    // A stream can be read once only. Other bodies are copied before they are sent.
    const copy = init?.body instanceof ReadableStream ? undefined : request.clone();
    if (this.#byHeader && !this.#access && this.#refreshToken()) await this.#renew("", request.signal);
    const generation = this.#generation();
    const response = await fetch(this.#authenticated(request));
    if (response.status !== 401 || !(await this.#renew(generation, request.signal)) || !copy) return response;
    response.body?.cancel().catch(() => {});
    return fetch(this.#authenticated(copy));
  };

  /** login sends user name, password and device_name. It resolves to the server's answer, good or bad. */
  login = (credentials, { signal } = {}) =>
    this.#alone(async () => {
      const response = await fetch(this.#post("", credentials, signal));
      if (!response.ok) return response;
      if (this.#byHeader) this.#keep(await response.clone().json());
      this.#tell("login");
      return response;
    });

  /** logout ends the session. Where the server can't be told it rejects, and by cookies the user is still logged in. */
  logout = () =>
    this.#alone(async () => {
      const refresh = this.#refreshToken();
      if (this.#byHeader) this.#forget();
      try {
        if (this.#byHeader && !refresh) return;
        const { status } = await this.#ask("blacklist/", refresh);
        if (status !== 200 && status !== 401 && status !== 400) throw new TokenError(status);
      } catch (error) {
        if (this.#byHeader) this.#tell("logout");
        throw error;
      }
      this.#tell("logout");
    });

  /** isOurs reports whether a request may carry the user's token, and does not carry another one already. */
  #isOurs(request) {
    const known = this.#origins.has(new URL(request.url).origin) && !request.headers.has("Authorization");
    return known && (this.#byHeader || request.credentials !== "omit");
  }

  #authenticated(request) {
    if (this.#byHeader) {
      if (this.#access) request.headers.set("Authorization", `${this.#scheme} ${this.#access}`);
    } else if (!SAFE_METHODS.includes(request.method) && !request.headers.has(this.#csrfHeader)) {
      const token = this.#csrfToken();
      if (token) request.headers.set(this.#csrfHeader, token);
    }
    return request;
  }

  /** renew makes the tokens newer than those of a generation, and reports whether a request may be repeated with them. */
  #renew(generation, signal) {
    if (this.#generation() !== generation) return Promise.resolve(true); // that happened while the request was on its way
    if (this.#state() === this.#over || (this.#byHeader && !this.#access && !this.#refreshToken())) return Promise.resolve(false);
    this.#refreshing ??= this.#alone(() => this.#refresh(generation)).finally(() => (this.#refreshing = undefined));
    return abortable(this.#refreshing, signal);
  }

  async #refresh(generation) {
    if (this.#generation() !== generation) return true; // another tab was quicker
    const token = this.#refreshToken();
    const { status, data } = this.#byHeader && !token ? { status: 401 } : await this.#ask("refresh/", token);
    switch (status) {
      case 200:
        if (this.#byHeader) this.#keep(data);
        this.#tell("refresh");
        return true;
      case 400:
      case 401:
        if (this.#generation() !== generation) return true; // without locks another tab may have logged in meanwhile
        this.#tell("ended", this.#byHeader ? this.#forget() : this.#state());
        return false;
    }
    throw new TokenError(status);
  }

  /** ask posts the refresh token until there is an answer, or no more hope of one. */
  async #ask(path, refresh) {
    for (let i = 0; ; i++) {
      try {
        const response = await fetch(this.#post(path, this.#byHeader ? { refresh } : {}, AbortSignal.timeout(TIMEOUT), true));
        const text = await response.text();
        if (response.status < 500 && response.status !== 429) return { status: response.status, data: response.ok ? JSON.parse(text) : undefined };
        if (i === PAUSES.length) throw new TokenError(response.status);
      } catch (error) {
        if (i === PAUSES.length) throw error;
      }
      await pause(PAUSES[i] * (0.8 + 0.4 * Math.random()));
    }
  }

  /** post is a request to a view. With keepalive it outlives the page: its answer brings the next tokens. */
  #post(path, body, signal, keepalive = false) {
    const headers = { "Content-Type": "application/json", Accept: "application/json" };
    const credentials = this.#byHeader ? "omit" : "same-origin";
    const request = new Request(this.#tokenURL + path, { method: "POST", headers, body: JSON.stringify(body), credentials, keepalive, signal });
    return this.#byHeader ? request : this.#authenticated(request);
  }

  /** alone does what changes the session: one thing at a time in this page and, where there are locks, in all tabs. */
  #alone(work) {
    const locks = this.#channel && globalThis.navigator?.locks;
    const turn = () =>
      !locks
        ? work()
        : new Promise((resolve, reject) => {
            const held = async () => {
              const done = work();
              done.then(resolve, reject);
              await done.catch(() => {});
              await pause(LINGER);
            };
            locks.request(this.#key, held).catch(reject);
          });
    const mine = this.#last.then(turn);
    this.#last = mine.catch(() => {});
    return mine;
  }

  /** tell makes known to the page and to the other tabs what happened. */
  #tell(type, state) {
    if (!this.#byHeader && type !== "ended") this.#mark(Math.max(Date.now(), this.#generation() + 1));
    const message = { type, state, stamp: this.#stamp, access: this.#access };
    this.#channel?.postMessage(message);
    this.#react(message, false);
  }

  /** hear is what another tab tells. */
  #hear(message) {
    if (this.#byHeader) this.#access = message.access;
    else if (message.stamp > this.#stamp) this.#stamp = message.stamp;
    const known = this.#over === message.state || (!this.#byHeader && this.#state() !== message.state);
    if (message.type === "ended" && known) return; // or another session goes on here
    this.#react(message, true);
  }

  #react({ type, state }, remote) {
    this.#over = type === "ended" ? state : undefined;
    if (type !== "refresh") this.dispatchEvent(new CustomEvent(type, { detail: { remote } }));
  }

  /** generation names the newest tokens, state the session. Both are the same in all tabs that share it. */
  #generation() {
    if (this.#byHeader) return this.#access;
    let common = 0;
    try {
      common = Number(this.#common?.getItem(this.#key)) || 0;
    } catch {
      // Then the channel alone tells.
    }
    return (this.#stamp = Math.max(this.#stamp, common));
  }

  #state() {
    return this.#byHeader ? this.#refreshToken() : `${this.#generation()} ${this.#csrfToken()}`;
  }

  #mark(stamp) {
    this.#stamp = stamp;
    try {
      this.#common?.setItem(this.#key, String(stamp));
    } catch {
      // Then the channel alone tells.
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

  #keep({ access, refresh }) {
    this.#access = access;
    if (refresh) this.#storage.setItem(this.#key, refresh);
  }

  #forget() {
    this.#access = "";
    this.#storage.removeItem(this.#key);
    return "";
  }
}

/** createClient makes the one client of a page. */
export const createClient = (options) => new Client(options);
