/** A file that every window on this machine reads and watches. It holds no secret. */

import { randomUUID } from "node:crypto";
import { watch, type FSWatcher } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** A text that windows share. */
export interface Board {
  read(): Promise<string | undefined>;
  write(text: string): Promise<void>;
  onChange(listener: () => void): { dispose(): void };
}

/** A board in a file, for its owner alone. */
export class FileBoard implements Board {
  readonly #path: string;
  #watcher: FSWatcher | undefined;
  readonly #listeners = new Set<() => void>();

  private constructor(path: string) {
    this.#path = path;
  }

  /** Opens the board; a folder that cannot be watched leaves windows to learn of changes later. */
  static async open(path: string): Promise<FileBoard> {
    const board = new FileBoard(path);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    try {
      // The folder, since each write replaces the file.
      board.#watcher = watch(dirname(path), { persistent: false }, (_, name) => {
        if (name === null || name === basename(path)) board.#listeners.forEach((listener) => listener());
      });
      board.#watcher.on("error", () => board.#watcher?.close());
    } catch {
      // Such as a network file system.
    }
    return board;
  }

  async read(): Promise<string | undefined> {
    try {
      return await readFile(this.#path, "utf8");
    } catch {
      return undefined;
    }
  }

  /** Replaces the file as a whole: a reader never sees half of it. */
  async write(text: string): Promise<void> {
    const next = join(dirname(this.#path), `.${randomUUID()}`);
    await writeFile(next, text, { mode: 0o600 });
    await rename(next, this.#path);
  }

  onChange(listener: () => void): { dispose(): void } {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  }

  dispose(): void {
    this.#watcher?.close();
  }
}
