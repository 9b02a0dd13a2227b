import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";

/** Files of a .tar.gz by name, as text. */
export async function untar(bytes: Uint8Array): Promise<Record<string, string>> {
  const tar = extract();
  tar.end(gunzipSync(bytes));
  const files: Record<string, string> = {};
  for await (const entry of tar) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    files[entry.header.name] = Buffer.concat(chunks).toString();
  }
  return files;
}
