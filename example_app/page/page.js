// page.js is the example's page: it shows who has logged in and where, by the client in simplejwt.js.
import { createClient } from "./simplejwt.js";

const $ = (id) => document.getElementById(id);
const { tokenUrl, userUrl, passwordUrl, csrfCookie, csrfHeader } = document.body.dataset;
const client = createClient({ tokenURL: tokenUrl, csrfCookie, csrfHeader });

/** say shows a message, which screen readers read out; the one before goes. */
function say(text, isError = false) {
  $("error").textContent = isError ? text : "";
  $("notice").textContent = isError ? "" : text;
}

/** reasonOf is what the server says in an answer that is no success. */
async function reasonOf(response) {
  const body = await response.json().catch(() => ({}));
  return body.detail ?? (Object.values(body).flat().join(" ") || `The server answered ${response.status}.`);
}

/** call is client.fetch; an answer that is no success is an error with what the server says. */
async function call(url, init) {
  const response = await client.fetch(url, init);
  if (!response.ok) throw Object.assign(new Error(await reasonOf(response)), { status: response.status });
  return response;
}

/** during does something that a button or form asks for, once at a time, and shows what goes wrong. */
async function during(button, work) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    await work();
  } catch (error) {
    if (error.status !== 401) say(error.status ? error.message : "The server can't be reached. Try again.", true); // 401: the event "ended" has said it
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

let shown = ""; // the sessions in the list

function show(isLoggedIn) {
  $("login").hidden = isLoggedIn;
  for (const id of ["who", "sessions", "change"]) $(id).hidden = !isLoggedIn;
}

/** showLogin shows the form and nothing of the one who was here. */
function showLogin(text, isError) {
  show(false);
  $("list").replaceChildren();
  shown = "";
  $("name").textContent = "";
  $("change-form").reset();
  say(text, isError);
  $($("username").value ? "password" : "username").focus();
}

async function showHome() {
  const [user, sessions] = await Promise.all([call(userUrl), call(tokenUrl + "sessions/")].map(async (answer) => (await answer).json()));
  $("name").textContent = $("account-name").value = user.username;
  const text = JSON.stringify(sessions);
  if (text !== shown) $("list").replaceChildren(...sessions.map(entry)); // else the focus stays where it is
  shown = text;
  $("others").hidden = sessions.every((session) => session.current);
  show(true);
}

/** entry is a session in the list. */
function entry(session) {
  const item = $("session").content.cloneNode(true);
  const name = session.device_name || "A device without a name";
  item.querySelector(".device").textContent = name;
  item.querySelector(".current").hidden = !session.current;
  item.querySelector(".about").textContent = [session.ip, session.device_name ? "" : session.user_agent].filter(Boolean).join(", ");
  item.querySelector(".times").append(time("since", session.started_at), " ", time("last seen", session.last_refreshed_at ?? session.started_at));
  const button = item.querySelector("button");
  button.hidden = session.current; // that is what "Log out" is for
  button.setAttribute("aria-label", `End the session: ${name}`);
  button.addEventListener("click", () =>
    during(button, async () => {
      await call(`${tokenUrl}sessions/${encodeURIComponent(session.id)}/`, { method: "DELETE" });
      await ended(`The session has ended: ${name}.`);
    }),
  );
  return item;
}

/** time is what happened at a point in time, as the user's language writes it. */
function time(what, text) {
  const out = document.createElement("span");
  const at = document.createElement("time");
  at.dateTime = text;
  at.textContent = new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  out.append(what, " ", at);
  return out;
}

/** ended shows the list again. The button that was pressed is gone: the heading takes the focus. */
async function ended(text) {
  await showHome();
  say(text);
  $("sessions-title").focus();
}

/** deviceName is what a user may call his browser. */
function deviceName() {
  const agent = navigator.userAgent;
  const browser = [["Edg/", "Edge"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]].find(([mark]) => agent.includes(mark));
  const system = [["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Windows", "Windows"], ["Mac OS", "Mac"], ["Linux", "Linux"]].find(([mark]) => agent.includes(mark));
  return [browser?.[1] ?? "Browser", system && `on ${system[1]}`].filter(Boolean).join(" ");
}

$("login-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  during(form.querySelector("button"), async () => {
    const response = await client.login(Object.fromEntries(new FormData(form)));
    if (response.ok) return; // the event "login" goes on
    say(await reasonOf(response), true);
    $("password").select();
    $("password").focus();
  });
});

$("change-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  during(form.querySelector("button"), async () => {
    const { old_password, new_password } = Object.fromEntries(new FormData(form));
    await call(passwordUrl, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ old_password, new_password }) });
    form.reset();
    await ended("The password was changed. All other sessions have ended.");
  });
});

$("others").addEventListener("click", () =>
  during($("others"), async () => {
    await call(tokenUrl + "sessions/others/", { method: "DELETE" });
    await ended("All other sessions have ended.");
  }),
);

$("logout").addEventListener("click", () => during($("logout"), client.logout));

client.addEventListener("login", ({ detail }) =>
  during($("list"), async () => {
    $("password").value = "";
    await showHome();
    say(detail.remote ? "You have logged in, in another tab." : "You have logged in.");
    if (!detail.remote) $("sessions-title").focus();
  }),
);
client.addEventListener("logout", ({ detail }) => showLogin(detail.remote ? "You have logged out, in another tab." : "You have logged out."));
client.addEventListener("ended", () => {
  if (!$("sessions").hidden) showLogin("Your session has ended. Log in again.", true);
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !$("sessions").hidden) during($("list"), showHome); // much may have happened meanwhile
});

$("device").value = deviceName();
try {
  await showHome();
} catch (error) {
  if (error.status === 401) showLogin("");
  else say("The server can't be reached. Load the page again.", true);
}
