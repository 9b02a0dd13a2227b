import { Webhook } from "standardwebhooks";
import { type Receiver, slackLines, startReceiver } from "../../../local/receiver";

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver(0);
});
afterEach(() => receiver.stop());

const post = (url: string, body: string, headers: Record<string, string> = {}) => fetch(url, { method: "POST", body, headers });
const signed = (secret: string, id: string, body: string, at = new Date()) => ({
  "webhook-id": id,
  "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
  "webhook-signature": new Webhook(secret).sign(id, at, body),
});
const body = JSON.stringify({ type: "cluster.ready", timestamp: "2026-11-23T10:00:00Z", data: { title: "ready" } });

test("remembers a Slack message and reads it as plain lines", async () => {
  const blocks = [
    { type: "header", text: { type: "plain_text", text: "Your cluster demo is ready" } },
    { type: "section", text: { type: "mrkdwn", text: "*Nodes*: 1 &lt; 2\n*Expires*: never" } },
    { type: "context", elements: [{ type: "mrkdwn", text: "cluster.ready" }] },
  ];
  const answer = await post(receiver.slackUrl, JSON.stringify({ text: "Your cluster demo is ready", blocks }));
  expect(answer.status).toBe(200);
  expect(slackLines(receiver.slack[0]!)).toEqual(["Your cluster demo is ready", "Nodes: 1 < 2", "Expires: never", "cluster.ready"]);
});

test.each([
  ["no JSON", "text=hello", "invalid_payload"],
  ["no text", "{}", "no_text"],
  ["a block over Slack's limit", JSON.stringify({ text: "a", blocks: [{ type: "section", text: { text: "x".repeat(3001) } }] }), "invalid_blocks"],
])("refuses a Slack message with %s as Slack does", async (_, sent, reason) => {
  const answer = await post(receiver.slackUrl, sent);
  expect([answer.status, await answer.text()]).toEqual([400, reason]);
  expect(receiver.slack).toEqual([]);
});

test("takes a webhook that is signed with its secret, once for each id", async () => {
  for (const id of ["msg_1", "msg_1", "msg_2"]) expect((await post(receiver.webhookUrl, body, signed(receiver.secret, id, body))).status).toBe(200);
  expect(receiver.webhooks).toEqual(["msg_1", "msg_2"].map((id) => ({ id, type: "cluster.ready", data: { title: "ready" } })));
});

test.each([
  ["another secret", () => signed(`whsec_${Buffer.alloc(24).toString("base64")}`, "msg_1", body)],
  ["another body", () => signed(receiver.secret, "msg_1", body.replace("ready", "gone"))],
  ["a time long past", () => signed(receiver.secret, "msg_1", body, new Date(Date.now() - 600_000))],
  ["no signature", () => ({})],
])("refuses a webhook with %s", async (_, headers) => {
  expect((await post(receiver.webhookUrl, body, headers())).status).toBe(400);
  expect(receiver.webhooks).toEqual([]);
  expect(receiver.refused).toHaveLength(1);
});

test("has a free port when the usual one is taken", async () => {
  const taken = Number(new URL(receiver.webhookUrl).port);
  const second = await startReceiver(taken);
  expect(new URL(second.webhookUrl).port).not.toBe(String(taken));
  await second.stop();
});
