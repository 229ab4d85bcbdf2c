/** The person and the workspace of a login. */

/** The owner of a login. */
export interface Identity {
  /** Stable over renewals: the person and the workspace. Two people in one workspace are two. */
  readonly key: string;
  /** Its name for the user: the address, if the token has one. */
  readonly label: string;
  /** The ChatGPT workspace. */
  readonly workspace: string;
}

/** Members of a token that identify its owner. Nothing else of it is read. */
export interface Claims {
  readonly user: string | undefined;
  readonly email: string | undefined;
  readonly workspace: string | undefined;
}

/** The claims of a JSON Web Token. They are not verified: the server and the backend do that. */
export function claimsOf(accessToken: string): Claims {
  let claims: Record<string, unknown> = {};
  try {
    const [, payload = ""] = accessToken.split(".");
    claims = record(JSON.parse(Buffer.from(payload, "base64url").toString()));
  } catch {
    // An opaque token identifies no owner.
  }
  const auth = record(claims["https://api.openai.com/auth"]);
  const profile = record(claims["https://api.openai.com/profile"]);
  return {
    user: text(auth["chatgpt_user_id"]) ?? text(auth["user_id"]) ?? text(claims["sub"]),
    email: text(claims["email"]) ?? text(profile["email"]),
    workspace: text(auth["chatgpt_account_id"]),
  };
}

/** Identifies a login by what is known of it: the server's words take precedence over the token's. */
export function identify(
  known: { readonly userId?: string | null; readonly email: string | null; readonly workspace?: string },
  claims: Claims,
): Identity {
  const workspace = known.workspace ?? claims.workspace ?? "";
  const email = known.email ?? claims.email;
  const person = known.userId ?? claims.user ?? email ?? "";
  return { key: JSON.stringify([person, workspace]), label: email ?? (workspace || "ChatGPT"), workspace };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
