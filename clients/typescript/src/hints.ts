// The remedy, for each kind of error.

const HINTS: Readonly<Record<string, string>> = {
  authRequired: "No account is signed in: call `login`.",
  chatgptAuthRequired: "This needs a ChatGPT account, and an API key is in force: call `login` with tokens.",
  reauthRequired: "The login was refused and cannot be renewed: have the user sign in again.",
  hostRefused: "The token provider failed; its error stayed in this process. Call it directly to see it.",
  hostTimeout: "The token provider timed out; `capabilities.authRefreshTimeoutMs` sets its timeout.",
  hostGone: "No client is connected that could supply new tokens.",
  hostAnswerInvalid: "The token provider has to give `accessToken` and `chatgptAccountId`, both of the same account.",
  accountChanged: "The conversation belongs to another account: start a new thread.",
  configurationInvalid: "Repair the setting or the file that the message names; the server reads it again at the next try.",
  loginDisabled: "The server's configuration forbids this kind of login.",
  externalAuthActive: "The host owns the login: call `logout` first.",
  workspaceMismatch: "This account is not one of those that are allowed: sign in with another.",
  invalidToken: "The token is not one that can be used: get a new one.",
  loginFailed: "Start the login again.",
  portUnavailable: "The ports of the browser login are taken: end the other login, or use a device code.",
  storeFailed: "The server cannot read or write its store: see what it writes to standard error.",
  retryable: "The backend failed in a way that may pass: try again later.",
  unreachable: "There is no connection to the backend or the issuer: the message names the cause.",
  backendRefused: "The backend refused it; the same call will fail again.",
  plaintextRefused: "The address is not https:// and not on this machine: no secret is sent there.",
  usageLimitExceeded: "The plan's limit is reached: `readRateLimits` returns its end.",
  contextWindowExceeded: "The conversation is too long for the model: start a new thread.",
  policyRefused: "The backend refused the request under a policy: have the user rephrase it.",
  modelUnavailable: "The model is not to be had: choose one of `listModels`, or update the server.",
  workspaceRefused: "The workspace is deactivated or closed to this account: sign in to another.",
  regionRefused: "The backend does not serve this network's region: check VPN and proxy. A new token does not help.",
  challenged: "The network's edge wants a browser: try another network. A new token does not help.",
  answerTooLarge: "The backend's answer is over a limit of the server.",
  invalidParams: "The parameters do not have the method's shape.",
  notInitialized: "The handshake has to come first.",
  alreadyInitialized: "The handshake is done once, by `spawn`.",
  invalidClientName: "`clientInfo.name` has to be printable ASCII, because it is sent as a header.",
  duplicateId: "The id is in use by another request.",
  messageTooLong: "The message is longer than the server takes.",
  badFrame: "The message was not framed as the server expects.",
  overloaded: "Too many calls are in flight: wait for some of them.",
  unsupported: "This server does not do that.",
  notFound: "There is no such thread, turn or login in this server.",
  turnInProgress: "The thread has a turn in progress: wait for `turn/completed`, or interrupt it.",
  cancelled: "The call was cancelled.",
};

const GENERAL = "The reference of the protocol lists codes and kinds.";

/** One sentence for the host's developer. */
export function hintFor(kind: string | undefined): string {
  return (kind !== undefined && Object.hasOwn(HINTS, kind) ? HINTS[kind] : undefined) ?? GENERAL;
}
