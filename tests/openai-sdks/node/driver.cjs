// Uses the SDK as its documentation does, and prints what it saw as one line of JSON.
const OpenAI = require("openai");

async function main() {
  const client = new OpenAI({ maxRetries: 0 });
  const whole = await client.responses.create({ model: "gpt-5.5", input: "Hello", max_output_tokens: 64 });
  let streamed = "";
  let final = "";
  const stream = await client.responses.create({
    model: "gpt-5.5",
    instructions: "Be brief.",
    input: [{ role: "user", content: "Hello" }],
    stream: true,
  });
  for await (const event of stream) {
    if (event.type === "response.output_text.delta") streamed += event.delta;
    if (event.type === "response.completed") final = event.response.output[0].content[0].text;
  }
  const models = [];
  for await (const model of client.models.list()) models.push(model.id);
  let chat = null;
  try {
    await client.chat.completions.create({ model: "gpt-5.5", messages: [{ role: "user", content: "Hello" }] });
  } catch (error) {
    chat = error.error.message;
  }
  let wrong = null;
  try {
    await new OpenAI({ apiKey: "at-wrong", maxRetries: 0 }).models.list();
  } catch (error) {
    wrong = error.code;
  }
  const seen = {
    whole: whole.output_text,
    status: whole.status,
    tokens: whole.usage.total_tokens > 0,
    streamed,
    final,
    models: models.includes("gpt-5.5"),
    chat,
    wrong,
  };
  console.log(JSON.stringify(seen));
}

main();
