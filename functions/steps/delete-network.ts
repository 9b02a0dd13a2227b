import { EC2Client } from "@aws-sdk/client-ec2";
import { deleteStep } from "../../shared/lambda/delete-step";
import { deleteNetwork } from "../../shared/resources/network";

const ec2 = new EC2Client();
export const handler = deleteStep("DeleteNetwork", (target) => deleteNetwork(ec2, target));
