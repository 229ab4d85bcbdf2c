// Starts and ends the processes of a test, each by its id.

import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";

const running = new Set();

/** Starts a program; `onLine` is called with each line of its output. */
export function start(program, args, { env = process.env, onLine = () => {} } = {}) {
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  child.on("exit", () => running.delete(child));
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream.setEncoding("utf8").on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      lines.forEach(onLine);
    });
  }
  return child;
}

/** Ends all running processes, and their children. */
export async function endAll() {
  for (const child of running) {
    const family = [child.pid, ...descendants(child.pid)];
    for (const pid of family.reverse()) {
      kill(pid, "SIGTERM");
    }
    await new Promise((ended) => {
      const timer = setTimeout(() => family.forEach((pid) => kill(pid, "SIGKILL")), 5_000);
      child.on("exit", () => ended(clearTimeout(timer)));
      if (child.exitCode !== null || child.signalCode !== null) ended(clearTimeout(timer));
    });
  }
}

/** Ends one process; an ended one is fine. */
export function kill(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** Ids of the descendants of this process with `text` in their command line. */
export function below(pid, text) {
  return descendants(pid).filter((child) => commandLine(child).includes(text));
}

function descendants(pid) {
  const parents = new Map();
  for (const name of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const parent = parentOf(name);
    if (parent !== undefined) parents.set(Number(name), parent);
  }
  const found = [];
  const search = (of) => {
    for (const [child, parent] of parents) {
      if (parent === of) {
        found.push(child);
        search(child);
      }
    }
  };
  search(pid);
  return found;
}

function parentOf(pid) {
  const stat = read(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

function commandLine(pid) {
  return (read(`/proc/${pid}/cmdline`) ?? "").replaceAll("\0", " ");
}

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // it has ended meanwhile
  }
}
