import { EC2Client } from "@aws-sdk/client-ec2";
import { deleteStep } from "../../shared/lambda/delete-step";
import { deleteVolumes } from "../../shared/resources/volumes";

const ec2 = new EC2Client();
export const handler = deleteStep("DeleteVolumes", (target) => deleteVolumes(ec2, target));
