"""Reads messages with the model generated into the folder of the first argument."""

import json
import pathlib
import sys

sys.path.insert(0, sys.argv[1])

import model  # noqa: E402  (generated)
import pydantic  # noqa: E402

messages = json.loads(pathlib.Path(sys.argv[2]).read_text())
for message in messages:
    try:
        read = model.ByokeyProtocol.model_validate(message["value"])
    except pydantic.ValidationError as error:
        sys.exit(f"{message['about']}: refused\n{error}")
    written = json.dumps(read.model_dump(mode="json", by_alias=True, exclude_unset=True))
    if message["holds"] not in written:
        sys.exit(f"{message['about']}: `{message['holds']}` is lost")

# The model does check: a required member must be present.
try:
    model.ByokeyProtocol.model_validate({"clientRequestResults": {"account/read": {"account": None}}})
except pydantic.ValidationError:
    pass
else:
    sys.exit("a result without a required member is accepted")
assert model.ChatgptAccount and model.ApiKeyLoginStartParams, "variants have names of their own"
print(f"{len(messages)} messages read")
