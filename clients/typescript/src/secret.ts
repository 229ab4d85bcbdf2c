// A value that must not be shown: it stays hidden after a spread and in `JSON.stringify`.

import { inspect } from "node:util";

const REDACTED = "[redacted]";

/**
 * Marks secrets of any copy of this package: one may be loaded as ECMAScript module, one as
 * CommonJS.
 */
const EXPOSE = Symbol.for("@byokey/client.expose");

/**
 * A token or key. It is `[redacted]` in texts, logs and JSON, and a structured clone of it is
 * empty; `expose()` returns the value. The client writes the value only to the server.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** Returns the secret of a text; a secret is returned unchanged. */
  static of(value: string | Secret): Secret {
    return typeof value === "string" ? new Secret(value) : value;
  }

  /** Returns the value. Call it directly before its use. */
  expose(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return `Secret(${REDACTED})`;
  }

  /** @internal */
  get [EXPOSE](): string {
    return this.#value;
  }
}

/** Returns a message as JSON, with the values of its secrets. */
export function exposedJson(message: unknown): string {
  return JSON.stringify(message, function (this: Record<string, unknown>, key: string, value: unknown): unknown {
    // `toJSON` has hidden it in `value` already.
    const original = this[key];
    const isSecret = typeof original === "object" && original !== null && EXPOSE in original;
    return isSecret ? original[EXPOSE] : value;
  });
}
