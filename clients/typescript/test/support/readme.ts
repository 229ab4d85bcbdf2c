// The code in the README, verbatim.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { PACKAGE } from "./places.js";

/** Returns the blocks of code under a heading. */
export function blocksUnder(heading: string, language: string): string[] {
  const text = readFileSync(join(PACKAGE, "README.md"), "utf8");
  const section = text.split(`\n## ${heading}\n`)[1] ?? "";
  const own = section.split("\n## ")[0] ?? "";
  const blocks = own.split(`\n\`\`\`${language}\n`).slice(1);
  if (blocks.length === 0) throw new Error(`the README has no ${language} block under ${heading}`);
  return blocks.map((block) => `${block.split("\n```")[0]}\n`);
}

/** Returns the headings of a README's sections. */
export function headings(): string[] {
  const text = readFileSync(join(PACKAGE, "README.md"), "utf8");
  return [...text.matchAll(/^## (.*)$/gm)].map(([, heading = ""]) => heading);
}
