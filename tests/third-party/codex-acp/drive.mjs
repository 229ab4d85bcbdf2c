// Drives byokey with npm `@agentclientprotocol/codex-acp`, the adapter through which Zed and
// JetBrains IDEs use codex. It logs in with API keys.

import { withEditor } from "./editor.mjs";
import { FIRST_KEY, SECOND_KEY, check, childrenOf, pause, runs } from "./story.mjs";

const signInFirst = { code: -32000, message: "Authentication required" };
let byokey;

const refusal = (request) =>
  request.then(
    () => "not refused",
    ({ code, message }) => ({ code, message }),
  );

async function tell(editor) {
  const opened = await editor.initialize();
  check("adapter", opened.agentInfo.version, "2.6.0");
  [byokey] = childrenOf(editor.adapterPid);
  check("byokey runs", runs(byokey), true);
  check("authentication", await editor.authentication(), "unauthenticated");
  check("session", await refusal(editor.newSession()), signInFirst);

  await editor.signIn(FIRST_KEY);
  check("authentication after login", await editor.authentication(), "api-key");
  // Editors share their MCP servers with agents. There are no tools here; the session begins.
  const server = { name: "idea", command: "/bin/true", args: [], env: [] };
  const session = await editor.newSession([server]);
  // The list of the API names no reasoning efforts, and `session.models` has one entry per effort.
  const { options } = session.configOptions.find((option) => option.id === "model");
  const models = options.map((option) => option.value);
  check("a model of the backend", models.includes("gpt-5.5"), true);
  const { sessionId } = session;
  const first = { stopReason: "end_turn", pieces: ["Streamed ", "in ", "pieces."] };
  check("turn", await editor.prompt(sessionId, "Hello"), first);

  // The first key is used up now.
  console.log("note: codex-acp has no handler for refresh requests; the user gives another key");
  check("turn over a 401", await refusal(editor.prompt(sessionId, "Hello again")), signInFirst);
  await editor.signIn(SECOND_KEY);
  const second = { stopReason: "end_turn", pieces: ["After ", "a ", "refresh."] };
  check("turn with another key", await editor.prompt(sessionId, "Hello again"), second);

  await editor.signOut();
  check("authentication after logout", await editor.authentication(), "unauthenticated");
  check("session after logout", await refusal(editor.newSession()), signInFirst);
}

const [code] = await withEditor(tell);
check("exit code of the adapter", code, 0);
// The test has a timeout.
while (runs(byokey)) await pause(10);
check("byokey runs", runs(byokey), false);
