// JSON-RPC over lines: requests of both sides, and notifications.

import { ByokeyError, ConnectionClosedError } from "./errors.js";
import { isRecord, parseRecord } from "./json.js";
import { refusalOf } from "./refusals.js";
import type { ExitStatus, Transport } from "./transport.js";

/** What the server asks and tells. */
export interface Handlers {
  /** Answers a request of the server; `undefined` for a method without an answer. */
  readonly answer: (method: string, params: unknown) => Promise<unknown> | undefined;
  /** Is told a notification. */
  readonly tell: (method: string, params: unknown) => void;
}

interface Pending {
  readonly method: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

const METHOD_NOT_FOUND = -32601;
/** The host has no tokens. The server tells the calls that wait so. */
const REFUSED = -32000;

/** A connection to a server. */
export class Connection {
  /** Resolves when the server has ended. */
  readonly closed: Promise<ExitStatus>;
  readonly #transport: Transport;
  readonly #handlers: Handlers;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  /** Why no more requests are taken. */
  #over: ConnectionClosedError | undefined;

  constructor(transport: Transport, handlers: Handlers) {
    this.#transport = transport;
    this.#handlers = handlers;
    transport.listen((line) => this.#receive(line));
    this.closed = transport.ended.then((exit) => {
      this.#end(new ConnectionClosedError(exit, false));
      return exit;
    });
  }

  /** Asks the server. The request is on the line when this returns, if the server reads. */
  request(method: string, params: unknown, signal?: AbortSignal): Promise<unknown> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (this.#over !== undefined) return Promise.reject(again(this.#over));
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      const takeBack = this.#send({ id, method, params });
      const giveUp = (): void => {
        this.#pending.delete(id);
        if (!takeBack()) this.notify("$/cancelRequest", { id });
        reject(signal?.reason);
      };
      const settle =
        <T>(how: (value: T) => void) =>
        (value: T): void => {
          signal?.removeEventListener("abort", giveUp);
          how(value);
        };
      signal?.addEventListener("abort", giveUp, { once: true });
      this.#pending.set(id, { method, resolve: settle(resolve), reject: settle(reject) });
    });
  }

  /** Tells the server. */
  notify(method: string, params?: unknown): void {
    this.#send({ method, params });
  }

  /** Ends the server. Calls that wait fail at once. */
  async close(): Promise<void> {
    this.#end(new ConnectionClosedError(undefined, true));
    this.#transport.close();
    await this.closed;
  }

  /** Takes the next line of the server. One that is no message is skipped. */
  #receive(line: string): void {
    const message = parseRecord(line);
    if (message === undefined) return;
    const { id, method, params } = message;
    if (typeof method === "string") {
      if (typeof id === "string" || typeof id === "number") void this.#answer(id, method, params);
      else if (id === undefined) this.#handlers.tell(method, params);
    } else if (typeof id === "number") {
      this.#settle(id, message);
    }
  }

  #settle(id: number, message: Record<string, unknown>): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    if (isRecord(message["error"]) || !("result" in message)) {
      pending.reject(refusalOf(pending.method, message["error"]));
    } else {
      pending.resolve(message["result"]);
    }
  }

  async #answer(id: string | number, method: string, params: unknown): Promise<void> {
    try {
      const answer = this.#handlers.answer(method, params);
      if (answer === undefined) {
        this.#send({ id, error: { code: METHOD_NOT_FOUND, message: "this client does not answer that" } });
      } else {
        this.#send({ id, result: (await answer) ?? null });
      }
    } catch {
      // What the host's code said may be a secret. It stays here.
      this.#send({ id, error: { code: REFUSED, message: "the host has no new tokens" } });
    }
  }

  #send(message: Record<string, unknown>): () => boolean {
    return this.#transport.send(JSON.stringify(message));
  }

  #end(error: ConnectionClosedError): void {
    this.#over ??= error;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(again(this.#over));
  }
}

/** The same error with the caller's own stack. */
function again(error: ConnectionClosedError): ByokeyError {
  return new ConnectionClosedError(error.exit, error.closedHere);
}
