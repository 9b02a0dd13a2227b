import { EC2Client } from "@aws-sdk/client-ec2";
import { renderUserData } from "../../shared/bootstrap/user-data";
import { renderScript } from "../../shared/bootstrap/render-script";
import { step } from "../../shared/lambda/step";
import { ensureInstances } from "../../shared/resources/instances";

const ec2 = new EC2Client();
export const handler = step("CreateInstances", ({ plan, ledger }) =>
  ensureInstances(ec2, plan, ledger, (instance) => renderUserData(plan, instance, renderScript(plan, instance.role))),
);
