import { type IncomingMessage, type RequestListener, type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { mockClient } from "aws-sdk-client-mock";
import { Webhook } from "standardwebhooks";
import { notify } from "../../../shared/notify/notify";
import { recordOf } from "../api/samples";

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const ssm = mockClient(SSMClient);
const quick = { ssm: ssm as unknown as SSMClient, timeoutMs: { slack: 2000, webhook: 2000 } };

let server: Server;
let base: string;
let answer: RequestListener;
const received: { path: string; headers: IncomingMessage["headers"]; body: string }[] = [];
beforeAll(async () => {
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    received.push({ path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks).toString() });
    answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  return new Promise((closed) => server.close(closed));
});

/** Secrets are kept by parameter name for the life of the module: each test has names of its own. */
let round = 0;
let receivers: { slackParameter: string; webhookUrl: string; webhookSecretParameter: string };
beforeEach(() => {
  received.length = 0;
  round += 1;
  answer = (_request, response) => void response.writeHead(204).end();
  receivers = { slackParameter: `/slack/${round}`, webhookUrl: `${base}/webhook`, webhookSecretParameter: `/secret/${round}` };
  ssm.reset();
  ssm.on(GetParameterCommand, { Name: receivers.slackParameter, WithDecryption: true }).resolves({ Parameter: { Value: `${base}/slack/T0/B0/secret\n` } });
  ssm.on(GetParameterCommand, { Name: receivers.webhookSecretParameter, WithDecryption: true }).resolves({ Parameter: { Value: secret } });
});
const tell = (to: Parameters<typeof notify>[2] = receivers) => notify(recordOf(), "cluster.ready", to, quick);

test("both are told, and the webhook's signature holds", async () => {
  const outcomes = await tell();
  expect(outcomes.map(({ receiver, ok, event }) => ({ receiver, ok, event }))).toEqual([
    { receiver: "slack", ok: true, event: "cluster.ready" },
    { receiver: "webhook", ok: true, event: "cluster.ready" },
  ]);
  const [slack, webhook] = ["/slack/T0/B0/secret", "/webhook"].map((path) => received.find((one) => one.path === path)!);
  expect(JSON.parse(slack!.body)).toMatchObject({ text: "Your cluster demo.k8s.local is ready" });
  expect(new Webhook(secret).verify(webhook!.body, webhook!.headers as Record<string, string>)).toMatchObject({ type: "cluster.ready" });
});

test("nobody is told where no receiver is set", async () => {
  expect(await tell({})).toEqual([]);
  expect(received).toEqual([]);
});

test("a webhook without its secret is not sent unsigned", async () => {
  expect(await tell({ webhookUrl: receivers.webhookUrl })).toMatchObject([{ receiver: "webhook", ok: false, detail: "no signing secret is set" }]);
  expect(received).toEqual([]);
});

test("secrets are read once", async () => {
  await tell();
  await tell();
  expect(ssm.commandCalls(GetParameterCommand)).toHaveLength(2);
});

test.each<[string, RequestListener, string]>([
  ["a refusal", (_request, response) => void response.writeHead(500).end("no_service"), "answers 500"],
  ["a redirect", (_request, response) => void response.writeHead(302, { location: `${base}/elsewhere` }).end(), "redirects (302)"],
  ["silence", () => undefined, "no answer within 2 s"],
  ["a broken connection", (request) => void request.socket.destroy(), "UND_ERR_SOCKET"],
])("%s is told in the outcome, throws nothing and is followed nowhere", async (_title, listener, detail) => {
  answer = listener;
  const outcomes = await tell();
  expect(outcomes).toMatchObject([{ ok: false, detail }, { ok: false, detail }]);
  expect(received.map(({ path }) => path).sort()).toEqual(["/slack/T0/B0/secret", "/webhook"]);
});

test("one receiver's fault does not keep the other from being told", async () => {
  answer = (request, response) => void response.writeHead(request.url === "/webhook" ? 200 : 410).end();
  expect((await tell()).map(({ ok }) => ok)).toEqual([false, true]);
});

test("a secret that cannot be read is told by the error's name, and read again the next time", async () => {
  ssm.on(GetParameterCommand, { Name: receivers.slackParameter }).rejectsOnce(Object.assign(new Error("/slack is denied"), { name: "AccessDeniedException" }));
  expect(await tell({ slackParameter: receivers.slackParameter })).toMatchObject([{ ok: false, detail: "cannot be sent: AccessDeniedException" }]);
  ssm.on(GetParameterCommand, { Name: receivers.slackParameter }).resolves({ Parameter: { Value: `${base}/slack` } });
  expect(await tell({ slackParameter: receivers.slackParameter })).toMatchObject([{ ok: true }]);
});

test("no outcome tells Slack's URL, though it is no URL at all", async () => {
  ssm.on(GetParameterCommand, { Name: receivers.slackParameter }).resolves({ Parameter: { Value: "hooks.slack.com/services/T0/B0/secret" } });
  const outcomes = await tell({ slackParameter: receivers.slackParameter });
  expect(outcomes).toMatchObject([{ ok: false, detail: "ERR_INVALID_URL" }]);
  expect(JSON.stringify(outcomes)).not.toContain("secret");
});
