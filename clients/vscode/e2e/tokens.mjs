// Made-up tokens: those of the suite, and a renewed one of the same person.

import { readFileSync } from "node:fs";

const suite = JSON.parse(readFileSync(new URL("../../suite/tokens.json", import.meta.url), "utf8"));

export const tokens = { ...suite, "ada-again": again(suite.ada) };

/** The same claims under another mark and another signature. */
function again(token) {
  const [head, payload] = token.split(".");
  const claims = { ...JSON.parse(Buffer.from(payload, "base64url")), n: "ada-again" };
  const part = (text) => Buffer.from(text).toString("base64url");
  return [head, part(JSON.stringify(claims)), part("made-up-signature-ada-again")].join(".");
}
