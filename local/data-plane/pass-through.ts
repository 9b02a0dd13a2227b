import { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse, createServer, request as httpRequest } from "node:http";
import { buffer } from "node:stream/consumers";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import type { Evidence } from "../../shared/health/evidence";
import { evidenceSchema } from "../../shared/health/evidence-schema";

export interface PassThrough {
  /** Of 127.0.0.1: what nodes take for AWS's. */
  port: number;
  stop(): Promise<void>;
}

export interface PassThroughOptions {
  /** Of the emulators. */
  endpoint: string;
  /** Secret of a node's own temporary credentials by their access key id, as instance metadata gave them to it. */
  secretOf(accessKeyId: string): string | undefined;
  replay(evidence: Evidence): Evidence;
  say?(line: string): void;
}

/** Headers that the new signature brings, or that told of the old body. */
const OF_THE_BODY = /^(x-amz-(date|content-sha256|security-token|checksum-.*|sdk-checksum-algorithm)|content-(length|md5|encoding))$/;
const EVIDENCE = /\/evidence\/[^/]+\/latest\.json$/;

/**
 * Stands between nodes and the emulated AWS and changes one thing: evidence that a collector puts is replayed, and signed again with the
 * same node's credentials, so that it may be written where that node may write and nowhere else. All else passes as it is.
 * Evidence that cannot be replayed is answered 502 and never passed on.
 */
export async function startPassThrough(options: PassThroughOptions): Promise<PassThrough> {
  const server = createServer((request, response) => {
    const work = isEvidence(request) ? passReplayed(request, response, options) : pass(request, response, options.endpoint, request.headers);
    work.catch((error: Error) => {
      options.say?.(`${request.method} ${request.url}: ${error.message}`);
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end(`${error.message}\n`);
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  return {
    port,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
}

const pathOf = ({ url = "/" }: IncomingMessage): string => decodeURIComponent(url.split("?")[0]!);
const isEvidence = (request: IncomingMessage): boolean => request.method === "PUT" && EVIDENCE.test(pathOf(request));

async function passReplayed(request: IncomingMessage, response: ServerResponse, { endpoint, secretOf, replay, say }: PassThroughOptions): Promise<void> {
  const seen = evidenceSchema.parse(JSON.parse((await buffer(request)).toString()));
  const body = Buffer.from(JSON.stringify(replay(seen)));
  const headers = await signedAgain(request, body, secretOf);
  await pass(request, response, endpoint, headers, body);
  say?.(`evidence of ${seen.collectedBy} replayed`);
}

/** The signature covers the body: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
async function signedAgain(request: IncomingMessage, body: Buffer, secretOf: PassThroughOptions["secretOf"]): Promise<OutgoingHttpHeaders> {
  const { authorization = "", host = "", ...rest } = request.headers;
  const [, accessKeyId = "", region = ""] = /Credential=([^/]+)\/\d+\/([^/]+)\/s3\/aws4_request/.exec(authorization) ?? [];
  const secretAccessKey = secretOf(accessKeyId);
  if (!secretAccessKey) throw new Error("no node has these credentials");
  const signed = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(";") ?? [];
  const kept = Object.entries(rest).filter(([name, value]) => signed.includes(name) && !OF_THE_BODY.test(name) && typeof value === "string");
  const credentials = { accessKeyId, secretAccessKey, sessionToken: String(rest["x-amz-security-token"]) };
  const signer = new SignatureV4({ credentials, region, service: "s3", sha256: Sha256, uriEscapePath: false });
  const headers = { ...(Object.fromEntries(kept) as Record<string, string>), host };
  const [path = "/", query] = request.url!.split("?");
  const asked = { method: "PUT", protocol: "http:", hostname: host, path, query: Object.fromEntries(new URLSearchParams(query)), headers, body };
  const { headers: ready } = await signer.sign(asked);
  return { ...ready, "content-length": body.length };
}

/** Headers go on as they came, `Host` too, because it is signed. */
function pass(request: IncomingMessage, response: ServerResponse, endpoint: string, headers: OutgoingHttpHeaders, body?: Buffer): Promise<void> {
  const { hostname, port } = new URL(endpoint);
  return new Promise((done, failed) => {
    const onward = httpRequest({ hostname, port, method: request.method, path: request.url, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response).once("finish", done).once("error", failed);
    });
    onward.once("error", failed);
    if (body) onward.end(body);
    else request.pipe(onward);
  });
}
