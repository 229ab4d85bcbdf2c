// A token command: prints Ada's fake token, and the renewed one once the first was refused.
import { readFileSync } from "node:fs";

const tokens = JSON.parse(readFileSync(new URL("../../suite/tokens.json", import.meta.url), "utf8"));
const isRefused = process.env.BYOKEY_REFRESH_REASON === "unauthorized";
const accessToken = tokens[isRefused ? "ada-renewed" : "ada"];
console.log(JSON.stringify({ accessToken, chatgptAccountId: "ws-ada" }));
