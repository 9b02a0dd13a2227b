import { ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { deleteStep } from "../../shared/lambda/delete-step";
import { deleteElb } from "../../shared/resources/elb";

const clients = { classic: new ElasticLoadBalancingClient(), network: new ElasticLoadBalancingV2Client() };
export const handler = deleteStep("DeleteElb", (target) => deleteElb(clients, target));
