"""Reads every example with the generated types, writes it, and compares.

Prints their number. The first argument is the folder of the examples, the second the file with the
minimal messages of the oldest server.
"""

import json
import sys
from pathlib import Path

from byokey._generated import methods, types

ALL = (
    methods.CLIENT_REQUESTS
    + methods.CLIENT_NOTIFICATIONS
    + methods.SERVER_REQUESTS
    + methods.SERVER_NOTIFICATIONS
)


def without_nulls(value):
    """Null and absent are equivalent for a reader."""
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def from_a_newer_peer(value):
    """The same with unknown members added."""
    if isinstance(value, dict):
        newer = {name: from_a_newer_peer(item) for name, item in value.items()}
        return newer | {"unheardOf": {"type": "newer"}}
    if isinstance(value, list):
        return [from_a_newer_peer(item) for item in value]
    return value


def check(read, value, where):
    read_back = read(value, "")
    written = read_back.to_wire()
    assert without_nulls(written) == without_nulls(value), f"{where}: {written}"
    json.dumps(written)
    assert "made-up" not in repr(read_back), f"{where}: a secret is shown"
    read(from_a_newer_peer(value), "")


def main():
    count = 0
    by_name = {method.name: method for method in ALL}
    for file in Path(sys.argv[1]).iterdir():
        for name, examples in json.loads(file.read_text()).items():
            for example in examples:
                count += 1
                check(by_name[name].read_params, example["params"], name)
                if "result" in example:
                    check(by_name[name].read_result, example["result"], name)
    for message in json.loads(Path(sys.argv[2]).read_text())["messages"]:
        count += 1
        method = by_name[message["method"]]
        read = method.read_params if message["part"] == "params" else method.read_result
        check(read, message["value"], message["method"])

    newer = {"type": "newer", "more": [1, None]}
    account = types.account_from_wire(newer)
    assert isinstance(account, types.UnknownAccount) and account.to_wire() == newer
    updated = {"authMode": "newer", "planType": "newer"}
    assert types.AccountUpdated.from_wire(updated).to_wire() == updated
    for info in ["newer", {"newer": {}}, {"httpConnectionFailed": {"httpStatusCode": 502}}]:
        error = {"message": "m", "codexErrorInfo": info, "additionalDetails": None}
        assert types.TurnError.from_wire(error).to_wire() == error
    print(count)


main()
