// A third-party OpenID provider, with the addresses and the client of codex's issuer.
//
// Prints one JSON object per line: its address, then its events. On standard input it takes `hold`
// and `release`, for the responses of the token endpoint, and ends with that input.

import { createServer } from "node:http";
import { createInterface } from "node:readline";

import Provider from "oidc-provider";

// Standard output is for the test.
console.info = console.error;

const AUTH = "https://api.openai.com/auth";
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/** The claims about a user from codex's issuer, under codex's own claim. */
const person = (id) => ({
  chatgpt_account_id: `account-${id}`,
  chatgpt_user_id: `user-${id}`,
  chatgpt_plan_type: "pro",
});

const settings = {
  clients: [
    {
      client_id: "app_EMoamEEZ73f0CkXaXp7hrann",
      application_type: "native",
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      redirect_uris: [1455, 1457].map((port) => `http://localhost:${port}/auth/callback`),
    },
  ],
  routes: {
    authorization: "/oauth/authorize",
    token: "/oauth/token",
    revocation: "/oauth/revoke",
  },
  pkce: { required: () => true },
  scopes: ["openid", "offline_access", "api.connectors.read", "api.connectors.invoke"],
  claims: { openid: ["sub", AUTH], email: ["email"], profile: ["name"] },
  conformIdTokenClaims: false,
  // OpenID asks for consent to each of these; codex's issuer does not.
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  ttl: { AccessToken: 3600, AuthorizationCode: 60, IdToken: 3600, RefreshToken: 86400 },
  features: {
    devInteractions: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => "urn:made-up:backend",
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: "api.connectors.read api.connectors.invoke",
        accessTokenFormat: "jwt",
      }),
    },
  },
  extraTokenClaims: (_context, token) => ({ [AUTH]: person(token.accountId) }),
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@example.com`, [AUTH]: person(id) }),
  }),
};

let held = [];
let holding = false;
const passed = () => (holding ? new Promise((pass) => held.push(pass)) : undefined);

// codex's issuer accepts JSON in place of forms.
const asForm = async (request) => {
  if (request.headers["content-type"] !== "application/json") return;
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  request.body = JSON.parse(Buffer.concat(chunks));
  request.headers["content-type"] = "application/x-www-form-urlencoded";
};

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const at = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(at, settings);
  const tell = (event, more) =>
    provider.on(event, (context) => say({ event, ...more?.(context.oidc) }));
  tell("grant.success", ({ params }) => ({ grant: params.grant_type }));
  tell("grant.error", ({ params }) => ({ grant: params?.grant_type }));
  tell("authorization.success", ({ params }) => ({ method: params.code_challenge_method }));
  provider.on("refresh_token.consumed", () => say({ event: "refresh_token.consumed" }));
  provider.on("grant.revoked", () => say({ event: "grant.revoked" }));
  provider.on("server_error", (_context, error) => say({ event: "server_error", error: error.message }));
  const answer = provider.callback();
  server.on("request", async (request, response) => {
    await asForm(request);
    if (request.url === "/oauth/token") {
      say({ event: "token.asked" });
      await passed();
    }
    answer(request, response);
  });
  say({ at });
});

createInterface({ input: process.stdin })
  .on("line", (command) => {
    holding = command === "hold";
    if (!holding) for (const pass of held.splice(0)) pass();
    say({ event: command });
  })
  .on("close", () => process.exit());
