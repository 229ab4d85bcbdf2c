// One question and its whole answer.

import type { ByokeyClient } from "./client.js";
import type { CallOptions, Params } from "./calls.js";
import { TurnFailedError } from "./errors.js";
import type { Turn } from "./generated/types.js";

/** Options of a question. */
export interface RunOptions extends CallOptions {
  /** The conversation; by default a new one is started. */
  readonly threadId?: string | undefined;
  /** The model for this turn and later ones. */
  readonly model?: string | undefined;
  /** Called with each delta of the answer. */
  readonly onDelta?: ((delta: string) => void) | undefined;
}

/** An answer. */
export interface RunResult {
  /** The whole of the model's final message. */
  readonly text: string;
  /** The conversation, to continue it. */
  readonly threadId: string;
  readonly turn: Turn;
}

/** The part of a client that `run` uses. */
type Runner = Pick<ByokeyClient, "events" | "startThread" | "startTurn" | "interruptTurn" | "readAccount">;

/** Starts a turn, waits for its end, and returns the answer. Cancelling it interrupts the turn. */
export async function run(
  client: Runner,
  text: string,
  options: RunOptions,
  textOf: (message: string) => string | undefined,
): Promise<RunResult> {
  const { signal, onDelta } = options;
  // Subscribed before the turn, so that no event is missed.
  const events = client.events();
  const stop = (): void => void events.return?.();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const threadId = options.threadId ?? (await client.startThread({}, { signal })).thread.id;
    const params: Params<"turn/start"> = { threadId, input: [{ type: "text", text }] };
    const chosen = options.model === undefined ? params : { ...params, model: options.model };
    const { turn } = await client.startTurn(chosen, { signal });
    let answer = "";
    for await (const event of events) {
      if (event.type === "item/agentMessage/delta" && event.params.turnId === turn.id) {
        onDelta?.(event.params.delta);
      } else if (event.type === "item/completed" && event.params.turnId === turn.id) {
        const { item } = event.params;
        if (item.type === "agentMessage") answer = item.text;
      } else if (event.type === "turn/completed" && event.params.turn.id === turn.id) {
        const ended = event.params.turn;
        if (ended.status === "completed") return { text: answer, threadId, turn: ended };
        throw new TurnFailedError(threadId, ended, textOf(ended.error?.message ?? ""));
      }
    }
    if (signal?.aborted === true) {
      client.interruptTurn(threadId, turn.id).catch(() => {});
      throw signal.reason;
    }
    // The events have ended, so the server is gone: a call returns the reason.
    await client.readAccount();
    throw new TurnFailedError(threadId, turn, undefined);
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
  }
}
