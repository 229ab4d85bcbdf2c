// The server's notifications: as a stream, and to listeners by name.

import { EventStream } from "./event-stream.js";
import { SERVER_NOTIFICATIONS, type ServerNotifications } from "./generated/methods.js";

/** The name of a known event. */
export type EventName = keyof ServerNotifications;

/** The parameters of an event. */
export type EventParams<N extends EventName> = ServerNotifications[N];

/** A known event. Its `type` is the method on the wire. */
export type KnownEvent = {
  [N in EventName]: { readonly type: N; readonly method: N; readonly params: EventParams<N> };
}[EventName];

/** An event of a newer server. */
export interface UnknownEvent {
  readonly type: "unknown";
  /** Its method on the wire. */
  readonly method: string;
  readonly params: unknown;
}

/** Any notification of the server. `switch` on its `type`. */
export type Event = KnownEvent | UnknownEvent;

type Listener = (params: unknown) => void;

const KNOWN: ReadonlySet<string> = new Set(SERVER_NOTIFICATIONS);

/** Broadcasts events to streams and listeners. */
export class Events {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #streams = new Set<EventStream<Event>>();
  /** Events that arrived before any stream or listener existed. */
  #held: [method: string, params: unknown][] | undefined = [];
  #isOver = false;

  /** Adds a listener. Returns a function that removes it. */
  on(method: string, listener: Listener): () => void {
    // Each subscription is separate, even of the same function.
    const entry: Listener = (params) => listener(params);
    const listeners = this.#listeners.get(method) ?? new Set();
    this.#listeners.set(method, listeners.add(entry));
    return () => listeners.delete(entry);
  }

  /** Returns a stream of all events from now on. */
  stream(): AsyncIterableIterator<Event> {
    const stream = new EventStream<Event>(() => this.#streams.delete(stream));
    if (this.#isOver) stream.end();
    else this.#streams.add(stream);
    return stream;
  }

  /** Publishes the next event. */
  tell(method: string, params: unknown): void {
    if (this.#held !== undefined) {
      this.#held.push([method, params]);
      return;
    }
    const type = KNOWN.has(method) ? method : "unknown";
    const event = { type, method, params } as Event;
    for (const stream of this.#streams) stream.push(event);
    for (const listener of [...(this.#listeners.get(method) ?? [])]) call(listener, params);
  }

  /** Publishes events immediately from now on, the held ones first. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const [method, params] of held) this.tell(method, params);
  }

  /** Ends all streams. */
  end(): void {
    this.release();
    this.#isOver = true;
    for (const stream of this.#streams) stream.end();
    this.#streams.clear();
  }
}

/** An exception of a listener is thrown in the host, and other listeners continue. */
function call(listener: Listener, params: unknown): void {
  try {
    listener(params);
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
