/** The output with the server's log and its redacted traffic. */

import * as vscode from "vscode";

/** Traffic is traced only after the user has asked for it. */
export class Traffic implements vscode.Disposable {
  readonly #output = vscode.window.createOutputChannel("byokey traffic");
  #isWatched = false;

  /** Whether the server is to trace its messages. The server redacts secrets. */
  get isWatched(): boolean {
    return this.#isWatched;
  }

  /** Makes the next server trace its messages, and shows the output. */
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
