"""Uses the SDK as its documentation does, and prints what it saw as one line of JSON."""

import json

import openai

client = openai.OpenAI(max_retries=0)
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
