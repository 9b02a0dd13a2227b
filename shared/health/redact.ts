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
