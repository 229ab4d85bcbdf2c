// Interactive logins of the server, from start to end.

import type { ByokeyClient } from "./client.js";
import type { CallOptions, Params, Result } from "./calls.js";
import { LoginError } from "./errors.js";
import type {
  AccountReadResult,
  LoginStartResultChatgpt,
  LoginStartResultChatgptDeviceCode,
} from "./generated/types.js";

/** What the user of a device login needs. */
export interface DeviceCode {
  /** The page to open. */
  readonly verificationUrl: string;
  /** The code to enter there. */
  readonly userCode: string;
}

/** The part of a client that a login uses. */
type LoginClient = Pick<ByokeyClient, "events" | "login" | "cancelLogin" | "readAccount">;

const METHOD = "account/login/start";
const INTERNAL_ERROR = -32603;

/**
 * Starts a login, passes it to the user with `show`, and waits for its end. Cancelling this cancels
 * it.
 */
export async function waitForLogin<T extends LoginStartResultChatgpt | LoginStartResultChatgptDeviceCode>(
  client: LoginClient,
  type: T["type"],
  show: (started: T) => unknown,
  { signal }: CallOptions,
  textOf: (message: string) => string | undefined,
): Promise<AccountReadResult> {
  // Subscribed before the start, so that a quick end is not missed.
  const events = client.events();
  const stop = (): void => void events.return?.();
  let loginId: string | undefined;
  let isOver = false;
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const params: Params<typeof METHOD> = { type };
    const started: Result<typeof METHOD> = await client.login(params, { signal });
    if (started.type !== type) throw failure(undefined);
    const login = started as T;
    loginId = login.loginId;
    await show(login);
    for await (const event of events) {
      if (event.type !== "account/login/completed" || event.params.loginId !== loginId) continue;
      isOver = true;
      if (!event.params.success) throw failure(textOf(event.params.error ?? ""));
      return await client.readAccount({ signal });
    }
    signal?.throwIfAborted();
    // The events have ended, so the server is gone: a call returns the reason.
    isOver = true;
    return await client.readAccount();
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
    if (loginId !== undefined && !isOver) client.cancelLogin(loginId).catch(() => {});
  }
}

function failure(serverMessage: string | undefined): LoginError {
  return new LoginError({ method: METHOD, code: INTERNAL_ERROR, kind: "loginFailed", serverMessage });
}
