// Type errors. It compiles only if each line with an expected error has one.

import { ByokeyClient, type Event, type SpawnOptions, type TokenProvider } from "@byokey/client";

declare const client: ByokeyClient;
declare const refreshTokens: TokenProvider;
const clientInfo = { name: "types", version: "1.0.0" };

export async function spawning(): Promise<void> {
  await ByokeyClient.spawn({ clientInfo, refreshTokens });
  // @ts-expect-error: a host without tokens would wait for ever
  await ByokeyClient.spawn({ clientInfo });
  // @ts-expect-error: `undefined` is not a provider
  await ByokeyClient.spawn({ clientInfo, refreshTokens: undefined });
  await ByokeyClient.spawn({ clientInfo, refreshBearerToken: ({ origin }) => ({ token: `made up for ${origin}` }) });
  // @ts-expect-error: a bearer token has no account
  await ByokeyClient.spawn({ clientInfo, refreshBearerToken: refreshTokens });
  await ByokeyClient.spawn({ clientInfo, serverOwnsLogin: true });
  // @ts-expect-error: the login is either the host's or the server's
  await ByokeyClient.spawn({ clientInfo, refreshTokens, serverOwnsLogin: true });
  // @ts-expect-error: it must return complete tokens
  await ByokeyClient.spawn({ clientInfo, refreshTokens: () => ({ accessToken: "made up" }) });
  // @ts-expect-error: the host must identify itself
  await ByokeyClient.spawn({ refreshTokens });
  // @ts-expect-error: there is no other way to a client
  new ByokeyClient();
  const withSome = { clientInfo, refreshTokens, command: undefined } satisfies SpawnOptions;
  await using started = await ByokeyClient.spawn(withSome);
  const code: number | null = (await started.closed).code;
  void code;
}

export async function calling(): Promise<void> {
  const { account } = await client.readAccount();
  if (account?.type === "chatgpt") {
    const email: string | null = account.email;
    void email;
  }
  // @ts-expect-error: a result may have no account
  account.type;

  const limits = await client.request("account/rateLimits/read");
  const used: number | undefined = limits.rateLimits.primary?.usedPercent;
  void used;
  await client.request("account/read", {}, { signal: AbortSignal.timeout(1) });
  await client.request("turn/interrupt", { threadId: "t", turnId: "u" });
  // @ts-expect-error: these are required
  await client.request("turn/interrupt");
  // @ts-expect-error: so is each member
  await client.request("turn/interrupt", { threadId: "t" });
  // @ts-expect-error: this one has no such member
  await client.request("account/read", { nothing: 1 });
  // @ts-expect-error: a login has one of these types, and its members
  await client.login({ type: "apiKey" });

  const unknown: unknown = await client.request("somebody/new", [1, 2]);
  // @ts-expect-error: the type of its result is unknown
  unknown.member;
}

export async function listening(): Promise<void> {
  const stop: () => void = client.on("account/updated", ({ authMode }) => void authMode?.toString());
  stop();
  client.on("somebody/new", (params: unknown) => void params);
  // @ts-expect-error: it has other parameters
  client.on("account/updated", (params: number) => void params);
  for await (const event of client.events()) told(event);
}

function told(event: Event): string {
  switch (event.type) {
    case "account/updated":
      return event.params.planType ?? "none";
    case "item/agentMessage/delta":
      return event.params.delta;
    case "unknown":
      // @ts-expect-error: the type of its parameters is unknown
      return event.params;
    default:
      return event.method;
  }
}
