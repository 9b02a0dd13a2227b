import { createHash, createHmac, type BinaryLike } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import { type Credentials, region } from "./emulators/emulators";

/** SHA-256 in the shape that the SDK's signer asks for. */
class Sha256 {
  private readonly hash;
  constructor(secret?: unknown) {
    this.hash = secret === undefined ? createHash("sha256") : createHmac("sha256", secret as BinaryLike);
  }
  update(chunk: unknown): void {
    this.hash.update(chunk as BinaryLike);
  }
  async digest(): Promise<Uint8Array> {
    return this.hash.digest();
  }
  reset(): void {}
}

export interface Answer {
  status: number;
  headers: Headers;
  bytes: Uint8Array;
  /** As text; `json` parses it. */
  text: string;
  json<Body>(): Body;
}

/** One HTTP request to the API, signed as `curl --aws-sigv4 aws:amz:REGION:execute-api` signs it. */
export async function signedRequest(
  credentials: Credentials,
  method: "GET" | "POST" | "PATCH" | "DELETE",
  url: string,
  body?: { type: string; bytes: string | Uint8Array },
): Promise<Answer> {
  const { host, hostname, protocol, pathname, searchParams } = new URL(url);
  const signer = new SignatureV4({ credentials, region: regionOf(hostname), service: "execute-api", sha256: Sha256 as never });
  const signed = await signer.sign({
    method,
    protocol,
    hostname,
    path: decodeURI(pathname),
    query: Object.fromEntries(searchParams),
    headers: { host, ...(body && { "content-type": body.type }) },
    body: body?.bytes,
  });
  const { host: _host, ...headers } = signed.headers;
  const answer = await fetch(url, { method, headers, ...(body && { body: body.bytes as string | Uint8Array<ArrayBuffer> }) });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const text = new TextDecoder().decode(bytes);
  return { status: answer.status, headers: answer.headers, bytes, text, json: () => JSON.parse(text) };
}

/** `ID.execute-api.REGION.amazonaws.com`; on this machine there is one region. */
const regionOf = (hostname: string): string => /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com/.exec(hostname)?.[1] ?? region;
