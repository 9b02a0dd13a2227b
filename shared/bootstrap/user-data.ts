import type { ClusterPlan, InstancePlan } from "../plan/cluster-plan";
import beacon from "./node/beacon.py";
import s3 from "./node/s3.py";
import stages from "./node/stages.sh";
import stub from "./node/stub.sh";
import { hereDocument, quote } from "./shell-text";

/**
 * What EC2 hands to cloud-init: the names of this instance, one `export NAME='value'` a line so that a machine can read them, the files
 * that fetch and tell, and the stub. Any process on the node can read it, so no secret is in it. At most 16 KB, before base64:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html
 */
export function renderUserData(plan: ClusterPlan, instance: InstancePlan, script: { key: string; sha256: string }): string {
  const names = {
    CLOWDER_REGION: plan.region,
    CLOWDER_ACCOUNT: plan.accountId,
    CLOWDER_BUCKET: plan.bucket.name,
    CLOWDER_PREFIX: plan.bucket.prefix,
    CLOWDER_UID: plan.uid,
    CLOWDER_NODE_KEY: instance.key,
    CLOWDER_GROUP: instance.group,
    CLOWDER_ROLE: instance.role,
    CLOWDER_SCRIPT: script.key,
    CLOWDER_SCRIPT_SHA256: script.sha256,
  };
  return [
    "#!/bin/bash",
    ...Object.entries(names).map(([name, value]) => `export ${name}=${quote(value)}`),
    hereDocument("/opt/clowder/s3.py", s3),
    hereDocument("/opt/clowder/beacon.py", beacon),
    hereDocument("/opt/clowder/stages.sh", stages),
    stub,
  ].join("\n");
}
