import { EC2Client } from "@aws-sdk/client-ec2";
import { deleteStep } from "../../shared/lambda/delete-step";
import { deleteKeypair } from "../../shared/resources/keypair";

const ec2 = new EC2Client();
export const handler = deleteStep("DeleteKeypair", (target) => deleteKeypair(ec2, target));
