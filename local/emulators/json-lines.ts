import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** Reads a growing file of JSON lines on from where it stopped; gives all that were ever read. A line that is still being written waits. */
export function jsonLines<Line>(file: string): () => readonly Line[] {
  const lines: Line[] = [];
  let read = 0;
  return () => {
    const descriptor = openSync(file, "r");
    try {
      const bytes = Buffer.alloc(fstatSync(descriptor).size - read);
      const end = bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, read)).lastIndexOf("\n") + 1;
      for (const line of bytes.toString("utf8", 0, end).split("\n")) if (line) lines.push(JSON.parse(line) as Line);
      read += end;
    } finally {
      closeSync(descriptor);
    }
    return lines;
  };
}
