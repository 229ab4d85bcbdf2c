/**
 * byokey as an authentication provider of VS Code: the Accounts menu shows the account, and other
 * extensions may ask for its token.
 */

import * as vscode from "vscode";

import type { StoredAccount } from "./accounts.js";

const ID = "byokey";

/** What the provider needs of the rest. */
export interface ProviderOptions {
  readonly account: () => StoredAccount | undefined;
  /** Tells apart accounts of the same address. */
  readonly nameOf: (account: StoredAccount) => string;
  readonly token: () => Promise<string | undefined>;
  readonly signIn: () => PromiseLike<unknown>;
  readonly signOut: () => Promise<void>;
  /** The setting `byokey.shareSessions`. */
  readonly isShared: () => boolean;
  /** Asks the user whether to share the token of this account. */
  readonly mayShare: (label: string) => Promise<boolean>;
  /** Explains how to share. */
  readonly onRefused: () => void;
}

/** The provider. A token leaves it only if the setting and the user permit it. */
export class Provider implements vscode.AuthenticationProvider, vscode.Disposable {
  readonly #options: ProviderOptions;
  readonly #changes = new vscode.EventEmitter<vscode.AuthenticationProviderAuthenticationSessionsChangeEvent>();
  readonly onDidChangeSessions = this.#changes.event;
  #shown: vscode.AuthenticationSession | undefined;
  /** The account whose token the user has agreed to share, in this window. */
  #agreed: string | undefined;

  constructor(options: ProviderOptions) {
    this.#options = options;
  }

  /** Registers the provider. */
  static register(options: ProviderOptions): { readonly provider: Provider; readonly end: vscode.Disposable } {
    const provider = new Provider(options);
    const end = vscode.authentication.registerAuthenticationProvider(ID, "byokey", provider);
    return { provider, end };
  }

  /** Reports a change of the account to VS Code. */
  update(): void {
    const account = this.#options.account();
    const [before, now] = [this.#shown, account && this.#session(account, "", [])];
    if (before?.id === now?.id && before?.account.label === now?.account.label) return;
    this.#shown = now;
    if (this.#agreed !== now?.id) this.#agreed = undefined;
    this.#changes.fire({
      added: now === undefined ? [] : [now],
      removed: before === undefined ? [] : [before],
      changed: [],
    });
  }

  /**
   * Without scopes VS Code itself asks, for the Accounts menu: it gets the name and no token. Other
   * extensions ask with scopes, and get a session only if its token is shared.
   */
  async getSessions(scopes?: readonly string[]): Promise<vscode.AuthenticationSession[]> {
    const account = this.#options.account();
    if (account === undefined) return [];
    if (scopes === undefined) return [this.#session(account, "", [])];
    if (!this.#options.isShared()) {
      this.#agreed = undefined;
      return [];
    }
    return this.#agreed === account.key ? await this.#withToken(account, scopes) : [];
  }

  /** Another extension asks for the token. */
  async createSession(scopes: readonly string[]): Promise<vscode.AuthenticationSession> {
    if (!this.#options.isShared()) {
      this.#options.onRefused();
      throw new Error("byokey does not share its token with other extensions: the setting byokey.shareSessions is off.");
    }
    if (this.#options.account() === undefined) await this.#options.signIn();
    const account = this.#options.account();
    if (account === undefined) throw new Error("byokey: nothing was shared, no account is signed in.");
    if (!(await this.#options.mayShare(this.#options.nameOf(account)))) throw new Error("byokey: the user does not share the token.");
    this.#agreed = account.key;
    const [shared] = await this.#withToken(account, scopes);
    if (shared === undefined) throw new Error("byokey: nothing was shared, the account has changed.");
    return shared;
  }

  /** Sign Out in the Accounts menu. */
  async removeSession(id: string): Promise<void> {
    if (this.#options.account()?.key === id) await this.#options.signOut();
  }

  dispose(): void {
    this.#changes.dispose();
  }

  /** None if the account has changed while the token was read. */
  async #withToken(account: StoredAccount, scopes: readonly string[]): Promise<vscode.AuthenticationSession[]> {
    const token = await this.#options.token();
    const isSame = this.#options.account()?.key === account.key && this.#agreed === account.key;
    return token === undefined || !isSame || !this.#options.isShared() ? [] : [this.#session(account, token, scopes)];
  }

  #session(account: StoredAccount, accessToken: string, scopes: readonly string[]): vscode.AuthenticationSession {
    return { id: account.key, accessToken, account: { id: account.key, label: this.#options.nameOf(account) }, scopes };
  }
}
