import { EC2Client } from "@aws-sdk/client-ec2";
import { deleteStep } from "../../shared/lambda/delete-step";
import { deleteInstances } from "../../shared/resources/instances";

const ec2 = new EC2Client();
export const handler = deleteStep("DeleteInstances", (target) => deleteInstances(ec2, target));
