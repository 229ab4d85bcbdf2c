// The published package: its content, and the README's quick start in an empty folder.

import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { before, describe, test } from "node:test";

import { Backend } from "./support/backend.js";
import { BYOKEY, newFolder, PACKAGE, TOOLS, WITHOUT_BYOKEY } from "./support/places.js";
import { blocksUnder, headings } from "./support/readme.js";
import { run } from "./support/run.js";

const [QUICK_START = ""] = blocksUnder("Quick start", "js");
const folder = newFolder();
let packed: { filename: string; files: { path: string }[] };

before(async () => {
  const output = await run("npm", ["pack", "--json", "--pack-destination", folder, PACKAGE], { cwd: folder });
  [packed] = JSON.parse(output);
  writeFileSync(join(folder, "package.json"), "{}");
  const quiet = ["--offline", "--no-audit", "--no-fund", "--no-package-lock"];
  await run("npm", ["install", ...quiet, join(folder, packed.filename)], { cwd: folder });
});

test("the package holds the code, its types, and nothing of the workshop", () => {
  const paths = packed.files.map(({ path }) => path);
  const beside = ["README.md", "LICENSE-APACHE", "LICENSE-MIT", "package.json"];
  for (const path of [...beside, "dist/index.js", "dist/index.d.ts", "dist/folder.cjs"]) {
    assert.ok(paths.includes(path), path);
  }
  const code = /^dist\/(.*\.(js|cjs|d\.ts|d\.cts)|cjs\/package\.json)$/;
  assert.deepEqual(
    paths.filter((path) => !beside.includes(path) && !code.test(path)),
    [],
  );
});

test("a CommonJS user has the same classes, with types and without a bundler", async () => {
  const inside = join(folder, "commonjs");
  mkdirSync(inside);
  writeFileSync(join(inside, "package.json"), '{ "type": "commonjs" }');
  const text = `
    import { ByokeyClient, Secret, ServerNotFoundError } from "@byokey/client";
    const clientInfo = { name: "commonjs", version: "1.0" };
    export const client: Promise<ByokeyClient> = ByokeyClient.spawn({ clientInfo, serverOwnsLogin: true, command: "/nowhere" });
    client.catch((error: unknown) => {
      console.log(error instanceof ServerNotFoundError, String(new Secret("made up")));
      void import("@byokey/client").then((esm) => console.log(esm.ByokeyClient.name));
    });`;
  writeFileSync(join(inside, "host.ts"), text);
  const compilerOptions = {
    strict: true,
    target: "ES2022",
    module: "Node16",
    outDir: "out",
    rootDir: ".",
    lib: ["ES2022", "ESNext.Disposable"],
    types: ["node"],
    typeRoots: [join(TOOLS, "@types")],
  };
  writeFileSync(join(inside, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["host.ts"] }));
  await run(join(TOOLS, ".bin/tsc"), ["--project", inside]);
  const output = await run(process.execPath, [join(inside, "out/host.js")]);
  assert.equal(output, "true [redacted]\nByokeyClient\n");
});

test("it needs no other package", async () => {
  const tree = JSON.parse(await run("npm", ["ls", "--all", "--json"], { cwd: folder }));
  assert.deepEqual(Object.keys(tree.dependencies), ["@byokey/client"]);
  assert.equal(tree.dependencies["@byokey/client"].dependencies, undefined);
});

test("the README has the sections that all clients have", () => {
  assert.deepEqual(headings(), [
    "Install",
    "Quick start",
    "Methods",
    "Supervision",
    "Account",
    "Events",
    "Token providers",
    "Errors",
    "Closing",
    "Packaging",
    "Versions",
  ]);
  const lines = QUICK_START.split("\n").filter((line) => line !== "");
  assert.ok(lines.length <= 10, `the quick start has ${lines.length} lines`);
});

test("the quick start and the README's other code satisfy the compiler", async () => {
  const given = `
    import { ByokeyClient, Supervisor, commandTokens, sessionTokens, type Session, type SessionRequest, type TokenProvider } from "@byokey/client";
    declare const refreshTokens: TokenProvider;
    declare const client: ByokeyClient;
    declare const clientInfo: { name: string; version: string };
    declare const scopes: string[];
    declare const vscode: {
      authentication: {
        getSession(provider: string, scopes: string[], options: SessionRequest): PromiseLike<Session | undefined>;
      };
      env: { openExternal(uri: object): PromiseLike<boolean> };
      Uri: { parse(text: string): object };
    };
    export async function block(): Promise<void> {`;
  writeFileSync(join(folder, "quick-start.ts"), QUICK_START);
  const sections = ["Quick start", "Methods", "Supervision", "Account", "Events", "Token providers"];
  const blocks = sections.flatMap((heading) => blocksUnder(heading, "ts"));
  assert.equal(blocks.length, 7);
  for (const block of blocks) assert.ok(block.split("\n").length <= 12, "a block has more than ten lines");
  for (const [index, block] of blocks.entries()) {
    writeFileSync(join(folder, `block-${index}.ts`), `${given}\n${block}}\n`);
  }
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    target: "ES2022",
    module: "Preserve",
    lib: ["ES2022", "ESNext.Disposable"],
    types: ["node"],
    typeRoots: [join(TOOLS, "@types")],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  await run(join(TOOLS, ".bin/tsc"), ["--project", folder]);
});

describe("the quick start runs", { skip: WITHOUT_BYOKEY }, () => {
  /** Puts the program where a package bundles it. */
  function bring(packageFolder: string): void {
    const bin = join(packageFolder, "bin", `${process.platform}-${process.arch}`);
    mkdirSync(bin, { recursive: true });
    symlinkSync(resolve(BYOKEY ?? ""), join(bin, "byokey"));
  }

  async function prints(file: string, environment: NodeJS.ProcessEnv = {}): Promise<void> {
    const home = newFolder();
    const env = { HOME: home, CODEX_HOME: home, ...environment };
    const backend = await Backend.start({});
    try {
      const output = await run(process.execPath, [file, ...backend.settings], { cwd: folder, env });
      assert.match(output, /type: 'chatgpt', email: 'ada@example\.test', planType: 'pro'/);
      assert.match(output, /usedPercent: \d+/);
    } finally {
      await backend.stop();
    }
  }

  test("as it stands, in Node", async () => {
    const file = join(folder, "quick-start.mjs");
    writeFileSync(file, QUICK_START);
    await prints(file, { BYOKEY_BIN: BYOKEY });
  });

  test("with the program that the package brings along", async () => {
    bring(join(folder, "node_modules/@byokey/client"));
    const file = join(folder, "own-program.mjs");
    writeFileSync(file, QUICK_START);
    await prints(file);
  });

  test("bundled into one CommonJS file, without a warning, with the program beside it", async () => {
    // CommonJS has no `await` at the top; an extension has its `activate`.
    const [imports = "", ...rest] = QUICK_START.split("\n");
    writeFileSync(join(folder, "extension.mjs"), `${imports}\n(async () => {\n${rest.join("\n")}})();\n`);
    const extension = newFolder();
    bring(extension);
    const bundle = join(extension, "dist/extension.cjs");
    const options = ["--bundle", "--platform=node", "--format=cjs", "--target=node20", `--outfile=${bundle}`];
    const bundling = [join(folder, "extension.mjs"), ...options, "--log-level=warning"];
    await run(join(TOOLS, ".bin/esbuild"), bundling, { isQuiet: true });
    await prints(bundle);
  });
});
