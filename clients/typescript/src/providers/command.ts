// Tokens from a command, like git's credential helpers.

import { parseRecord } from "../json.js";
import { FIRST_LOGIN, onlyTokens, type SecretTokens, type TokenContext, type TokenRequest } from "./provider.js";
import { problem, run } from "./run.js";

/** Options of the command. */
export interface CommandOptions {
  /** Its timeout. The server waits 10 s, unless `capabilities` say otherwise. Default: 8,000. */
  readonly timeoutMs?: number;
  /** Its environment, instead of that of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory?: string;
  /**
   * Called with each line of its standard error, redacted. Default: `onLog` of the calling client.
   */
  readonly onLog?: (line: string) => void;
}

interface Answer {
  readonly tokens: SecretTokens;
  /** In seconds since 1970. */
  readonly expiresAt: number | undefined;
}

const DEFAULT_TIMEOUT_MS = 8_000;
/** How long before their expiry tokens are no longer used. */
const MARGIN_S = 60;

/**
 * Returns a provider that runs a command. It prints one JSON object with `accessToken`,
 * `chatgptAccountId`, and optionally `chatgptPlanType` and `expiresAt`, in seconds since 1970.
 *
 * Its tokens are cached until a minute before they expire, or until the backend refuses them.
 * Without an argument the provider returns tokens for the first login, too.
 */
export function commandTokens(
  command: string,
  args: readonly string[] = [],
  options: CommandOptions = {},
): (request?: TokenRequest, context?: TokenContext) => Promise<SecretTokens> {
  let kept: Answer | undefined;
  const runs = new Map<string, Promise<SecretTokens>>();
  return (request = FIRST_LOGIN, context) => {
    if (kept !== undefined && serves(kept, request)) return Promise.resolve(kept.tokens);
    const key = JSON.stringify([request.reason, request.previousAccountId]);
    const started = runs.get(key);
    if (started !== undefined) return started;
    kept = undefined;
    const run = ask(command, args, options, request, context)
      .then((answer) => {
        kept = answer;
        return answer.tokens;
      })
      .finally(() => runs.delete(key));
    runs.set(key, run);
    return run;
  };
}

/** Whether the cached answer is valid for a request. */
function serves({ tokens, expiresAt }: Answer, { reason, previousAccountId }: TokenRequest): boolean {
  if (previousAccountId !== null && previousAccountId !== tokens.chatgptAccountId) return false;
  const isFresh = expiresAt !== undefined && expiresAt - MARGIN_S > Date.now() / 1_000;
  if (reason === "login") return isFresh || expiresAt === undefined;
  // The server reports that the tokens in use expire soon. Only a known expiry shows that cached
  // ones do not.
  return reason === "expiring" && isFresh;
}

async function ask(
  command: string,
  args: readonly string[],
  options: CommandOptions,
  request: TokenRequest,
  context: TokenContext | undefined,
): Promise<Answer> {
  const { previousAccountId, reason } = request;
  const { BYOKEY_PREVIOUS_ACCOUNT_ID: _, ...environment } = options.environment ?? process.env;
  const output = await run(command, args, {
    environment: {
      ...environment,
      BYOKEY_REFRESH_REASON: reason,
      ...(previousAccountId !== null && { BYOKEY_PREVIOUS_ACCOUNT_ID: previousAccountId }),
    },
    workingDirectory: options.workingDirectory,
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    signal: context?.signal,
    onLog: options.onLog ?? context?.onLog,
  });
  return read(command, output);
}

/** The command's output, validated. None of it becomes part of an error. */
function read(command: string, output: string): Answer {
  const answer = parseRecord(output);
  if (answer === undefined) throw problem(command, "did not print one JSON object");
  const { accessToken, chatgptAccountId, chatgptPlanType, expiresAt } = answer;
  if (typeof accessToken !== "string" || accessToken === "") throw problem(command, "printed no `accessToken`");
  if (typeof chatgptAccountId !== "string" || chatgptAccountId === "") {
    throw problem(command, "printed no `chatgptAccountId`");
  }
  if (chatgptPlanType != null && typeof chatgptPlanType !== "string") {
    throw problem(command, "printed a `chatgptPlanType` that is no text");
  }
  if (expiresAt != null && typeof expiresAt !== "number") {
    throw problem(command, "printed an `expiresAt` that is no number of seconds");
  }
  const tokens = onlyTokens({ accessToken, chatgptAccountId, chatgptPlanType: chatgptPlanType ?? null });
  return { tokens, expiresAt: expiresAt ?? undefined };
}
