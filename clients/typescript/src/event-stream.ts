// One reader of events: its unread events, and the end.

import { ByokeyError } from "./errors.js";

/** Most unread events of a slow reader. */
const MOST_UNREAD = 100_000;

/** Events in order, each yielded once. */
export class EventStream<E> implements AsyncIterableIterator<E> {
  readonly #forget: () => void;
  readonly #readers: ((result: IteratorResult<E, undefined>) => void)[] = [];
  #kept: E[] = [];
  /** How many of the stored events were read. */
  #read = 0;
  #isOver = false;
  #hasLost = false;

  /** `forget` is called when the reader stops. */
  constructor(forget: () => void) {
    this.#forget = forget;
  }

  /** Adds the next event. */
  push(event: E): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) reader({ value: event, done: false });
    else if (this.#kept.length - this.#read < MOST_UNREAD) this.#kept.push(event);
    else this.#lose();
  }

  /** Ends the stream. */
  end(): void {
    this.#isOver = true;
    for (const reader of this.#readers.splice(0)) reader({ value: undefined, done: true });
  }

  next(): Promise<IteratorResult<E, undefined>> {
    if (this.#read < this.#kept.length) return Promise.resolve({ value: this.#take(), done: false });
    if (this.#hasLost) {
      this.#hasLost = false;
      return Promise.reject(new ByokeyError(`Events were lost: ${MOST_UNREAD} waited to be read. Read faster.`));
    }
    if (this.#isOver) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  return(): Promise<IteratorResult<E, undefined>> {
    this.#forget();
    this.#kept = [];
    this.#read = 0;
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): E {
    const event = this.#kept[this.#read] as E;
    this.#read += 1;
    // Read events are removed in large batches, because removal moves the rest.
    if (this.#read * 2 >= this.#kept.length) {
      this.#kept = this.#kept.slice(this.#read);
      this.#read = 0;
    }
    return event;
  }

  /** A reader that fell behind gets an error on its next read; later events are dropped. */
  #lose(): void {
    this.#forget();
    this.#hasLost = true;
    this.end();
  }
}
