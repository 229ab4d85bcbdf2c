#!/usr/bin/env python3
"""Draws `docs/demo.svg`: parts of the output of `byokey demo`, from a real run.

    docs/picture.py PROGRAM

`tests/tests/demo.rs` compares the text of the drawing with the output of the program. Needs
Python's standard library.
"""

import html
import pathlib
import subprocess
import sys

FILE = pathlib.Path(__file__).with_name("demo.svg")
# The chapters that are drawn; the verdict at the end is drawn as well.
CHAPTERS = (" 2  ", " 5  ")
# In these, what was already seen in an earlier chapter is left out.
REPEATED = ("thread/", "turn/started", "item/started", "item/completed", "account/rateLimits/updated")
COLUMNS = 100
# Of one character, and of one line, in units of the drawing.
WIDTH, HEIGHT, MARGIN = 7.8, 18, 16
COLOURS = {"✓": "#7ee787", "→": "#79c0ff", "←": "#d2a8ff", "·": "#8b949e"}


def output(program):
    run = subprocess.run([program, "demo"], check=True, text=True, stdout=subprocess.PIPE)
    return run.stdout.splitlines()


def chosen(lines):
    """Returns the lines to draw: the title, whole chapters, and the last line."""
    kept, inside = [lines[0], ""], False
    for line in lines[1:-1]:
        if line[:4].strip().isdigit():
            inside = line.startswith(CHAPTERS)
        if inside and not any(f" {word}" in line for word in REPEATED):
            kept.append(line)
    return [*kept, lines[-1]]


def cut(line):
    return line if len(line) <= COLUMNS else line[: COLUMNS - 1] + "…"


def style(line):
    if line[:4].strip().isdigit() or line.startswith("byokey demo"):
        return 'fill="#ffffff" font-weight="bold"'
    for sign, colour in COLOURS.items():
        if sign in line[:24]:
            return f'fill="{colour}"'
    return 'fill="#8b949e"'


def drawing(lines):
    width = round(COLUMNS * WIDTH + 2 * MARGIN)
    height = len(lines) * HEIGHT + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13">',
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>',
    ]
    for number, line in enumerate(map(cut, lines)):
        if line:
            y = MARGIN + number * HEIGHT + 13
            text = html.escape(line, quote=False)
            parts.append(f'<text x="{MARGIN}" y="{y}" xml:space="preserve" {style(line)}>{text}</text>')
    return "\n".join([*parts, "</svg>", ""])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    FILE.write_text(drawing(chosen(output(sys.argv[1]))), encoding="utf-8")


if __name__ == "__main__":
    main()
