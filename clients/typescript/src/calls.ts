// The types of a call: parameters and results, from the generated table.

import type { ClientRequests } from "./generated/methods.js";

/** A method of the server. */
export type Method = keyof ClientRequests;

/** The parameters of a method. */
export type Params<M extends Method> = ClientRequests[M]["params"];

/** The result of a method; `unknown` for one that is not in the table. */
export type Result<M extends string> = M extends Method ? ClientRequests[M]["result"] : unknown;

/** Options of a call. */
export interface CallOptions {
  /** Cancels the call at the server; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The arguments after the method's name; parameters are optional if all their members are. */
export type CallArguments<M extends string> = M extends Method
  ? Record<never, never> extends Params<M>
    ? [params?: Params<M>, options?: CallOptions]
    : [params: Params<M>, options?: CallOptions]
  : [params?: unknown, options?: CallOptions];
