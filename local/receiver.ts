import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { Webhook } from "standardwebhooks";
import { type Emulators, region } from "./emulators/emulators";

/** Tried first, so that the package, which carries the URL, is the same in each run. */
const PORT = 47811;
const HOST = "127.0.0.1";
const LIMIT = 64 * 1024;

export interface SlackMessage {
  text: string;
  blocks: { type: string; text?: { text: string }; elements?: { text: string }[] }[];
}
export interface WebhookMessage {
  id: string;
  type: string;
  data: unknown;
}

/** Plays Slack's incoming webhook and a Standard-Webhooks receiver on the loopback, and remembers what came. */
export interface Receiver {
  slackUrl: string;
  webhookUrl: string;
  /** `whsec_…`: what webhooks must be signed with. */
  secret: string;
  slack: SlackMessage[];
  /** Only what verified; the same id counts once. */
  webhooks: WebhookMessage[];
  /** Why each refused request was refused. */
  refused: string[];
  stop(): Promise<void>;
}

export async function startReceiver(port = PORT): Promise<Receiver> {
  const secret = `whsec_${randomBytes(24).toString("base64")}`;
  const path = `/services/T0LOCAL/B0LOCAL/${randomBytes(12).toString("hex")}`;
  const slack: SlackMessage[] = [];
  const webhooks: WebhookMessage[] = [];
  const refused: string[] = [];

  const accept = (url: string, headers: Record<string, string>, body: string): void => {
    if (url === path) slack.push(readSlack(body));
    else if (url === "/webhook") {
      const { type, data } = new Webhook(secret).verify(body, headers) as { type: string; data: unknown };
      const id = headers["webhook-id"]!;
      if (!webhooks.some((known) => known.id === id)) webhooks.push({ id, type, data });
    } else throw new Error(`nothing is at ${url}`);
  };
  const server = createServer(async (request, response) => {
    try {
      if (request.method !== "POST") throw new Error(`${request.method} is not POST`);
      accept(request.url ?? "", request.headers as Record<string, string>, await bodyOf(request));
      response.end("ok");
    } catch (error) {
      refused.push((error as Error).message);
      response.writeHead(400).end((error as Error).message);
    }
  });
  const listen = (wanted: number) =>
    new Promise<void>((done, failed) => {
      server.once("error", failed).listen(wanted, HOST, () => {
        server.removeListener("error", failed);
        done();
      });
    });
  await listen(port).catch(() => listen(0));
  const origin = `http://${HOST}:${(server.address() as AddressInfo).port}`;
  const stop = async () => {
    server.closeAllConnections();
    await new Promise<void>((done) => server.close(() => done()));
  };
  return { slackUrl: `${origin}${path}`, webhookUrl: `${origin}/webhook`, secret, slack, webhooks, refused, stop };
}

/** Where a deployment looks for its receivers' secrets, as serverless.yml's parameters name them. */
export async function introduce(receiver: Receiver, emulators: Pick<Emulators, "endpoint" | "credentials">): Promise<Record<string, string>> {
  const ssm = new SSMClient({ endpoint: emulators.endpoint, region, credentials: emulators.credentials });
  const slackParameter = "/clowder/local/slack";
  const webhookSecretParameter = "/clowder/local/webhook";
  await ssm.send(new PutParameterCommand({ Name: slackParameter, Value: receiver.slackUrl, Type: "SecureString", Overwrite: true }));
  await ssm.send(new PutParameterCommand({ Name: webhookSecretParameter, Value: receiver.secret, Type: "SecureString", Overwrite: true }));
  return { slackParameter, webhookSecretParameter, webhookUrl: receiver.webhookUrl };
}

/** A Slack message as plain lines, its escaping and emphasis undone. */
export const slackLines = ({ blocks }: SlackMessage): string[] =>
  blocks.flatMap(({ text, elements = [] }) =>
    [text, ...elements].flatMap((part) => (part ? part.text.split("\n") : [])).map((line) => unescape(line.replace(/\*([^*]+)\*:/, "$1:").replaceAll("```", ""))),
  );

const unescape = (text: string): string => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

/** As Slack answers: 400 `invalid_payload`, `no_text`. https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks */
function readSlack(body: string): SlackMessage {
  const { text, blocks = [] } = parse(body);
  if (typeof text !== "string" || !text) throw new Error("no_text");
  if (!Array.isArray(blocks) || blocks.length > 50 || blocks.some((block) => (block.text?.text.length ?? 0) > 3000)) throw new Error("invalid_blocks");
  return { text, blocks };
}

function parse(body: string): Partial<SlackMessage> {
  try {
    return JSON.parse(body) as Partial<SlackMessage>;
  } catch {
    throw new Error("invalid_payload");
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
    if ((size += (chunk as Buffer).length) > LIMIT) throw new Error("the body is too large");
  }
  return Buffer.concat(chunks).toString();
}
