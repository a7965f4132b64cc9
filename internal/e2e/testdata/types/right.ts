// A program that uses all of simplejwt.d.ts.
import { Client, createClient, TokenError, type Credentials, type Options, type SessionEvent } from "../../../../views/browser/simplejwt.js";

const options: Options = { tokenURL: "/api/token/", mode: "header", storage: localStorage, origins: ["https://api.example"], scheme: "Bearer", gracePeriod: 10_000 };
const client: Client = createClient(options);
const withCookies = new Client({ csrfCookie: "csrftoken", csrfHeader: "X-CSRFToken" });

const onLogin = (event: SessionEvent): void => console.log(event.detail.remote, event.detail.session.length);
client.addEventListener("login", onLogin, { once: true });
client.removeEventListener("login", onLogin);
client.addEventListener("ended", ({ detail }) => console.log(detail.remote));
client.removeEventListener("ended", onLogin, { capture: true });

async function main(): Promise<void> {
  const credentials: Credentials = { username: "alice", password: "secret", device_name: "Laptop" };
  const answer: Response = await client.login(credentials, { signal: AbortSignal.timeout(1000) });
  const me: unknown = await (await client.fetch("/api/me/", { signal: client.signal })).json();
  const session: string = withCookies.session;
  try {
    await client.logout();
  } catch (error) {
    if (error instanceof TokenError) console.log(error.status, error.retryAfter ?? 0);
  }
  console.log(answer.ok, me, session);
}

void main();
