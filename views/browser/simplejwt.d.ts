/** What createClient takes. All of it has defaults. */
export interface Options {
  /** Where the server mounts the views. Defaults to "/api/token/". With cookies it must be of the page's origin. */
  tokenURL?: string;
  /** How tokens travel: in http-only cookies (the default), or in the header Authorization. */
  mode?: "cookie" | "header";
  /** The server's CSRF_COOKIE_NAME. Defaults to __Host-csrftoken, __Secure-csrftoken and csrftoken, the first that is there. */
  csrfCookie?: string;
  /** The server's CSRF_HEADER_NAME. Defaults to "X-CSRFToken". */
  csrfHeader?: string;
  /** Where the refresh token lies in mode "header". Defaults to memory, which ends with the page. localStorage is shared by all tabs. */
  storage?: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  /** Origins besides the page's and tokenURL's that get the header Authorization, in mode "header". */
  origins?: string[];
  /** One of the server's AUTH_HEADER_TYPES. Defaults to "Bearer". */
  scheme?: string;
  /** The server's ROTATION_GRACE_PERIOD, in milliseconds: all tries of a refresh fit in it. Defaults to 10000. */
  gracePeriod?: number;
}

/** The fields of a login. The first is named by the user model, "username" by default. */
export interface Credentials {
  password: string;
  device_name?: string;
  [field: string]: unknown;
}

/** "login" and "logout": the user did it, here or in another tab (remote). "ended": the server rejects the session. */
export type SessionEvent = CustomEvent<{ remote: boolean; session: string }>;

/** The types of the events. */
export type SessionEventType = "login" | "logout" | "ended";

/** One user's session in the tabs of a browser. On a server that renders pages, fetch is the global fetch and there is no session. */
export class Client extends EventTarget {
  constructor(options?: Options);
  /** Identifies the session, in all tabs and over refreshes; "" where there is none, or where it can't be known. */
  readonly session: string;
  /** Aborts when the session is replaced: at a login, at a logout, and when the server ends it. */
  readonly signal: AbortSignal;
  /** The global fetch with the session of the user. Rejects with an AbortError when the session is replaced, and with a TokenError
   * when an expired token can't be refreshed for now. */
  readonly fetch: typeof fetch;
  /** Logs in. Resolves to the server's answer, good or bad. */
  readonly login: (credentials: Credentials, options?: { signal?: AbortSignal }) => Promise<Response>;
  /** Logs out. Rejects when the server can't be reached. */
  readonly logout: () => Promise<void>;
  addEventListener(type: SessionEventType, listener: (event: SessionEvent) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
  removeEventListener(type: SessionEventType, listener: (event: SessionEvent) => void, options?: boolean | EventListenerOptions): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;
}

/** The server could not refresh or end a session for now. The session is still active. */
export class TokenError extends Error {
  /** The status of the server's last answer. */
  readonly status: number;
  /** What the server's Retry-After asks for, in milliseconds; 0 or undefined where it is missing. */
  readonly retryAfter?: number;
}

/** Makes the one client of a page. */
export function createClient(options?: Options): Client;
