import type { Message } from "./message";

/** Slack's limits: https://docs.slack.dev/reference/block-kit/blocks; a whole message near 13,000 characters can be refused. */
const HEADER = 150;
const SECTION = 3000;
const LOG_TAIL = 2500;
const FACT = 1200;

type Block =
  | { type: "header"; text: { type: "plain_text"; text: string } }
  | { type: "section"; text: { type: "mrkdwn"; text: string } }
  | { type: "context"; elements: { type: "mrkdwn"; text: string }[] };

export interface SlackPayload {
  /** Shown in notifications and where blocks cannot be. */
  text: string;
  blocks: Block[];
}

/** A message as Block Kit; nothing in it can mention, link or leave its code block, whatever a node's log says. */
export function slackPayload({ title, facts, logTail, cluster, event, at }: Message): SlackPayload {
  const lines = facts.map(({ label, text }) => `*${escape(label, 50)}*: ${escape(text, FACT)}`);
  const log = logTail.join("\n").slice(-LOG_TAIL).replaceAll("```", "'''");
  return {
    text: escape(title, SECTION),
    blocks: [
      { type: "header", text: { type: "plain_text", text: cut(title, HEADER) } },
      ...inSections(lines).map(section),
      ...(log ? [section(`\`\`\`${escape(log, SECTION - 6)}\`\`\``)] : []),
      { type: "context", elements: [{ type: "mrkdwn", text: `${event} · ${cluster.region} · ${cluster.uid} · ${at}` }] },
    ],
  };
}

const section = (text: string): Block => ({ type: "section", text: { type: "mrkdwn", text } });

/** Lines together as long as they fit one section. */
function inSections(lines: string[]): string[] {
  const sections: string[] = [];
  for (const line of lines) {
    const last = sections.at(-1);
    if (last !== undefined && last.length + 1 + line.length <= SECTION) sections[sections.length - 1] = `${last}\n${line}`;
    else sections.push(line);
  }
  return sections;
}

/** Slack's own escaping (https://docs.slack.dev/messaging/formatting-message-text), cut without leaving half an entity. */
function escape(text: string, limit: number): string {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return escaped.length <= limit ? escaped : cut(escaped, limit).replace(/&[a-z]{0,3}…$/, "…");
}

const cut = (text: string, limit: number): string =>
  text.length <= limit ? text : `${text.slice(0, limit - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
