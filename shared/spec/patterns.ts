/** A deployment's lists name things exactly, or by their beginning where an entry ends with `*`. */
export const matchesAny = (patterns: readonly string[], text: string): boolean =>
  patterns.some((pattern) => (pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : text === pattern));
