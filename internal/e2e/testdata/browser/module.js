// Tests of simplejwt.js with a server that is a function. Each has a token URL, and so a session, of its own.
import { createClient, TokenError } from "/account/simplejwt.js";

const later = globalThis.setTimeout;
globalThis.setTimeout = (work, ms) => later(work, ms > 100 ? 5 : ms); // pauses between tries

const servers = [];
globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  request.signal.throwIfAborted();
  const answer = servers.find((server) => request.url.includes(server.mark)).answer(request);
  return Promise.race([answer, new Promise((_, reject) => request.signal.addEventListener("abort", () => reject(request.signal.reason)))]);
};

let count = 0;

/** world is a server that refuses requests until a refresh was good, and a client of it. */
function world({ refresh = () => new Response("{}"), ...options } = {}) {
  const mark = `/w${++count}/`;
  const w = { mark, good: false, requests: [], refreshes: 0, events: [], tokenURL: mark + "token/" };
  w.answer = async (request) => {
    const body = await request.text();
    w.requests.push({ method: request.method, url: request.url, body, headers: Object.fromEntries(request.headers), credentials: request.credentials });
    if (request.url.endsWith("/refresh/")) {
      const response = await refresh(++w.refreshes);
      if (response.ok) w.good = true;
      return response;
    }
    if (request.url.endsWith("/token/") || request.url.endsWith("/blacklist/")) return new Response(w.pair ?? "{}");
    return new Response("", { status: w.good ? 200 : 401 });
  };
  servers.push(w);
  w.client = () => {
    const client = createClient({ tokenURL: w.tokenURL, ...options });
    for (const type of ["login", "logout", "ended"]) client.addEventListener(type, ({ detail }) => w.events.push(type + (detail.remote ? " remote" : "")));
    return client;
  };
  w.api = mark + "api";
  return w;
}

function equal(got, want) {
  if (JSON.stringify(got) !== JSON.stringify(want)) throw new Error(`got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
}

const failed = async (promise) => promise.then(() => "success", (error) => error);
const settled = () => new Promise((resolve) => later(resolve, 100));

const tests = {
  async "many requests at once refresh once"() {
    const w = world();
    const client = w.client();
    const all = await Promise.all(Array.from({ length: 7 }, () => client.fetch(w.api)));
    equal([all.map((r) => r.status), w.refreshes], [Array(7).fill(200), 1]);
  },
  async "two tabs refresh once"() {
    const w = world();
    const tabs = [w.client(), w.client()];
    const all = await Promise.all(tabs.map((client) => client.fetch(w.api)));
    equal([all.map((r) => r.status), w.refreshes], [[200, 200], 1]);
  },
  async "a request is repeated once, with its body"() {
    const w = world();
    const response = await w.client().fetch(w.api, { method: "POST", body: "some text" });
    equal([response.status, w.requests.filter((r) => r.url.endsWith("api")).map((r) => r.body)], [200, ["some text", "some text"]]);
  },
  async "a request that is rejected again is not repeated again"() {
    const w = world();
    w.answer = ((answer) => async (request) => (request.url.endsWith("api") ? (w.requests.push(1), new Response("{}", { status: 401 })) : answer(request)))(w.answer);
    const response = await w.client().fetch(w.api);
    equal([response.status, w.refreshes, w.requests.length], [401, 1, 3]);
  },
  async "a stream is not repeated"() {
    const w = world();
    const body = new Blob(["text"]).stream();
    const response = await w.client().fetch(w.api, { method: "POST", body, duplex: "half" });
    equal([response.status, w.refreshes, w.requests.length], [401, 1, 2]);
  },
  async "errors that pass are survived"() {
    const w = world({ refresh: (n) => (n === 1 ? Promise.reject(new TypeError("network")) : new Response("{}", { status: n === 2 ? 503 : 200 })) });
    equal([(await w.client().fetch(w.api)).status, w.refreshes, w.events], [200, 3, []]);
  },
  async "an error that stays does not end the session"() {
    const w = world({ refresh: () => new Response("", { status: 503 }) });
    const client = w.client();
    const error = await failed(client.fetch(w.api));
    equal([error instanceof TokenError, error.status, w.refreshes, w.events], [true, 503, 4, []]);
    const again = await failed(client.fetch(w.api)); // the server is left alone for a while
    equal([again.status, w.refreshes], [503, 4]);
  },
  async "a network that is down is the network's error"() {
    const w = world({ refresh: () => Promise.reject(new TypeError("down")) });
    equal([(await failed(w.client().fetch(w.api))).message, w.events], ["down", []]);
  },
  async "the end is reported once, here and in other tabs"() {
    const w = world({ refresh: () => new Response("{}", { status: 401 }) });
    const tabs = [w.client(), w.client()];
    const all = await Promise.all([0, 1, 2].map(() => tabs[0].fetch(w.api)));
    await settled();
    equal([all.map((r) => r.status), w.events.toSorted(), w.refreshes], [[401, 401, 401], ["ended", "ended remote"], 1]);
    for (const client of tabs) await client.fetch(w.api);
    equal([w.events.length, w.refreshes], [2, 1]);
    await tabs[1].login({});
    await settled();
    await tabs[0].fetch(w.api);
    await settled();
    equal([w.events.slice(2).toSorted(), w.refreshes], [["login", "login remote", "ended", "ended remote"].toSorted(), 2]);
  },
  async "a configuration that is wrong is no end"() {
    const w = world({ refresh: () => new Response("{}", { status: 403 }) });
    equal([(await failed(w.client().fetch(w.api))).status, w.refreshes, w.events], [403, 1, []]);
  },
  async "an aborted request does not wait, and the others get their answers"() {
    let go;
    const w = world({ refresh: () => new Promise((resolve) => (go = () => resolve(new Response("{}")))) });
    const client = w.client();
    const stop = new AbortController();
    const aborted = failed(client.fetch(w.api, { signal: stop.signal }));
    const other = client.fetch(w.api);
    while (!go) await settled();
    stop.abort();
    equal((await aborted).name, "AbortError");
    go();
    equal([(await other).status, w.refreshes], [200, 1]);
  },
  async "the CSRF token goes with unsafe requests to us only"() {
    document.cookie = "csrftoken=proof; path=/";
    try {
      const w = world();
      w.good = true;
      const client = w.client();
      await client.fetch(w.api);
      await client.fetch(w.api, { method: "POST" });
      await client.fetch("https://other.example" + w.api, { method: "POST" });
      equal(w.requests.map((r) => r.headers["x-csrftoken"] ?? ""), ["", "proof", ""]);
    } finally {
      document.cookie = "csrftoken=; path=/; max-age=0";
    }
  },
  async "other origins do not get the access token unless they are listed"() {
    const w = world({ mode: "header", origins: ["https://listed.example"] });
    w.pair = '{"access": "A", "refresh": "R"}';
    w.good = true;
    const client = w.client();
    await client.login({ username: "alice", password: "x" });
    for (const origin of ["", "https://listed.example", "https://listed.example.evil", "http://listed.example"]) await client.fetch(origin + w.api);
    await client.fetch(w.api, { headers: { Authorization: "Basic x" } });
    equal(w.requests.slice(1).map((r) => r.headers.authorization ?? ""), ["Bearer A", "Bearer A", "", "", "Basic x"]);
    equal([w.requests[0].credentials, localStorage.getItem("simplejwt " + new URL(w.tokenURL, location.href))], ["omit", null]);
  },
  async "in header mode the rotated token is sent next"() {
    const w = world({ mode: "header", refresh: (n) => ((w.good = true), new Response(`{"access": "A${n}", "refresh": "R${n}"}`)) });
    w.pair = '{"access": "A0", "refresh": "R0"}';
    const client = w.client();
    await client.login({});
    await client.fetch(w.api);
    w.good = false;
    await client.fetch(w.api);
    await client.logout();
    equal(w.requests.filter((r) => /refresh|blacklist/.test(r.url)).map((r) => r.body), ["R0", "R1", "R2"].map((refresh) => JSON.stringify({ refresh })));
    equal([(await client.fetch(w.api)).status, w.events], [200, ["login", "logout"]]);
    equal(w.requests.at(-1).headers.authorization ?? "", "");
  },
  async "a logout that the server did not hear of is none"() {
    const w = world();
    w.answer = async () => new Response("", { status: 503 });
    equal([(await failed(w.client().logout())).status, w.events], [503, []]);
  },
  async "a user without a session is not refreshed in header mode"() {
    const w = world({ mode: "header" });
    equal([(await w.client().fetch(w.api)).status, w.refreshes, w.events], [401, 0, []]);
  },
};

Object.assign(tests, {
  async "425 and 429 are tried again, Retry-After is waited for"() {
    const waits = [];
    const replaced = globalThis.setTimeout;
    globalThis.setTimeout = (work, ms) => (waits.push(ms), later(work, 0));
    try {
      const w = world({ refresh: (n) => new Response("{}", { status: [425, 429, 200][n - 1], headers: n === 2 ? { "Retry-After": "2" } : {} }) });
      equal([(await w.client().fetch(w.api)).status, w.refreshes, waits.filter((ms) => ms > 100).length, waits.includes(2000)], [200, 3, 2, true]);
    } finally {
      globalThis.setTimeout = replaced;
    }
  },
  async "a Retry-After beyond the grace period is obeyed"() {
    const w = world({ refresh: () => new Response("{}", { status: 503, headers: { "Retry-After": "30" } }) });
    const client = w.client();
    const error = await failed(client.fetch(w.api));
    equal([error.status, error.retryAfter, w.refreshes], [503, 30000, 1]);
    equal([(await failed(client.fetch(w.api))).status, w.refreshes], [503, 1]);
    const now = Date.now;
    Date.now = () => now() + 30000; // then it is asked again
    try {
      await failed(client.fetch(w.api));
    } finally {
      Date.now = now;
    }
    equal(w.refreshes, 2);
  },
  async "all tries fit in the grace period"() {
    const w = world({ refresh: () => Promise.reject(new TypeError("lost")), gracePeriod: 2000 });
    await failed(w.client().fetch(w.api));
    equal(w.refreshes, 3); // a fourth would come after 0.25 + 1 + 3 seconds
  },
  async "an answer that is not of the server ends no session"() {
    for (const status of [401, 400, 200]) {
      const w = world({ refresh: () => new Response("<html>Log in to the network</html>", { status }) });
      equal([(await failed(w.client().fetch(w.api))).status, w.refreshes, w.events], [status, 1, []]);
    }
  },
  async "without a channel to the other tabs there still is a lock"() {
    const channel = globalThis.BroadcastChannel;
    globalThis.BroadcastChannel = undefined;
    let running = 0;
    let most = 0;
    const w = world({ refresh: async () => ((most = Math.max(most, ++running)), await settled(), running--, new Response("{}")) });
    try {
      const tabs = [w.client(), w.client(), w.client()];
      equal([(await Promise.all(tabs.map((client) => client.fetch(w.api)))).map((r) => r.status), most], [[200, 200, 200], 1]);
    } finally {
      globalThis.BroadcastChannel = channel;
    }
  },
  async "a listener that throws or waits does not hold the lock"() {
    const w = world({ refresh: () => new Response("{}", { status: 401 }) });
    const held = [];
    const client = w.client();
    client.addEventListener("ended", () => held.push(navigator.locks.query().then(({ held }) => held.filter((lock) => lock.name.includes(w.mark)).length)));
    await client.fetch(w.api);
    equal(await Promise.all(held), [0]);
  },
  async "a rotated token that arrives after the logout is revoked"() {
    let go;
    const w = world({ mode: "header", refresh: () => new Promise((resolve) => (go = () => resolve(new Response('{"access": "A1", "refresh": "R1"}')))) });
    w.pair = '{"access": "A0", "refresh": "R0"}';
    const client = w.client();
    await client.login({});
    const request = client.fetch(w.api);
    while (!go) await settled();
    await client.logout();
    go();
    equal((await request).status, 401);
    await settled();
    equal(w.requests.filter((r) => r.url.endsWith("blacklist/")).map((r) => r.body), ['{"refresh":"R0"}', '{"refresh":"R1"}']);
    equal((await client.fetch(w.api)).status, 200);
    equal(w.requests.at(-1).headers.authorization ?? "", "");
  },
  async "a request carries the session that it belongs to"() {
    document.cookie = "csrftoken=one; path=/";
    try {
      const w = world();
      w.good = true;
      const client = w.client();
      const post = { method: "POST" };
      await client.fetch(w.api, post);
      await client.fetch("https://other.example" + w.api, post);
      await client.fetch(w.api); // a redirect to another origin must not need its permission
      document.cookie = "csrftoken=two; path=/";
      equal([(await failed(client.fetch(w.api))).name, w.events, client.session], ["AbortError", ["login remote"], "two"]);
      await client.fetch(w.api, post);
      equal(w.requests.map((r) => r.headers["if-session"] ?? ""), ["one", "", "", "two"]);
    } finally {
      document.cookie = "csrftoken=; path=/; max-age=0";
    }
  },
  async "412 is the answer to a request of another session"() {
    document.cookie = "csrftoken=one; path=/";
    try {
      const w = world({ refresh: () => new Response("{}", { status: 412 }) });
      const client = w.client();
      equal([(await failed(client.fetch(w.api))).status, w.events], [412, []]); // the cookie is out of date
      const now = Date.now;
      Date.now = () => now() + 60000;
      await failed(client.fetch(w.api)).finally(() => (Date.now = now));
      equal(w.requests.at(-1).headers["if-session"] ?? "", "");
    } finally {
      document.cookie = "csrftoken=; path=/; max-age=0";
    }
  },
});

Object.assign(tests, {
  async "an answer between a login and its event is an AbortError"() {
    const channel = globalThis.BroadcastChannel;
    globalThis.BroadcastChannel = class { postMessage() {} close() {} }; // a message that nobody receives is waited for
    try {
      const w = world();
      let go;
      w.answer = async (request) => (request.url.endsWith("api") ? new Promise((resolve) => (go = () => resolve(new Response("")))) : (later(go, 10), new Response("{}")));
      const client = w.client();
      const request = failed(client.fetch(w.api));
      while (!go) await settled();
      await client.login({});
      equal([(await request)?.name, w.events], ["AbortError", ["login"]]);
    } finally {
      globalThis.BroadcastChannel = channel;
    }
  },
  async "a logout that is answered 412 in its own session is none, and the next one succeeds"() {
    document.cookie = "csrftoken=one; path=/";
    try {
      const w = world();
      w.answer = async (request) => new Response("{}", { status: request.headers.has("If-Session") ? 412 : 200 });
      const client = w.client();
      equal([(await failed(client.logout())).status, w.events], [412, []]);
      await client.logout();
      equal(w.events, ["logout"]);
    } finally {
      document.cookie = "csrftoken=; path=/; max-age=0";
    }
  },
  async "two tabs that log out at once report one logout each"() {
    document.cookie = "csrftoken=one; path=/";
    try {
      const w = world();
      w.answer = async () => ((document.cookie = "csrftoken=; path=/; max-age=0"), new Response("{}"));
      const tabs = [w.client(), w.client()];
      await Promise.all(tabs.map((client) => client.logout()));
      await settled();
      equal(w.events.map((event) => event.split(" ")[0]), ["logout", "logout"]);
    } finally {
      document.cookie = "csrftoken=; path=/; max-age=0";
    }
  },
  async "a request of a page that has logged out is not sent in the session of the next user"() {
    document.cookie = "csrftoken=one; path=/";
    try {
      const w = world();
      const client = w.client();
      w.answer = ((answer) => async (request) => ((document.cookie = "csrftoken=; path=/; max-age=0"), answer(request)))(w.answer);
      await client.logout();
      document.cookie = "csrftoken=two; path=/";
      equal([(await failed(client.fetch(w.api, { method: "POST" })))?.name, w.requests.length, w.events, client.session], ["AbortError", 1, ["logout", "login remote"], "two"]);
    } finally {
      document.cookie = "csrftoken=; path=/; max-age=0";
    }
  },
  async "a rotated token that arrives during the logout is revoked"() {
    let goRefresh, goLogout;
    const w = world({ mode: "header", refresh: () => new Promise((resolve) => (goRefresh = () => resolve(new Response('{"access": "A1", "refresh": "R1"}')))) });
    w.pair = '{"access": "A0", "refresh": "R0"}';
    const client = w.client();
    await client.login({});
    const request = client.fetch(w.api);
    while (!goRefresh) await settled();
    w.answer = ((answer) => async (request) => (request.url.endsWith("blacklist/") && !goLogout ? new Promise((resolve) => (goLogout = () => resolve(answer(request)))) : answer(request)))(w.answer);
    const logout = client.logout();
    while (!goLogout) await settled();
    goRefresh();
    await request;
    goLogout();
    await logout;
    equal([(await client.fetch(w.api)).status, w.requests.at(-1).headers.authorization ?? "", w.refreshes, w.events], [200, "", 1, ["login", "logout"]]);
    equal(w.requests.filter((r) => r.url.endsWith("blacklist/")).map((r) => r.body).toSorted(), ['{"refresh":"R0"}', '{"refresh":"R1"}']);
  },
  async "where the browser forbids locks and channels there still are logins and refreshes"() {
    const channel = globalThis.BroadcastChannel;
    const forbid = () => {
      throw new DOMException("storage is forbidden", "SecurityError");
    };
    navigator.locks.request = async () => forbid();
    globalThis.BroadcastChannel = class { constructor() { forbid(); } };
    try {
      const w = world();
      const client = w.client();
      equal([(await client.login({})).status, (await client.fetch(w.api)).status, w.refreshes], [200, 200, 1]);
    } finally {
      delete navigator.locks.request;
      globalThis.BroadcastChannel = channel;
    }
  },
});

const results = [];
window.outcome = (async () => {
  for (const [name, test] of Object.entries(tests)) {
    const late = new Promise((_, reject) => later(reject, 5000, new Error("no end")));
    results.push({ Name: name, Error: await Promise.race([test(), late]).then(() => "", String) });
  }
  return results;
})();
