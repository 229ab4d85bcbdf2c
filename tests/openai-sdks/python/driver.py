"""Uses the SDK as its documentation does, and prints what it saw as one line of JSON.

With the argument `signed-out` it prints a first line when an answer has begun, and reads on until that
is broken off; then it asks once more.
"""

import json
import sys

import openai

client = openai.OpenAI(max_retries=0)


def signed_out():
    try:
        stream = client.responses.create(model="gpt-5.5", input="Hello", stream=True)
        for event in stream:
            if event.type == "response.output_text.delta":
                print("begun", flush=True)
                break
        for event in stream:
            pass
        broke = None
    except Exception as error:
        broke = type(error).__name__
    try:
        client.responses.create(model="gpt-5.5", input="Hello")
        code = message = None
    except openai.AuthenticationError as error:
        code, message = error.body["code"], error.body["message"]
    print(json.dumps({"broke": broke is not None, "code": code, "message": message}))


if sys.argv[1:] == ["signed-out"]:
    signed_out()
    sys.exit()
whole = client.responses.create(model="gpt-5.5", input="Hello", max_output_tokens=64)
streamed = ""
with client.responses.stream(
    model="gpt-5.5", instructions="Be brief.", input=[{"role": "user", "content": "Hello"}]
) as stream:
    for event in stream:
        if event.type == "response.output_text.delta":
            streamed += event.delta
    final = stream.get_final_response()
models = [model.id for model in client.models.list()]
try:
    client.chat.completions.create(model="gpt-5.5", messages=[{"role": "user", "content": "Hello"}])
    chat = None
except openai.NotFoundError as error:
    chat = error.body["message"]
try:
    openai.OpenAI(api_key="at-wrong", max_retries=0).models.list()
    wrong = None
except openai.AuthenticationError as error:
    wrong = error.body["code"]
print(json.dumps({
    "whole": whole.output_text,
    "status": whole.status,
    "tokens": whole.usage.total_tokens > 0,
    "streamed": streamed,
    "final": final.output_text,
    "models": "gpt-5.5" in models,
    "chat": chat,
    "wrong": wrong,
}))
