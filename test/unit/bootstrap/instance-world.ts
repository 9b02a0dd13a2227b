import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const role = { AccessKeyId: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG", Token: "session//token==", Code: "Success" };
const metadata: Record<string, string> = {
  "/latest/meta-data/iam/security-credentials/": "masters.demo\n",
  "/latest/meta-data/iam/security-credentials/masters.demo": JSON.stringify(role),
  "/latest/meta-data/local-ipv4": "172.20.32.10",
  "/latest/meta-data/local-hostname": "IP-172-20-32-10.ec2.internal example.com",
};

/** What an instance sees of AWS: metadata by version 2, one bucket, STS. Bound to loopback; signatures are checked by the SDK's signer. */
export interface World {
  url: string;
  objects: Map<string, string>;
  /** Refuses that many S3 calls with 403 first, as a new instance profile is. */
  refusals: number;
  /** Turned off, everything answers 503. */
  up: boolean;
  folder: string;
  /** Runs bash with `/opt/clowder` and the like moved into `folder`. */
  bash(script: string, env?: Record<string, string>): Promise<{ code: number; output: string }>;
  /** Bodies of the beacons, by name. */
  beacons(): Record<string, Record<string, unknown>>;
  close(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const world = { objects: new Map<string, string>(), refusals: 0, up: true, folder: mkdtempSync(join(tmpdir(), "clowder-")) };
  for (const path of ["etc/systemd/system", "etc/modules-load.d", "etc/sysctl.d", "var/log", "var/tmp", "usr/local/bin", "bin"])
    mkdirSync(join(world.folder, path), { recursive: true });
  const server = createServer((request, response) => void serve(world, request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(world, {
    url,
    bash: (script: string, env: Record<string, string> = {}) =>
      run(moved(script, world.folder), { ...awsEnvironment(url), ...env }, world.folder),
    beacons: () =>
      Object.fromEntries(
        [...world.objects]
          .filter(([key]) => key.includes("/beacons/AROAEXAMPLE:i-0123456789abcdef0/"))
          .map(([key, body]) => [key.split("/").at(-1)!, JSON.parse(body)]),
      ),
    close: () =>
      new Promise<void>((resolve) => {
        rmSync(world.folder, { recursive: true, force: true });
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  });
}

/** A script with the absolute paths of a node below `folder`, so that nobody needs to be root and nothing of the machine changes. */
export const moved = (text: string, folder: string): string =>
  text.replaceAll(/\/(opt\/clowder|run\/clowder|etc\/|usr\/local\/|var\/(tmp|log)\/)/g, `${folder}$&`);

const awsEnvironment = (url: string) => ({ AWS_ENDPOINT_URL: url, AWS_EC2_METADATA_SERVICE_ENDPOINT: url, CLOWDER_RETRY_SECONDS: "4" });

function run(script: string, env: Record<string, string>, folder: string): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const path = `${join(folder, "bin")}:${process.env["PATH"]}`;
    const child = spawn("bash", ["-c", script], { env: { PATH: path, HOME: folder, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (text) => (output += text));
    child.stderr.on("data", (text) => (output += text));
    child.on("close", (code) => resolve({ code: code ?? -1, output }));
  });
}

async function serve(
  world: { objects: Map<string, string>; refusals: number; up: boolean },
  request: IncomingMessage,
  response: ServerResponse,
) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const answer = (status: number, body = "") => response.writeHead(status).end(body);
  const path = request.url!;
  if (path === "/latest/api/token") return answer(request.method === "PUT" ? 200 : 405, "imds-token");
  if (path.startsWith("/latest/"))
    return request.headers["x-aws-ec2-metadata-token"] === "imds-token"
      ? answer(path in metadata ? 200 : 404, metadata[path])
      : answer(401);
  if (!world.up) return answer(503);
  const sts = path.startsWith("/?");
  if (!(await signedRight(request, Buffer.concat(chunks), sts ? "sts" : "s3")))
    return answer(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>");
  if (sts) return answer(200, "<GetCallerIdentityResult><UserId>AROAEXAMPLE:i-0123456789abcdef0</UserId></GetCallerIdentityResult>");
  if (world.refusals-- > 0) return answer(403, "<Error><Code>InvalidAccessKeyId</Code></Error>");
  const key = decodeURIComponent(path.replace(/^\/[^/]+\//, ""));
  if (request.method === "PUT") {
    world.objects.set(key, Buffer.concat(chunks).toString());
    return answer(200);
  }
  return world.objects.has(key) ? answer(200, world.objects.get(key)) : answer(403, "<Error><Code>AccessDenied</Code></Error>");
}

/** Signs what arrived once more, with the SDK's signer and the secret, and compares. */
async function signedRight(request: IncomingMessage, body: Buffer, service: string): Promise<boolean> {
  const given = request.headers.authorization ?? "";
  const names = /SignedHeaders=([^,]+)/.exec(given)?.[1]?.split(";") ?? [];
  const date = String(request.headers["x-amz-date"]);
  const signer = new SignatureV4({
    service,
    region: "us-east-1",
    credentials: { accessKeyId: role.AccessKeyId, secretAccessKey: role.SecretAccessKey, sessionToken: role.Token },
    sha256: Sha256,
    uriEscapePath: false,
    applyChecksum: service === "s3",
  });
  const address = new URL(request.url!, "http://host");
  const signed = await signer.sign(
    {
      method: request.method!,
      protocol: "http:",
      hostname: "host",
      path: address.pathname,
      query: Object.fromEntries(address.searchParams),
      headers: Object.fromEntries(names.map((name) => [name, String(request.headers[name])])),
      body,
    },
    {
      signingDate: new Date(date.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, "$1-$2-$3T$4:$5:$6Z")),
      signableHeaders: new Set(names),
    },
  );
  return signed.headers["authorization"] === given && names.includes("x-amz-security-token");
}

export const read = (path: string): string => readFileSync(path, "utf8");
