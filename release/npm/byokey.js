#!/usr/bin/env node
// Runs the program. Where node can, it becomes the program, so that nothing stays between it and
// the process that started this.
"use strict";

let path;
try {
  ({ path } = require("./index.js"));
} catch (error) {
  console.error(`byokey: ${error.message}`);
  process.exit(127);
}
const parameters = process.argv.slice(2);

if (typeof process.execve === "function" && process.platform !== "win32") {
  process.execve(path, [path, ...parameters], process.env);
}

const { constants } = require("node:os");
const { spawn } = require("node:child_process");
const child = spawn(path, parameters, { stdio: "inherit" });
// A terminal sends its signals to both; another process sends them to this one only.
for (const signal of ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"]) {
  try {
    process.on(signal, () => child.kill(signal));
  } catch {
    // Not a signal of this system.
  }
}
child.on("error", (error) => {
  console.error(`byokey: cannot run ${path}: ${error.message}`);
  process.exit(126);
});
child.on("exit", (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]));
