// Drives byokey with npm `@agentclientprotocol/codex-acp`, the adapter through which Zed and
// JetBrains IDEs use codex. It signs in with API keys.

import { withEditor } from "./editor.mjs";
import { FIRST_KEY, SECOND_KEY, check, childrenOf, pause, runs } from "./story.mjs";

let byokey;

async function tell(editor) {
  const opened = await editor.initialize();
  check("adapter", opened.agentInfo.version, "2.6.0");
  [byokey] = childrenOf(editor.adapterPid);
  check("byokey runs", runs(byokey), true);
  check("authentication", await editor.authentication(), "unauthenticated");
  check("session", await editor.sessionRefusal(), [-32000, "Authentication required"]);

  await editor.signIn(FIRST_KEY);
  check("authentication after login", await editor.authentication(), "api-key");
  const session = await editor.newSession();
  const models = session.models.availableModels.map((model) => model.modelId);
  check("a model of the backend", models.includes("dev-model[medium]"), true);
  const { sessionId } = session;
  const first = { stopReason: "end_turn", pieces: ["Streamed ", "in ", "pieces."] };
  check("turn", await editor.prompt(sessionId, "Hello"), first);

  // The first key is used up now. The turn is told the 401, gets the new key, and goes on.
  console.log("note: codex-acp has no handler for refresh requests; the user gives another key");
  const failure = editor.nextFailure();
  const turn = editor.prompt(sessionId, "Hello again");
  const { additionalDetails, willRetry } = await Promise.race([failure, turn]);
  const told = { additionalDetails: "unexpected status 401 Unauthorized", willRetry: true };
  check("401 in the turn", { additionalDetails, willRetry }, told);
  await editor.signIn(SECOND_KEY);
  const second = { stopReason: "end_turn", pieces: ["After ", "a ", "refresh."] };
  check("turn over a 401", await turn, second);

  await editor.signOut();
  check("authentication after logout", await editor.authentication(), "unauthenticated");
  check("session after logout", await editor.sessionRefusal(), [-32000, "Authentication required"]);
}

const [code] = await withEditor(tell);
check("exit code of the adapter", code, 0);
// The test limits the time.
while (runs(byokey)) await pause(10);
check("byokey runs", runs(byokey), false);
