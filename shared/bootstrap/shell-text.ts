/** One word for bash, whatever is in it. */
export const quote = (value: string): string => `'${value.replaceAll("'", String.raw`'\''`)}'`;

/** Bash that writes `text` to `path` as it is. Ends with a line that no file of ours has. */
export function hereDocument(path: string, text: string): string {
  const end = "END_OF_CLOWDER_FILE";
  return `mkdir -p ${path.slice(0, path.lastIndexOf("/"))}\ncat >${path} <<'${end}'\n${text.replace(/\n*$/, "\n")}${end}`;
}
