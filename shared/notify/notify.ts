import { SSMClient } from "@aws-sdk/client-ssm";
import type { Environment } from "../lambda/environment";
import type { ClusterRecord, NotificationOutcome } from "../registry/cluster-record";
import { type ClusterEvent, messageOf } from "./message";
import { type Delivery, post } from "./post";
import { readSecret } from "./secrets";
import { slackPayload } from "./slack";
import { signedWebhook } from "./webhook";

export type { ClusterEvent } from "./message";
export type Receivers = Pick<Environment, "slackParameter" | "webhookUrl" | "webhookSecretParameter">;

const client = new SSMClient();

/** Tells the deployment's receivers, both at once, each within `timeoutMs`. Never throws: what failed is in the outcome. */
export async function notify(
  record: ClusterRecord,
  event: ClusterEvent,
  { slackParameter, webhookUrl, webhookSecretParameter }: Receivers,
  { ssm = client, timeoutMs = { slack: 5_000, webhook: 15_000 } } = {},
): Promise<NotificationOutcome[]> {
  const now = new Date();
  const message = messageOf(record, event, now);
  const outcome = (receiver: NotificationOutcome["receiver"], send: () => Promise<Delivery>) =>
    send()
      .catch((error: Error): Delivery => ({ ok: false, detail: `cannot be sent: ${error.name}` }))
      .then((delivery): NotificationOutcome => ({ event, receiver, at: now.toISOString(), ...delivery }));
  const sendToSlack = async (parameter: string) => {
    const url = await readSecret(ssm, parameter);
    return post(url, { "content-type": "application/json" }, JSON.stringify(slackPayload(message)), timeoutMs.slack);
  };
  const sendToWebhook = async (url: string, parameter?: string): Promise<Delivery> => {
    if (!parameter) return { ok: false, detail: "no signing secret is set" };
    const { headers, body } = signedWebhook(message, await readSecret(ssm, parameter), now);
    return post(url, headers, body, timeoutMs.webhook);
  };
  return Promise.all([
    ...(slackParameter ? [outcome("slack", () => sendToSlack(slackParameter))] : []),
    ...(webhookUrl ? [outcome("webhook", () => sendToWebhook(webhookUrl, webhookSecretParameter))] : []),
  ]);
}
