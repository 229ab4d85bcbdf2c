// A token command: prints Ada's fake token, and the renewed one once the first was refused.
import { tokens } from "./tokens.mjs";

const isRefused = process.env.BYOKEY_REFRESH_REASON === "unauthorized";
const accessToken = tokens[isRefused ? "ada-again" : "ada"];
console.log(JSON.stringify({ accessToken, chatgptAccountId: "ws-ada" }));
