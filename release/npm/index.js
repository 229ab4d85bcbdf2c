// Where the program is: `path` is the absolute path of the one for this platform.
"use strict";

const { dirname, join } = require("node:path");
const manifest = require("./package.json");

function find() {
  const platform = `${process.platform}-${process.arch}`;
  const packages = Object.keys(manifest.optionalDependencies);
  const name = packages.find((each) => each.endsWith(`/${platform}`));
  if (name === undefined) {
    const others = packages.map((each) => each.slice(each.indexOf("/") + 1)).join(", ");
    throw new Error(
      `byokey ${manifest.version} has no program for ${platform}, only for ${others}. ` +
        "Build it from its source, and name it in BYOKEY_BIN.",
    );
  }
  try {
    const folder = dirname(require.resolve(`${name}/package.json`));
    return join(folder, "bin", process.platform === "win32" ? "byokey.exe" : "byokey");
  } catch {
    throw new Error(
      `The package ${name} with the program for ${platform} is not installed. npm leaves it out with ` +
        "--omit=optional or --no-optional (`npm config get omit` shows that), and a folder " +
        `node_modules from another platform lacks it. Install it: npm install ${name}@${manifest.version}`,
    );
  }
}

exports.path = find();
