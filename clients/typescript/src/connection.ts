// JSON-RPC over lines: requests in both directions, and notifications.

import { ConnectionClosedError } from "./errors.js";
import { isRecord, parseRecord } from "./json.js";
import { refusalOf } from "./refusals.js";
import { exposedJson } from "./secret.js";
import type { ExitStatus, Transport } from "./transport.js";

/** Handles the server's requests and notifications. */
export interface Handlers {
  /** Answers a request of the server; `undefined` for an unknown method. */
  readonly answer: (method: string, params: unknown) => Promise<unknown> | undefined;
  /** Handles a notification. */
  readonly tell: (method: string, params: unknown) => void;
}

interface Pending {
  readonly method: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

const METHOD_NOT_FOUND = -32601;
/** The host has no tokens. The server fails the waiting calls. */
const REFUSED = -32000;

/** A connection to a server. */
export class Connection {
  /** Resolves when the server has ended. */
  readonly closed: Promise<ExitStatus>;
  readonly #transport: Transport;
  readonly #handlers: Handlers;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  /** Why no more requests are accepted. */
  #over: ConnectionClosedError | undefined;
  /** Whether the server's texts are safe to display. */
  #isTrusted = false;

  constructor(transport: Transport, handlers: Handlers) {
    this.#transport = transport;
    this.#handlers = handlers;
    transport.listen((line) => this.#receive(line));
    this.closed = transport.ended.then((exit) => {
      this.#end(new ConnectionClosedError(exit, false, transport.launched));
      return exit;
    });
  }

  /** Sends a request. It is written when this returns, if the server reads. */
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

  /** Adds the server's own texts to errors from now on. */
  trustTexts(): void {
    this.#isTrusted = true;
  }

  /** The error of later calls; `undefined` while the server runs. */
  get failure(): ConnectionClosedError | undefined {
    return this.#over && again(this.#over);
  }

  /** Sends a notification. */
  notify(method: string, params?: unknown): void {
    this.#send({ method, params });
  }

  /** Ends the server. Pending calls fail at once. */
  async close(): Promise<void> {
    this.#end(new ConnectionClosedError(undefined, true, this.#transport.launched));
    this.#transport.close();
    await this.closed;
  }

  /** Handles the next line of the server. An invalid message is skipped. */
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
      pending.reject(refusalOf(pending.method, message["error"], this.#isTrusted));
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
      // The exception of the host's code may contain a secret. It stays here.
      this.#send({ id, error: { code: REFUSED, message: "the host has no new tokens" } });
    }
  }

  #send(message: Record<string, unknown>): () => boolean {
    return this.#transport.send(exposedJson(message));
  }

  #end(error: ConnectionClosedError): void {
    this.#over ??= error;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(again(this.#over));
  }
}

/** Returns the same error with the caller's own stack. */
function again(error: ConnectionClosedError): ConnectionClosedError {
  return new ConnectionClosedError(error.exit, error.closedHere, error);
}
