/** What a console or a log may hold that nobody else should read: keys, bootstrap tokens, credentials. */
const secrets: [RegExp, string][] = [
  [/-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?(-----END \1-----|$)/g, "[private key removed]"],
  [/\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g, "[token removed]"],
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, "[token removed]"],
  [/\b(AKIA|ASIA)[A-Z0-9]{12,}\b/g, "[access key removed]"],
  [/(certificate-key[ =]+)[0-9a-f]{32,}/gi, "$1[removed]"],
  [/((?:secret|password|token|authorization|credential)[\w-]*["']?\s*[:=]\s*)(?:bearer\s+)?["']?[^\s"',;]{8,}/gi, "$1[removed]"],
];

export const redact = (text: string): string => secrets.reduce((clean, [pattern, instead]) => clean.replace(pattern, instead), text);

/** The last lines that are not empty, at most 300 characters each, secrets removed before anything is cut. */
export const tailOf = (text: string, lines: number): string[] =>
  redact(text)
    .split(/\r?\n/)
    .map((line) => line.trimEnd().slice(0, 300))
    .filter(Boolean)
    .slice(-lines);

/** Every text in a structure, with what its member's name says about it: `{"token": "…"}` is a secret whatever its form. */
export function redactAll(value: unknown): unknown {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map(redactAll);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, typeof child === "string" ? redactMember(name, child) : redactAll(child)]));
}

const SECRET_NAME = /^(.*[-_])?(secret|password|token|authorization|credentials?|(access|private|secret|certificate)-?key)$/i;
const redactMember = (name: string, text: string): string => (SECRET_NAME.test(name) ? "[removed]" : redact(text));
