#!/usr/bin/env python3
"""Generates types from the schema with a third-party generator, and reads messages of a newer server.

    check.py GENERATOR INSTALLED SCHEMA WORK

GENERATOR is quicktype, datamodel-code-generator, json-schema-to-typescript or go-jsonschema; INSTALLED
the folder that setup.sh made for it; SCHEMA the bundle; WORK an empty folder. Exits 1 with a line
for each problem.
"""

import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
DEADLINE = 120  # seconds for one program


def run(*command, **options):
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=DEADLINE, **options
    )
    if done.returncode != 0:
        sys.exit(f"{command[0]}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def no_numbered_types(code, pattern):
    """A generator that finds one type in two forms declares `Account1` beside `Account`."""
    names = set(re.findall(pattern, code))
    twice = sorted(n for n in names if n[-1].isdigit() and n.rstrip("0123456789") in names)
    if twice:
        sys.exit(f"declared twice: {', '.join(twice)}")


def go(work, schema_types, program):
    (work / "wire.go").write_text(schema_types)
    (work / "main.go").write_text((HERE / "go" / program).read_text())
    (work / "go.mod").write_text("module example.com/wire\n\ngo 1.21\n")
    messages = json.dumps(json.loads((HERE / "messages.json").read_text()))
    print(run("go", "run", ".", cwd=work, input=messages), end="")


def quicktype(installed, schema, work):
    run("node", installed / "node_modules/.bin/quicktype", "--src-lang", "schema", "--lang", "go",
        "--package", "main", "--top-level", "ByokeyProtocol", "-o", work / "out.go", schema)
    code = (work / "out.go").read_text()
    (work / "out.go").unlink()
    no_numbered_types(code, r"(?m)^type (\w+) ")
    go(work, code, "quicktype.go.txt")


def go_jsonschema(installed, schema, work):
    code = run(installed / "go-jsonschema", "-p", "main", schema)
    go(work, code, "go-jsonschema.go.txt")


def datamodel_code_generator(installed, schema, work):
    python = installed / "venv/bin/python"
    model = work / "model.py"
    run(installed / "venv/bin/datamodel-codegen", "--input", schema, "--input-file-type", "jsonschema",
        "--output", model, "--output-model-type", "pydantic_v2.BaseModel", "--use-title-as-name")
    no_numbered_types(model.read_text(), r"(?m)^class (\w+)\(")
    print(run(python, HERE / "read_pydantic.py", work, HERE / "messages.json"), end="")


def json_schema_to_typescript(installed, schema, work):
    types = work / "protocol.d.ts"
    run("node", installed / "node_modules/.bin/json2ts", "-i", schema, "-o", types)
    no_numbered_types(types.read_text(), r"(?m)^export (?:type|interface) (\w+)")
    messages = json.loads((HERE / "messages.json").read_text())
    lines = ['import type { ByokeyProtocol } from "./protocol.js";']
    for at, message in enumerate(messages):
        lines.append(f"export const message{at}: ByokeyProtocol = {json.dumps(message['value'])};")
    (work / "read.ts").write_text("\n".join(lines) + "\n")
    run(installed / "node_modules/.bin/tsc", "--noEmit", "--strict", "--module", "nodenext", work / "read.ts")
    print(f"{len(messages)} messages read")


def main():
    generator, installed, schema, work = sys.argv[1:5]
    check = globals()[generator.replace("-", "_")]
    check(pathlib.Path(installed), pathlib.Path(schema), pathlib.Path(work))


if __name__ == "__main__":
    main()
