// What the server tells: as a stream, and to listeners by name.

import { EventStream } from "./event-stream.js";
import { SERVER_NOTIFICATIONS, type ServerNotifications } from "./generated/methods.js";

/** The name of an event that this version knows. */
export type EventName = keyof ServerNotifications;

/** What an event carries. */
export type EventParams<N extends EventName> = ServerNotifications[N];

/** An event that this version knows. Its `type` is the name on the wire. */
export type KnownEvent = {
  [N in EventName]: { readonly type: N; readonly method: N; readonly params: EventParams<N> };
}[EventName];

/** An event that a newer server knows. */
export interface UnknownEvent {
  readonly type: "unknown";
  /** Its name on the wire. */
  readonly method: string;
  readonly params: unknown;
}

/** Anything that the server tells. `switch` on its `type`. */
export type Event = KnownEvent | UnknownEvent;

type Listener = (params: unknown) => void;

const KNOWN: ReadonlySet<string> = new Set(SERVER_NOTIFICATIONS);

/** Gives each event to everyone who wants it. */
export class Events {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #streams = new Set<EventStream<Event>>();
  /** Events that came before anyone could ask for them. */
  #held: [method: string, params: unknown][] | undefined = [];
  #isOver = false;

  /** Adds a listener. The function that it returns removes it. */
  on(method: string, listener: Listener): () => void {
    // Each subscription is one of its own, even if the same function is given twice.
    const entry: Listener = (params) => listener(params);
    const listeners = this.#listeners.get(method) ?? new Set();
    this.#listeners.set(method, listeners.add(entry));
    return () => listeners.delete(entry);
  }

  /** A stream of all events from now on. */
  stream(): AsyncIterableIterator<Event> {
    const stream = new EventStream<Event>(() => this.#streams.delete(stream));
    if (this.#isOver) stream.end();
    else this.#streams.add(stream);
    return stream;
  }

  /** Takes the next event. */
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

  /** From now on events are given at once, those that were held first. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const [method, params] of held) this.tell(method, params);
  }

  /** Nothing more will come. */
  end(): void {
    this.release();
    this.#isOver = true;
    for (const stream of this.#streams) stream.end();
    this.#streams.clear();
  }
}

/** A mistake of a listener is the host's own: it shows there, and the other listeners go on. */
function call(listener: Listener, params: unknown): void {
  try {
    listener(params);
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
