/** The settings of the extension, read anew each time. */

import * as vscode from "vscode";

/** Where the server stores logins in the browser and by device code. */
export type LoginStore = "auto" | "keyring" | "file";

/** The user's settings. */
export interface Settings {
  /** The program, if it is not to be searched for. */
  readonly path: string | undefined;
  /** Further arguments of `byokey app-server`. */
  readonly arguments: readonly string[];
  /** Program and arguments that print tokens; empty for none. */
  readonly tokenCommand: readonly string[];
  /** Id of an authentication provider of VS Code; empty for none. */
  readonly authenticationProvider: string;
  /** The scopes to request from it. */
  readonly authenticationScopes: readonly string[];
  readonly loginStore: LoginStore;
  /** Whether other extensions may be handed the access token. */
  readonly shareSessions: boolean;
}

/** The current settings. */
export function settings(): Settings {
  const all = vscode.workspace.getConfiguration("byokey");
  return {
    path: all.get<string>("path") || undefined,
    arguments: all.get<string[]>("arguments", []),
    tokenCommand: all.get<string[]>("tokenCommand", []),
    authenticationProvider: all.get<string>("authenticationProvider", ""),
    authenticationScopes: all.get<string[]>("authenticationScopes", []),
    loginStore: all.get<LoginStore>("loginStore", "auto"),
    shareSessions: all.get<boolean>("shareSessions", false),
  };
}
