import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { Transform } from "node:stream";
import send from "send";

/** How a test makes the source go wrong for the paths that match; the files themselves stay as they are. */
export interface Misbehaviour {
  path: RegExp;
  /** `corrupt`: one bit of the file differs. `stall`: headers, then silence. `missing`: 404. `refuse`: the connection is cut. */
  how: "corrupt" | "stall" | "missing" | "refuse";
}

export interface ArtifactSource {
  /** `http://127.0.0.1:PORT`; a set is below it, under its name. */
  url: string;
  port: number;
  /** What was asked for, in order: a prepared node asks for nothing. */
  asked: string[];
  misbehave(...how: Misbehaviour[]): void;
  stop(): Promise<void>;
}

/**
 * Serves folders on the host's loopback over HTTP, with ranges and HEAD as curl uses them.
 * @param sets folder by name: the first segment of a path
 */
export async function startArtifactSource(sets: Record<string, string>): Promise<ArtifactSource> {
  const asked: string[] = [];
  let misbehaviours: Misbehaviour[] = [];
  const server = createServer((request, response) => {
    const path = decodeURI(new URL(request.url ?? "/", "http://source").pathname);
    asked.push(path);
    const [, set = "", rest = ""] = /^\/([^/]+)(\/.*)$/.exec(path) ?? [];
    const root = Object.hasOwn(sets, set) ? sets[set] : undefined;
    const wrong = misbehaviours.find((one) => one.path.test(path));
    if (wrong) misbehave(wrong.how, root && join(root, rest), request, response);
    else if (root) send(request, rest, { root, dotfiles: "deny", index: false, cacheControl: false }).on("error", refuse(response)).pipe(response);
    else refuse(response)({ status: 404 });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    asked,
    misbehave: (...how) => void (misbehaviours = how),
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
}

const refuse = (response: ServerResponse) => ({ status }: { status?: number }) => {
  response.statusCode = status ?? 500;
  response.end(`${response.statusCode}\n`);
};

function misbehave(how: Misbehaviour["how"], file: string | undefined, request: IncomingMessage, response: ServerResponse): void {
  if (how === "refuse") request.socket.destroy();
  else if (how === "missing" || !file) refuse(response)({ status: 404 });
  else if (how === "stall") response.writeHead(200, { "content-length": "1000000" }).flushHeaders();
  else createReadStream(file).once("error", () => refuse(response)({ status: 404 })).pipe(oneBitOff()).pipe(response);
}

function oneBitOff(): Transform {
  let done = false;
  return new Transform({
    transform(chunk: Buffer, _, next) {
      const changed = Buffer.from(chunk);
      if (!done) changed[0]! ^= 1;
      done = true;
      next(null, changed);
    },
  });
}
