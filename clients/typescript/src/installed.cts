// Where the program of the package `byokey` is, if that is installed. CommonJS can ask for a package
// that may be missing, and bundlers leave that to run time.

function installed(): string | undefined {
  try {
    const { path } = require("byokey") as { path: unknown };
    return typeof path === "string" ? path : undefined;
  } catch {
    return undefined;
  }
}

export = installed;
