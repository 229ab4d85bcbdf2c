// Errors: their classes, and that no text of the server appears in them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";

import * as byokey from "@byokey/client";

import { adviceFor } from "#internal/generated/error-kinds.js";
import { refusalOf } from "#internal/refusals.js";

import { PACKAGE } from "./support/places.js";
import { showsNone } from "./support/secrets.js";
import { TOKENS } from "./support/transcript.js";

/** From `clients/README.md`: the kinds of each class. */
function documented(): Map<string, string[]> {
  const text = readFileSync(resolve(PACKAGE, "../README.md"), "utf8");
  const rows = text.matchAll(/^\| `(\w+Error)` \|.*\| (`.*`) \|$/gm);
  const classes = [...rows].map(([, name = "", kinds = ""]) => {
    return [name, [...kinds.matchAll(/`(\w+)`/g)].map(([, kind = ""]) => kind)] as const;
  });
  return new Map(classes);
}

test("each kind has the class that is documented for all clients, and says what to do next", () => {
  const classes = documented();
  assert.equal(classes.size, 5, "the table is not where it should be");
  for (const [name, kinds] of classes) {
    for (const kind of kinds) {
      const error = refusalOf("a/method", { code: -32600, message: "", data: { kind } }, false);
      assert.equal(error.name, name, kind);
      assert.ok(error instanceof byokey.RequestError && error instanceof byokey.ByokeyError);
      assert.notEqual(adviceFor(kind), adviceFor(undefined), `${kind} has no advice`);
      assert.equal(error.message.includes(kind), true);
    }
  }
});

test("every kind of the protocol is known", () => {
  const known = new Set([...documented().values()].flat());
  const generated = readFileSync(join(PACKAGE, "src/generated/error.ts"), "utf8");
  const union = /export type ErrorKind =(.*?)\(string/s.exec(generated)?.[1] ?? "";
  const kinds = [...union.matchAll(/\| "(\w+)"/g)].map(([, kind = ""]) => kind);
  assert.ok(kinds.length > 20, "the kinds are not where they should be");
  for (const kind of kinds) assert.ok(known.has(kind) || kind === "cancelled", `${kind} has no class`);
});

test("only what has the form of a member is kept", () => {
  const secrets = Object.values(TOKENS);
  for (const secret of secrets) {
    const data = { kind: secret, path: secret, status: secret, requestId: secret, more: { secret } };
    const error = refusalOf("a/method", { code: secret, message: secret, data }, false);
    showsNone(error, secrets.filter((other) => other.includes(".")));
    assert.equal(error.code, -32603);
    assert.equal(error.status, undefined);
  }
  const data = { kind: "retryable", path: "input.0.text", status: 503, requestId: "req-1" };
  const error = refusalOf("a/method", { code: -32603, message: "made up", data }, false);
  const { kind, path, status, requestId } = error;
  assert.deepEqual({ kind, path, status, requestId }, data);
  assert.ok(error instanceof byokey.BackendError && error.isRetryable);
  const text =
    "`a/method` failed (code -32603, kind retryable, at `input.0.text`, HTTP status 503, request req-1). ";
  assert.equal(error.message, text + adviceFor("retryable"));
});

test("what byokey says is part of the text, redacted; what another server says is not", () => {
  const error = (message: string, isTrusted: boolean): byokey.RequestError =>
    refusalOf("a/method", { code: -32603, message, data: { kind: "unreachable" } }, isTrusted);
  const cause = "cannot connect to the backend: check the network and the proxy settings";
  assert.match(error(cause, true).message, /kind unreachable\)\. Cannot connect to the backend: .* proxy settings\. There is/);
  assert.equal(error(cause, true).serverMessage, cause);
  assert.ok(!error(cause, false).message.includes("annot connect to"));
  assert.equal(error(cause, false).serverMessage, undefined);
  for (const secret of Object.values(TOKENS)) showsNone(error(`it holds ${secret}, it does`, true), [secret]);
});

test("any shape of an error is an error", () => {
  const objects = [{}, { code: "1" }, { code: 1.5, data: 7 }, { data: { kind: 1 } }];
  for (const shape of [undefined, null, 1, "text", [], ...objects]) {
    const error = refusalOf("a/method", shape, false);
    assert.equal(error.constructor, byokey.RequestError);
    assert.equal(error.kind, undefined);
  }
  assert.equal(refusalOf("a", { data: { kind: "constructor" } }, false).constructor, byokey.RequestError);
  assert.equal(adviceFor("constructor"), adviceFor(undefined));
});
