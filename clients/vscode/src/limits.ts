/** Rate limits as bars, with the time of the reset. */

import type { RateLimitSnapshot, RateLimitWindow } from "@byokey/client";

const FULL = "█";
const EMPTY = "░";

/** The windows of a snapshot that the backend has reported, the shortest first. */
export function windowsOf(limits: RateLimitSnapshot | undefined): readonly RateLimitWindow[] {
  return [limits?.primary, limits?.secondary].filter((window) => window != null);
}

/** The used part of a window as a bar of `length` characters. Anything used, and anything left, is visible. */
export function bar(usedPercent: number, length: number): string {
  const share = Math.min(1, Math.max(0, usedPercent / 100));
  const full = share === 0 || share === 1 ? share * length : Math.min(length - 1, Math.max(1, Math.round(share * length)));
  return FULL.repeat(full) + EMPTY.repeat(length - full);
}

/** A window in words: how much of it is used, and when it begins anew. */
export function sentence({ usedPercent, windowDurationMins, resetsAt }: RateLimitWindow, now: number): string {
  const span = windowDurationMins ? ` of ${duration(windowDurationMins)}` : "";
  return `${Math.round(usedPercent)} %${span} used${resetsAt ? `, resets ${reset(resetsAt * 1000, now)}` : ""}`;
}

/** The time of a reset, local, and how far away it is. */
export function reset(at: number, now: number): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  const time = new Date(at).toLocaleString(undefined, {
    ...(isToday ? {} : { weekday: "short", day: "numeric", month: "short" }),
    hour: "2-digit",
    minute: "2-digit",
  });
  const minutes = Math.max(0, Math.ceil((at - now) / 60_000));
  return `${time} (in ${duration(minutes)})`;
}

/** Minutes in words, in the largest unit that leaves two of it. */
export function duration(minutes: number): string {
  if (minutes >= 2_880) return `${Math.round(minutes / 1_440)} days`;
  if (minutes >= 120) return `${Math.round(minutes / 60)} hours`;
  return minutes === 1 ? "1 minute" : `${minutes} minutes`;
}
