/** The output in which the server's log and its redacted traffic are shown. */

import * as vscode from "vscode";

/** Traffic is traced only once somebody has asked to see it. */
export class Traffic implements vscode.Disposable {
  readonly #output = vscode.window.createOutputChannel("byokey traffic");
  #isWatched = false;

  /** Whether the server is to trace its messages. Secrets are redacted by the server. */
  get isWatched(): boolean {
    return this.#isWatched;
  }

  /** Has the next server trace its messages, and shows the output. */
  watch(): void {
    this.#isWatched = true;
    this.#output.show(true);
  }

  /** Adds a line of the server. */
  add(line: string): void {
    this.#output.appendLine(line);
  }

  dispose(): void {
    this.#output.dispose();
  }
}
