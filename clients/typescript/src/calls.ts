// The types of a call: what a method takes and gives, from the generated table.

import type { ClientRequests } from "./generated/methods.js";

/** A method that the host may call. */
export type Method = keyof ClientRequests;

/** What a method takes. */
export type Params<M extends Method> = ClientRequests[M]["params"];

/** What a method gives; `unknown` for one that is not in the table. */
export type Result<M extends string> = M extends Method ? ClientRequests[M]["result"] : unknown;

/** How a call is made. */
export interface CallOptions {
  /** Gives the call up: the server is told, and the call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What follows the method's name; parameters may be left out where all of them are optional. */
export type CallArguments<M extends string> = M extends Method
  ? Record<never, never> extends Params<M>
    ? [params?: Params<M>, options?: CallOptions]
    : [params: Params<M>, options?: CallOptions]
  : [params?: unknown, options?: CallOptions];
