// page.js is the example's page: it shows who is logged in and where, by the client in simplejwt.js.
import { createClient } from "./simplejwt.js";

const $ = (id) => document.getElementById(id);
const { tokenUrl, userUrl, passwordUrl, csrfCookie, csrfHeader, gracePeriod } = document.body.dataset;
const client = createClient({ tokenURL: tokenUrl, csrfCookie, csrfHeader, gracePeriod: Number(gracePeriod) });

/** How long work may take before the page says that it is under way, in milliseconds. */
const SLOW = 400;

let shownSessions = ""; // the list as it is shown

/** say shows a message, which screen readers read out, in place of the one before. */
function say(text, isError = false) {
  $("error").textContent = isError ? text : "";
  $("notice").textContent = isError ? "" : text;
}

/** showState shows what belongs to one of the states "loading", "unreachable", "login" and "home". */
function showState(state) {
  for (const part of document.querySelectorAll("[data-state]")) part.hidden = part.dataset.state !== state;
}

const isShown = (state) => !document.querySelector(`section[data-state=${state}]`).hidden;

/** showError shows what is wrong with a field beside it, and puts the focus there. */
function showError(field, text) {
  $(field === "password" ? "login-error" : `${field}-error`).textContent = text;
  $(field).setAttribute("aria-invalid", "true");
  $(field).select();
  $(field).focus();
}

function clearErrors() {
  for (const part of document.querySelectorAll(".field-error")) part.textContent = "";
  for (const field of document.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

/** readError returns an error with the status of an answer and what the server says, as a whole and by field. */
async function readError(response) {
  const body = await response.json().catch(() => ({}));
  const text = body.detail ?? Object.values(body).flat().join(" ");
  return Object.assign(new Error(text || `The server answered ${response.status}.`), { status: response.status, fields: body });
}

/** call is client.fetch; an answer that is no success is an error. One that arrives when the account is another user's is
 * dropped, but for the new password's, which begins a session itself. */
async function call(url, init) {
  const { signal } = client;
  const response = await client.fetch(url, init);
  if (signal.aborted && url !== passwordUrl && response.ok) throw signal.reason;
  if (!response.ok) throw await readError(response);
  return response;
}

/** during does what a button or form asks for, once at a time, and shows what goes wrong. */
async function during(button, busyText, work) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  clearErrors();
  say("");
  const slow = setTimeout(() => say(busyText), SLOW);
  try {
    await work();
  } catch (error) {
    if (isShown("home") || isShown("login")) report(error);
  } finally {
    clearTimeout(slow);
    if ($("notice").textContent === busyText) say("");
    button.removeAttribute("aria-disabled");
  }
}

/** report shows an error. A 401 and an abort say that the session is over: the client's events have shown that. */
function report(error) {
  if (error.status === 401 || error.name === "AbortError") return;
  say(error.fields ? error.message : "The server can't be reached. Try again.", true);
}

/** hideAccount removes all that is private from the page. */
function hideAccount() {
  $("list").replaceChildren();
  shownSessions = "";
  $("name").textContent = "";
  $("account-name").value = "";
  $("change-form").reset();
  answer(false);
  clearErrors();
}

function showLogin(text, isError) {
  hideAccount();
  showState("login");
  say(text, isError);
  $($("username").value ? "password" : "username").focus();
}

async function showHome() {
  const [user, sessions] = await Promise.all([call(userUrl), call(tokenUrl + "sessions/")].map(async (answer) => (await answer).json()));
  $("name").textContent = $("account-name").value = user.username;
  const text = JSON.stringify(sessions);
  if (text !== shownSessions) $("list").replaceChildren(...sessions.map(newEntry)); // else the focus stays where it is
  shownSessions = text;
  $("others").hidden = sessions.every((session) => session.current);
  showState("home");
}

/** open shows the account, or what keeps it from being shown. */
async function open() {
  const { signal } = client;
  try {
    await showHome();
  } catch (error) {
    if (signal.aborted || error.name === "AbortError") return; // an event of the client says what became of the session
    if (error.status === 401) return showLogin("");
    hideAccount();
    showState("unreachable");
    $("unreachable-title").focus();
  }
}

/** newEntry returns a session as an item of the list. */
function newEntry(session) {
  const item = $("session").content.cloneNode(true);
  const name = session.device_name || "A device without a name";
  item.querySelector(".device").textContent = name;
  item.querySelector(".current").hidden = !session.current;
  item.querySelector(".about").textContent = [session.ip, session.device_name ? "" : session.user_agent].filter(Boolean).join(", ");
  item.querySelector(".times").append(newTime("Logged in", session.started_at), newTime("Last seen", session.last_refreshed_at ?? session.started_at));
  const button = item.querySelector("button");
  button.hidden = session.current; // "Log out" ends that one
  button.setAttribute("aria-label", `End the session: ${name}`);
  button.addEventListener("click", async () => {
    if (!(await ask("End this session?", `${name} is logged out.`, "End the session"))) return;
    during(button, "Ending the session …", async () => {
      await call(`${tokenUrl}sessions/${encodeURIComponent(session.id)}/`, { method: "DELETE" });
      await finish(`The session has ended: ${name}.`);
    });
  });
  return item;
}

/** newTime returns when something happened: how long ago it was, and at what time. */
function newTime(what, text) {
  const out = document.createElement("span");
  const time = document.createElement("time");
  const at = new Date(text);
  time.dateTime = text;
  time.title = at.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  time.textContent = formatAgo(at);
  out.append(what, " ", time);
  return out;
}

function formatAgo(at) {
  const seconds = Math.min(0, (at - Date.now()) / 1000);
  const [unit, size] = [["day", 86_400], ["hour", 3600], ["minute", 60]].find(([, size]) => -seconds >= size) ?? ["second", 1];
  if (unit === "second") return "just now";
  return new Intl.RelativeTimeFormat(document.documentElement.lang).format(Math.ceil(seconds / size), unit);
}

let answer = () => {}; // to the question that is open

/** ask resolves to whether the user says yes. It does not block the page, as confirm() would. */
function ask(title, text, yes) {
  const dialog = $("question");
  $("question-title").textContent = title;
  $("question-text").textContent = text;
  $("yes").textContent = yes;
  dialog.showModal();
  return new Promise((resolve) => {
    answer = (isYes) => {
      dialog.close();
      resolve(isYes);
    };
  });
}

/** finish shows the account again. The button that was pressed may be gone: the heading takes the focus. */
async function finish(text) {
  await showHome();
  say(text);
  $("sessions-title").focus();
}

/** deviceName returns what users may call their browser. */
function deviceName() {
  const agent = navigator.userAgent;
  const browser = [["Edg/", "Edge"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]].find(([mark]) => agent.includes(mark));
  const system = [["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Windows", "Windows"], ["Mac OS", "Mac"], ["Linux", "Linux"]].find(([mark]) => agent.includes(mark));
  return [browser?.[1] ?? "Browser", system && `on ${system[1]}`].filter(Boolean).join(" ");
}

$("login-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  during(form.querySelector("button"), "Logging in …", async () => {
    const response = await client.login(Object.fromEntries(new FormData(form)));
    if (response.ok) return; // the event "login" shows the account
    const error = await readError(response);
    if (response.status >= 500 || response.status === 429) throw error;
    showError("password", error.message);
  });
});

$("change-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  during(form.querySelector("button"), "Changing the password …", async () => {
    const { old_password, new_password } = Object.fromEntries(new FormData(form));
    try {
      await call(passwordUrl, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ old_password, new_password }) });
    } catch (error) {
      const field = ["old_password", "new_password"].find((name) => error.fields?.[name]);
      if (!field) throw error;
      return showError(field.replace("_", "-"), error.fields[field].join(" "));
    }
    form.reset();
    await finish("The password was changed. All other sessions have ended.");
  });
});

$("others").addEventListener("click", async () => {
  if (!(await ask("End all other sessions?", "All your other devices are logged out.", "End them"))) return;
  during($("others"), "Ending the sessions …", async () => {
    await call(tokenUrl + "sessions/others/", { method: "DELETE" });
    await finish("All other sessions have ended.");
  });
});

$("no").addEventListener("click", () => answer(false));
$("yes").addEventListener("click", () => answer(true));
$("question").addEventListener("cancel", () => answer(false)); // the key Escape
$("logout").addEventListener("click", () => during($("logout"), "Logging out …", client.logout));
$("retry").addEventListener("click", () => during($("retry"), "Loading …", open));
addEventListener("online", () => isShown("unreachable") && open());

client.addEventListener("login", async ({ detail }) => {
  const isExpected = !detail.remote && isShown("home"); // the new password has brought it: its form says so
  $("password").value = "";
  hideAccount(); // it may have been another user's
  showState("loading");
  await open();
  if (!isShown("home") || isExpected) return;
  say(detail.remote ? "You have logged in, in another tab." : "You have logged in.");
  if (!detail.remote) $("sessions-title").focus();
});
client.addEventListener("logout", ({ detail }) => showLogin(detail.remote ? "You have logged out, in another tab." : "You have logged out."));
client.addEventListener("ended", () => {
  if (isShown("home")) showLogin("Your session has ended. Log in again.", true);
  else if (!isShown("login")) showLogin(""); // there was none when the page was opened
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && isShown("home")) showHome().catch(report); // much may have happened meanwhile
});

// The browser may keep the page for its Back button: by then the session may have ended, or be another user's.
addEventListener("pagehide", () => {
  hideAccount();
  say("");
  showState("loading");
});
addEventListener("pageshow", ({ persisted }) => persisted && open());

$("device").value = deviceName();
await open();
