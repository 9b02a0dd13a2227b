import { EC2Client } from "@aws-sdk/client-ec2";
import { ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { deleteStep } from "../../shared/lambda/delete-step";
import { deleteVpcLoadBalancers } from "../../shared/resources/vpc-load-balancers";

const clients = { ec2: new EC2Client(), classic: new ElasticLoadBalancingClient(), network: new ElasticLoadBalancingV2Client() };
export const handler = deleteStep("DeleteLoadBalancers", (target) => deleteVpcLoadBalancers(clients, target));
