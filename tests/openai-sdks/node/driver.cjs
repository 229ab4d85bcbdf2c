// Uses the SDK as its documentation does, and prints what it saw as one line of JSON.
// With the argument `signed-out` it prints a first line when an answer has begun, and reads on until
// that is broken off; then it asks once more.
const OpenAI = require("openai");

async function signedOut() {
  const client = new OpenAI({ maxRetries: 0 });
  const question = { model: "gpt-5.5", input: "Hello" };
  let broke = false;
  let begun = false;
  try {
    const stream = await client.responses.create({ ...question, stream: true });
    for await (const event of stream) {
      if (!begun && event.type === "response.output_text.delta") {
        begun = true;
        console.log("begun");
      }
    }
  } catch {
    broke = true;
  }
  let code = null;
  let message = null;
  try {
    await client.responses.create(question);
  } catch (error) {
    code = error.code;
    message = error.error.message;
  }
  console.log(JSON.stringify({ broke, code, message }));
}

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

(process.argv[2] === "signed-out" ? signedOut : main)();
