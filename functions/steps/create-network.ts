import { EC2Client } from "@aws-sdk/client-ec2";
import { step } from "../../shared/lambda/step";
import { ensureNetwork } from "../../shared/resources/network";

const ec2 = new EC2Client();
export const handler = step("CreateNetwork", ({ plan, ledger }) => ensureNetwork(ec2, plan, ledger));
