import { randomBytes } from "node:crypto";
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { type ClusterEvent, messageOf } from "../../../shared/notify/message";
import { signedWebhook } from "../../../shared/notify/webhook";
import type { ClusterRecord } from "../../../shared/registry/cluster-record";
import { recordOf } from "../api/samples";

const secret = `whsec_${randomBytes(32).toString("base64")}`;
const now = new Date();
const sign = (record: ClusterRecord, event: ClusterEvent = "cluster.ready", key = secret) => signedWebhook(messageOf(record, event, now), key, now);

test("the library's own verification takes it", () => {
  const { headers, body } = sign(recordOf());
  expect(new Webhook(secret).verify(body, headers)).toMatchObject({
    type: "cluster.ready",
    timestamp: now.toISOString(),
    data: { title: "Your cluster demo.k8s.local is ready", cluster: { name: "demo.k8s.local", status: "Ready", secondsToReady: 270 } },
  });
});

test("a changed body or another secret is found out", () => {
  const { headers, body } = sign(recordOf());
  expect(() => new Webhook(secret).verify(body.replace("demo", "dem0"), headers)).toThrow(WebhookVerificationError);
  expect(() => new Webhook(`whsec_${randomBytes(32).toString("base64")}`).verify(body, headers)).toThrow(WebhookVerificationError);
});

test("the delivery's id is the message's", () => {
  expect(sign(recordOf(), "cluster.deleted").headers["webhook-id"]).toBe("msg_a1b2c3d4e5_1_cluster_deleted");
});

test.each([
  ["a long log", { logTail: Array(400).fill("\u0001é".repeat(300)) }],
  ["a long message", { message: "\u0000".repeat(50_000), nextStep: "é".repeat(50_000) }],
])("the body stays under 20 kB with %s, and still says what failed", (_title, change) => {
  const failure = { code: "NodeFailed", blame: "clowder" as const, stage: "AwaitNodes", message: "m", at: now.toISOString(), ...change };
  const { headers, body } = sign(recordOf({ failure }), "cluster.failed");
  expect(Buffer.byteLength(body)).toBeLessThan(20_000);
  expect(new Webhook(secret).verify(body, headers)).toMatchObject({ data: { failure: { code: "NodeFailed", stage: "AwaitNodes" } } });
});

test("many checks give way before the cluster does", () => {
  const record = recordOf();
  record.dataPlane = { ...record.dataPlane!, checks: Array(300).fill({ check: "Felix", status: "True", message: "x".repeat(200) }) };
  const { body } = sign(record);
  expect(Buffer.byteLength(body)).toBeLessThan(20_000);
  expect(JSON.parse(body).data.cluster.name).toBe("demo.k8s.local");
});
