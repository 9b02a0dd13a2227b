import { Webhook } from "standardwebhooks";
import type { Message } from "./message";

/** Standard Webhooks asks for bodies under 20 kB. */
const BODY_BYTES = 20_000;
const LOG_LINES = 20;
const TEXT = 1000;

export interface SignedWebhook {
  headers: Record<string, string>;
  body: string;
}

/**
 * A message as a Standard Webhooks delivery (https://www.standardwebhooks.com). The id follows from the event, so that a
 * delivery made twice is known as one. `secret` is `whsec_` and the key in base64.
 */
export function signedWebhook(message: Message, secret: string, now: Date): SignedWebhook {
  const { id } = message;
  const body = bodyOf(message);
  return {
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
      "webhook-signature": new Webhook(secret).sign(id, now, body),
    },
    body,
  };
}

/** The fullest of ever shorter bodies that fits. */
function bodyOf({ event, at, title, facts, logTail, cluster, checks, failure }: Message): string {
  const brief = { title: cut(title), cluster };
  const told = { ...brief, ...(failure && { failure: { ...failure, message: cut(failure.message), nextStep: failure.nextStep && cut(failure.nextStep) } }) };
  const bodies = [
    { ...told, facts: facts.map(({ label, text }) => ({ label, text: cut(text) })), checks, logTail: logTail.slice(-LOG_LINES).map(cut) },
    { ...told, logTail: logTail.slice(-LOG_LINES).map((line) => line.slice(0, 100)) },
    told,
    brief,
  ];
  const texts = bodies.map((data) => JSON.stringify({ type: event, timestamp: at, data }));
  return texts.find((text) => Buffer.byteLength(text) < BODY_BYTES) ?? JSON.stringify({ type: event, timestamp: at, data: { uid: cluster.uid } });
}

const cut = (text: string): string => (text.length <= TEXT ? text : `${text.slice(0, TEXT - 1)}…`);
