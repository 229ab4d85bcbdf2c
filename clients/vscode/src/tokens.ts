/** The source of an account's tokens, at login and at each refresh request. */

import * as vscode from "vscode";
import { commandTokens, sessionTokens, type TokenProvider } from "@byokey/client";

import type { Accounts, StoredAccount } from "./accounts.js";
import { askForToken } from "./prompts.js";
import { settings } from "./settings.js";

/** The provider for an account. */
export function tokensOf(account: StoredAccount, accounts: Accounts): TokenProvider {
  switch (account.source) {
    case "pasted":
      return pastedTokens(account, accounts);
    case "command":
      return tokenCommand();
    case "session":
      return authenticationSession();
  }
}

/** A pasted token cannot be renewed without the user: after a refusal, prompt for another. */
function pastedTokens(account: StoredAccount, accounts: Accounts): TokenProvider {
  let kept = account;
  return async ({ reason }) => {
    if (reason === "unauthorized") {
      const accessToken = await askForToken(`The token of ${kept.label} was refused.`);
      if (accessToken === undefined) {
        throw new Error("no new token was pasted");
      }
      kept = { ...kept, accessToken };
      await accounts.use(kept);
    }
    const { accessToken, chatgptAccountId } = kept;
    if (accessToken === undefined || chatgptAccountId === undefined) {
      throw new Error("the account was stored without its token; sign in again");
    }
    return { accessToken, chatgptAccountId };
  };
}

function tokenCommand(): TokenProvider {
  const [program, ...rest] = settings().tokenCommand;
  if (program === undefined) {
    throw new Error("the setting byokey.tokenCommand is empty");
  }
  return commandTokens(program, rest);
}

function authenticationSession(): TokenProvider {
  const { authenticationProvider: provider, authenticationScopes: scopes } = settings();
  if (provider === "") {
    throw new Error("the setting byokey.authenticationProvider is empty");
  }
  return sessionTokens({
    getSession: (options) => vscode.authentication.getSession(provider, scopes, options),
    accountId: ({ account }) => account.id,
  });
}
