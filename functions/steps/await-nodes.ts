import { EC2Client } from "@aws-sdk/client-ec2";
import { S3Client } from "@aws-sdk/client-s3";
import { setCondition } from "../../shared/health/conditions";
import { lookAtNodes } from "../../shared/health/look-at-nodes";
import { step } from "../../shared/lambda/step";

const clients = { s3: new S3Client(), ec2: new EC2Client() };
/** Looks once; the state machine waits and looks again. */
export const handler = step("AwaitNodes", async ({ plan, ledger, record, change, since, now }) => {
  const deadline = new Date(since.getTime() + plan.waits.nodes * 1000);
  const { joined, nodes } = await lookAtNodes(clients, plan, ledger, { deadline, now });
  if (JSON.stringify(nodes) !== JSON.stringify(record.nodes)) change.nodes = nodes;
  if (joined)
    change.conditions = setCondition(
      record.conditions,
      { type: "NodesJoined", status: "True", reason: "Registered", message: `${plan.instances.length} nodes registered` },
      { now, generation: record.generation },
    );
  return { again: !joined };
});
