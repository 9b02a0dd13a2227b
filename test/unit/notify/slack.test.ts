import fc from "fast-check";
import { type Message, messageOf } from "../../../shared/notify/message";
import { slackPayload } from "../../../shared/notify/slack";
import { now, recordOf } from "../api/samples";

const failed = (message: string, logTail: string[] = []): Message =>
  messageOf(
    recordOf({ failure: { code: "NodeFailed", blame: "clowder", stage: "AwaitNodes", message, nextStep: message, logTail, at: now.toISOString() } }),
    "cluster.failed",
    now,
  );
const textsOf = (message: Message) =>
  slackPayload(message).blocks.flatMap((block) => (block.type === "context" ? block.elements.map(({ text }) => text) : [block.text.text]));

test("ready leads with the cluster's name and says what was proved", () => {
  const { text, blocks } = slackPayload(messageOf(recordOf(), "cluster.ready", now));
  expect(text).toBe("Your cluster demo.k8s.local is ready");
  expect(blocks[0]).toEqual({ type: "header", text: { type: "plain_text", text } });
  expect(blocks[1]).toMatchObject({ type: "section", text: { text: expect.stringContaining("*eBPF data plane*: proved by traffic: 2 of 2") } });
});

test("what a node's log says cannot mention, link or leave its code block", () => {
  const all = textsOf(failed("<!channel> & <https://evil|here>", ["``` <@U123>", "a && b"])).join("\n");
  expect(all).toContain("&lt;!channel&gt; &amp; &lt;https://evil|here&gt;");
  expect(all).not.toMatch(/<[!@h]/);
  expect(all.match(/```/g)).toHaveLength(2);
  expect(all).toContain("a &amp;&amp; b");
});

test("the end of a long log is what stays", () => {
  const log = textsOf(failed("x", [...Array(500)].map((_, i) => `line ${i}`))).find((text) => text.startsWith("```"));
  expect(log).toContain("line 499");
  expect(log).not.toContain("line 0\n");
});

test("Slack's limits hold for any text, and no entity or character is cut in half", () => {
  const nasty = fc.string({ unit: fc.constantFrom("&", "<", ">", "`", "é", "😀", "a", "\n"), maxLength: 6000 });
  fc.assert(
    fc.property(nasty, fc.array(nasty, { maxLength: 5 }), (text, log) => {
      const message = { ...failed(text, log), title: text || "t" };
      const { blocks } = slackPayload(message);
      expect(blocks.length).toBeLessThanOrEqual(50);
      const [header, ...others] = textsOf(message);
      expect(header!.length).toBeLessThanOrEqual(150);
      for (const other of others) {
        expect(other.length).toBeLessThanOrEqual(3000);
        expect(other.length).toBeGreaterThan(0);
        expect(other).not.toMatch(/&(?!amp;|lt;|gt;)/);
        expect(other.isWellFormed()).toBe(true);
      }
      expect(JSON.stringify(slackPayload(message).blocks).length).toBeLessThan(13_000);
    }),
    { numRuns: 60 },
  );
});
