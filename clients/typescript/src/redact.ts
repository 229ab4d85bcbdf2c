// Makes texts of other programs displayable: on one line, of bounded length, without secrets.

const MOST_SHOWN = 500;
/** Of a longer text the rest is not looked at, in characters. */
const MOST_READ = 4 * MOST_SHOWN;
const REDACTED = "[redacted]";

const BEARER = /\b(bearer|basic)\s+\S+/gi;
const USER_INFO = /\/\/[^/\s@]+@/g;
/** Prefixes of tokens, keys and authorization codes; clients/suite/redaction.json has one of each. */
const MARKED = /(?<![A-Za-z0-9])(?:eyJ|sk-|at-|ac_|rt[-_.]|sess-)[\w.+=~%-]{12,}/g;
/** Any long run of token characters. */
const LONG = /[\w+=~%.-]{24,}/g;
/** Host names are long and harmless. */
const HOST_NAME = /^(?:[a-z0-9-]{1,20}\.)+[a-z0-9-]{1,20}\.?$/;
const SETTING = /^([\w.-]+)=(.*)$/s;
const PLAIN_VALUE = /^(?:true|false|\d+|https?:\/\/[^\s@?#]*)$/;

/** Returns a text without possible secrets. */
export function redact(text: string): string {
  const shown = beginning(text)
    .trim()
    .replace(BEARER, `$1 ${REDACTED}`)
    .replace(USER_INFO, `//${REDACTED}@`)
    .replace(MARKED, REDACTED)
    .replace(LONG, (run) => (HOST_NAME.test(run) ? run : REDACTED));
  return shown.length > MOST_SHOWN ? `${shown.slice(0, MOST_SHOWN)}…` : shown;
}

/** Returns the part of a text that is looked at, on one line. */
function beginning(text: string): string {
  const line = text.slice(0, MOST_READ).replace(/\p{Cc}+/gu, " ");
  // The last word may be the beginning of a secret, too short to be recognised as one.
  return text.length > MOST_READ ? `${line.slice(0, line.lastIndexOf(" ") + 1)}…` : line;
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
    this.#lines.push(redact(line));
    if (this.#lines.length > Tail.#MOST_LINES) this.#lines.shift();
  }

  /** Returns the lines, the latest last. */
  lines(): readonly string[] {
    return [...this.#lines];
  }
}
