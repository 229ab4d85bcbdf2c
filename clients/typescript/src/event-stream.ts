// One reader of events: what it has not read yet, and the end.

import { ByokeyError } from "./errors.js";

/** Most events that are kept for a reader who is busy. */
const MOST_UNREAD = 100_000;

/** Events in order, each given once. */
export class EventStream<E> implements AsyncIterableIterator<E> {
  readonly #forget: () => void;
  readonly #readers: ((result: IteratorResult<E, undefined>) => void)[] = [];
  #kept: E[] = [];
  /** How many of those that are kept were read. */
  #read = 0;
  #isOver = false;
  #hasLost = false;

  /** `forget` is called when nobody reads any more. */
  constructor(forget: () => void) {
    this.#forget = forget;
  }

  /** Takes the next event. */
  push(event: E): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) reader({ value: event, done: false });
    else if (this.#kept.length - this.#read < MOST_UNREAD) this.#kept.push(event);
    else this.#lose();
  }

  /** Nothing more will come. */
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
    // What was read is let go in large pieces, because the rest moves each time.
    if (this.#read * 2 >= this.#kept.length) {
      this.#kept = this.#kept.slice(this.#read);
      this.#read = 0;
    }
    return event;
  }

  /** A reader who stopped is told so when it reads again; what came since is gone. */
  #lose(): void {
    this.#forget();
    this.#hasLost = true;
    this.end();
  }
}
