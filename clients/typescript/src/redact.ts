// Makes texts of other programs displayable: on one line, of bounded length, without secrets.

const MOST_CHARACTERS = 500;
const REDACTED = "[redacted]";

const BEARER = /\b(bearer|basic)\s+\S+/gi;
const USER_INFO = /\/\/[^/\s@]+@/g;
/** Prefixes of tokens and keys: JSON Web Tokens, API keys, personal access and refresh tokens. */
const MARKED = /(?<![A-Za-z0-9])(?:eyJ|sk-|at-|rt[-_.]|sess-)[\w.+=~%-]{12,}/g;
/** Any long run of token characters. */
const LONG = /[\w+=~%.-]{24,}/g;
/** Host names are long and harmless. */
const HOST_NAME = /^(?:[a-z0-9-]{1,20}\.)+[a-z0-9-]{1,20}\.?$/;
const SETTING = /^([\w.-]+)=(.*)$/s;
const PLAIN_VALUE = /^(?:true|false|\d+|https?:\/\/[^\s@?#]*)$/;

/** Returns a text without possible secrets. */
export function redact(text: string): string {
  const line = text.replace(/\p{Cc}+/gu, " ").trim();
  const shown = line
    .replace(BEARER, `$1 ${REDACTED}`)
    .replace(USER_INFO, `//${REDACTED}@`)
    .replace(MARKED, REDACTED)
    .replace(LONG, (run) => (HOST_NAME.test(run) ? run : REDACTED));
  return shown.length > MOST_CHARACTERS ? `${shown.slice(0, MOST_CHARACTERS)}…` : shown;
}

/** Returns the arguments of a program; of settings only values that cannot be secrets. */
export function redactArguments(args: readonly string[]): string[] {
  return args.map((arg) => {
    const [, key, value] = SETTING.exec(arg) ?? [];
    if (key === undefined || value === undefined) return redact(arg);
    return `${redact(key)}=${PLAIN_VALUE.test(value) ? redact(value) : "…"}`;
  });
}

/** The last lines of a log, redacted. */
export class Tail {
  static readonly #MOST_LINES = 10;
  #lines: string[] = [];

  /** Adds a line. */
  push(line: string): void {
    if (line.trim() === "") return;
    this.#lines.push(redact(line.slice(0, 4 * MOST_CHARACTERS)));
    if (this.#lines.length > Tail.#MOST_LINES) this.#lines.shift();
  }

  /** Returns the lines, the latest last. */
  lines(): readonly string[] {
    return [...this.#lines];
  }
}
