/** What the user reads: failures, limits, identities. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ConnectionClosedError, LoginError, ServerNotFoundError, StartTimeoutError } from "@byokey/client";

import { claimsOf, identify } from "../src/identity.js";
import { bar, duration, reset, sentence } from "../src/limits.js";
import { NeededElsewhereError, problemOf } from "../src/problems.js";
import type { State } from "../src/session.js";
import { shown } from "../src/shown.js";
import { madeUp } from "./support/fakes.js";

test("a failure says what can be done about it", () => {
  assert.equal(problemOf(new StartTimeoutError(1)).remedy, "chooseProgram");
  assert.equal(problemOf(new ConnectionClosedError(undefined, false)).remedy, "restart");
  assert.equal(problemOf(new NeededElsewhereError("ada")).remedy, "reload");
  const refusal = { method: "account/login/start", code: -32603, kind: "invalidToken" };
  assert.match(problemOf(new LoginError(refusal)).problem, /^The token cannot be used/);
  assert.match(problemOf(new LoginError({ ...refusal, kind: "constructor" })).problem, /account\/login\/start/);
  assert.deepEqual(problemOf("made up"), { problem: "Something went wrong.", remedy: "signIn" });
});

test("a program that is not there is named in the user's words, without options of the library", () => {
  const absent = problemOf(new ServerNotFoundError(["BYOKEY_BIN (not set)"], "was not found"));
  assert.equal(absent.remedy, "chooseProgram");
  assert.match(absent.problem, /is not on this machine.*Install it, or select it/);
  const named = problemOf(new ServerNotFoundError(["the option `command` (/nowhere/byokey)"], "was not found"));
  assert.match(named.problem, /byokey\.path names a program that is not there \(\/nowhere\/byokey\)/);
  const foreign = new ServerNotFoundError([], "is another", { command: "/usr/bin/byokey", args: [], lastLog: [] });
  assert.match(problemOf(foreign).problem, /^\/usr\/bin\/byokey is not the byokey program/);
  for (const { problem } of [absent, named, problemOf(foreign)]) assert.doesNotMatch(problem, /`command`|option/);
});

test("limits are a bar, with the time of the reset", () => {
  assert.deepEqual([0, 1, 34, 99, 100, 140, -3].map((used) => bar(used, 5)), ["░░░░░", "█░░░░", "██░░░", "████░", "█████", "█████", "░░░░░"]);
  assert.deepEqual([1, 50, 119, 120, 300, 10_080].map(duration), ["1 minute", "50 minutes", "119 minutes", "2 hours", "5 hours", "7 days"]);
  const now = new Date(2030, 0, 2, 9, 0).getTime();
  const soon = sentence({ usedPercent: 34.4, windowDurationMins: 300, resetsAt: now / 1000 + 3_000 } as never, now);
  assert.match(soon, /^34 % of 5 hours used, resets 0?9:50.* \(in 50 minutes\)$/);
  assert.match(reset(now + 3 * 86_400_000, now), /5.*\(in 3 days\)$/);
  assert.match(reset(now - 1, now), /\(in 0 minutes\)$/);
});

test("a limit that is nearly used up is a warning, and screen readers get no bar", () => {
  const state = (usedPercent: number): State => {
    const limits = { primary: { usedPercent, windowDurationMins: 300, resetsAt: null }, secondary: null };
    return { kind: "signedIn", email: "ada@example.test", plan: "pro", limits: limits as never };
  };
  assert.deepEqual([shown(state(89), 0).isWarning, shown(state(90), 0).isWarning], [false, true]);
  const { text, spoken, tooltip } = shown(state(34), 0);
  assert.equal(text, "$(account) ada@example.test (pro)  ██░░░ 34 %");
  assert.equal(spoken, "byokey: ada@example.test (pro), 34 % of 5 hours used");
  assert.match(tooltip ?? "", /███░░░░░░░ 34 % of 5 hours used/);
  const failed = shown({ kind: "failed", problem: "Made up.", remedy: "signIn" }, 0);
  assert.deepEqual([failed.isWarning, failed.spoken], [true, "byokey: failed. Made up."]);
});

test("a start has no tooltip, which VS Code shows over the buttons of the notification while the item has the focus", () => {
  const { spoken, tooltip } = shown({ kind: "starting" }, 0);
  assert.deepEqual([spoken, tooltip], ["byokey starts or signs in", undefined]);
});

test("a login is identified by person and workspace, whatever its token holds", () => {
  assert.deepEqual(claimsOf(madeUp("ada", "ws")), { user: "user-ada", email: "ada@example.test", workspace: "ws" });
  for (const token of ["", "opaque", "a.b.c", `a.${Buffer.from("null").toString("base64url")}.c`]) {
    assert.deepEqual(claimsOf(token), { user: undefined, email: undefined, workspace: undefined });
  }
  const claims = claimsOf(madeUp("ada", "ws"));
  const known = { email: "ada@example.test", workspace: "ws" };
  assert.equal(identify({ ...known, userId: "user-ada" }, claims).key, identify(known, claims).key);
  assert.notEqual(identify({ ...known, userId: "user-bob" }, claims).key, identify(known, claims).key);
  assert.equal(identify({ email: null, workspace: "ws" }, claimsOf("opaque")).label, "ws");
});
