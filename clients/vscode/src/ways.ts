/** How each kind of account logs in. */

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import * as vscode from "vscode";
import { commandTokens, sessionTokens, type TokenProvider } from "@byokey/client";

import type { Accounts, StoredAccount } from "./accounts.js";
import { handOver } from "./consent.js";
import { claimsOf } from "./identity.js";
import { browserLogin, deviceLogin } from "./logins.js";
import { PastedTokens } from "./pasted.js";
import { NeededElsewhereError } from "./problems.js";
import { askForToken } from "./prompts.js";
import type { Way } from "./running.js";
import { settings } from "./settings.js";

/** A new login, as the user chose it. */
export type NewLogin =
  | { readonly source: "pasted"; readonly accessToken: string; readonly workspace: string }
  | { readonly source: "command" | "session" | "browser" | "device" };

/** Makes ways to log in. */
export class Ways {
  readonly #context: vscode.ExtensionContext;
  readonly #accounts: Accounts;

  constructor(context: vscode.ExtensionContext, accounts: Accounts) {
    this.#context = context;
    this.#accounts = accounts;
  }

  /** The folder of the logins of the server. */
  get folder(): string {
    return vscode.Uri.joinPath(this.#context.globalStorageUri, "logins").fsPath;
  }

  /** The way of a new login; `undefined` if the user does not agree to it. */
  async forNew(login: NewLogin): Promise<Way | undefined> {
    switch (login.source) {
      case "pasted": {
        const { accessToken, workspace } = login;
        const label = "the token that you pasted";
        return (await handOver(this.#context, label)) ? this.#pasted(accessToken, workspace, undefined) : undefined;
      }
      case "browser":
      case "device":
        return {
          source: "server",
          home: join(this.folder, randomUUID()),
          store: settings().loginStore,
          interact: login.source === "browser" ? browserLogin : deviceLogin,
        };
      case "command":
        return { source: "command", tokens: tokenCommand() };
      case "session":
        return await this.#session();
    }
  }

  /** The way of a stored account. Fails if it cannot log in in this window. */
  async forStored(account: StoredAccount): Promise<Way> {
    const { source, key, label, workspace, home, store } = account;
    switch (source) {
      case "pasted": {
        const token = await this.#accounts.token(key);
        if (token === undefined) throw new NeededElsewhereError(label);
        if (!(await handOver(this.#context, `the token of ${label}`))) throw new Error(`The token of ${label} is not handed over here.`);
        return this.#pasted(token, workspace, key);
      }
      case "server":
        return { source, ...(home && { home }), ...(store && { store }) };
      case "command":
        return { source, tokens: tokenCommand() };
      case "session": {
        const way = await this.#session();
        if (way === undefined) throw new Error(`The session of ${label} is not handed over here.`);
        return way;
      }
    }
  }

  #pasted(accessToken: string, workspace: string, key: string | undefined): Way {
    const pasted = { accessToken, workspace, key };
    const prompt = `The token of ${claimsOf(accessToken).email ?? workspace} was refused. Paste a new one.`;
    const tokens = new PastedTokens(pasted, this.#accounts, (signal) => askForToken(prompt, signal));
    return {
      source: "pasted",
      tokens: tokens.provider,
      tokenToStore: () => tokens.token,
      onKnown: (known) => (pasted.key = known),
    };
  }

  async #session(): Promise<Way | undefined> {
    const { authenticationProvider: provider } = settings();
    const tokens = authenticationSession();
    return (await handOver(this.#context, `the session of ${provider}`)) ? { source: "session", tokens } : undefined;
  }
}

function tokenCommand(): TokenProvider {
  const [program, ...rest] = settings().tokenCommand;
  if (program === undefined) {
    throw new Error("The setting byokey.tokenCommand is empty.");
  }
  return commandTokens(program, rest);
}

function authenticationSession(): TokenProvider {
  const { authenticationProvider: provider, authenticationScopes: scopes } = settings();
  if (provider === "") {
    throw new Error("The setting byokey.authenticationProvider is empty.");
  }
  return sessionTokens({
    getSession: (options) => vscode.authentication.getSession(provider, scopes, options),
    accountId: ({ account }) => account.id,
  });
}
