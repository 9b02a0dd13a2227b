import {
  type EC2Client,
  paginateDescribeInstances,
  paginateDescribeInstanceTypeOfferings,
  paginateDescribeInstanceTypes,
  paginateDescribeVpcs,
} from "@aws-sdk/client-ec2";
import { paginateDescribeLoadBalancers as paginateClassic } from "@aws-sdk/client-elastic-load-balancing";
import { paginateDescribeLoadBalancers as paginateNetwork } from "@aws-sdk/client-elastic-load-balancing-v2";
import { GetAWSDefaultServiceQuotaCommand, GetServiceQuotaCommand, type ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { codeOf, isNotFound } from "../aws/translate";
import { AwsRefused, type Problem } from "../errors";
import * as rules from "../plan/quota-problems";
import type { Manifest } from "../spec/manifest";
import type { ElbClients } from "./elb";

export interface QuotaClients extends ElbClients {
  ec2: EC2Client;
  quotas: ServiceQuotasClient;
}

/** Milliseconds: what has not answered by then is not waited for, so that the whole request stays under five seconds. */
const PATIENCE = 4_000;

/**
 * Looks, all at once, whether quotas leave room for the cluster and whether its zones offer its machine types.
 * A look that fails, is refused or takes too long is a warning, never a problem; this throws nothing.
 */
export async function findRoom(
  clients: QuotaClients,
  manifest: Manifest,
  probeClientType: string,
  patience = AbortSignal.timeout(PATIENCE),
): Promise<{ problems: Problem[]; warnings: Problem[] }> {
  const { ec2, quotas } = clients;
  const unseen: Unseen[] = [];
  const end = endOf(patience);
  const look = async <T>(what: string, answer: Promise<T>): Promise<T | undefined> => {
    try {
      return await Promise.race([answer, end]);
    } catch (error) {
      unseen.push({ what, reason: codeOf(error) });
      return undefined;
    }
  };
  const { class: kind } = manifest.loadBalancer;
  const types = rules.machineTypes(manifest, probeClientType);
  const [zonesOffering, vcpus, vpcs, loadBalancers] = await Promise.all([
    look("machine types by zone", findZonesOffering(ec2, types)),
    look("the vCPU quota", vcpuUsage(ec2, quotas, types)),
    look("the VPC quota", usageOf(quotas, rules.VPC_QUOTA, countVpcs(ec2))),
    look("the load balancer quota", usageOf(quotas, rules.LOAD_BALANCER_QUOTA[kind], countLoadBalancers(clients, kind))),
  ]);
  return {
    problems: rules.quotaProblems(manifest, probeClientType, { zonesOffering, vcpus, vpcs, loadBalancers }),
    warnings: [...rules.unlookedQuotas(manifest), ...warningsOf(unseen)],
  };
}

interface Unseen {
  what: string;
  reason: string;
}
/** One for each reason: a service that is out of reach is said once. */
const warningsOf = (unseen: Unseen[]): Problem[] =>
  [...Map.groupBy(unseen, ({ reason }) => reason)].map(([reason, looks]) => ({
    path: "",
    message: `could not be checked: ${looks
      .map(({ what }) => what)
      .toSorted()
      .join(", ")} (${reason})`,
  }));

const endOf = (patience: AbortSignal): Promise<never> =>
  new Promise((_, reject) => patience.addEventListener("abort", () => reject(patience.reason), { once: true }));

async function usageOf(quotas: ServiceQuotasClient, quota: rules.Quota, counting: Promise<number>): Promise<rules.Usage> {
  const [limit, used] = await Promise.all([limitOf(quotas, quota), counting]);
  return { used, limit };
}

/** An account that never asked for more may have no value of its own, then AWS's default holds. */
async function limitOf(quotas: ServiceQuotasClient, { service: ServiceCode, code: QuotaCode }: rules.Quota): Promise<number> {
  const { Quota } = await quotas.send(new GetServiceQuotaCommand({ ServiceCode, QuotaCode })).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    return quotas.send(new GetAWSDefaultServiceQuotaCommand({ ServiceCode, QuotaCode }));
  });
  if (Quota?.Value === undefined) throw new AwsRefused(`the quota ${ServiceCode}/${QuotaCode} has no value`);
  return Quota.Value;
}

async function vcpuUsage(ec2: EC2Client, quotas: ServiceQuotasClient, types: string[]): Promise<rules.Room["vcpus"]> {
  const [limit, { used, perMachine }] = await Promise.all([limitOf(quotas, rules.VCPU_QUOTA), runningVcpus(ec2, types)]);
  return { used, limit, perMachine };
}

async function runningVcpus(ec2: EC2Client, types: string[]) {
  const running = await runningMachines(ec2);
  const perMachine = await findVcpus(ec2, [...new Set([...types, ...running])]);
  return { used: running.reduce((sum, type) => sum + (perMachine[type] ?? 0), 0), perMachine };
}

/** The type of each machine that counts: On-Demand and standard, neither Spot nor on a dedicated host. */
async function runningMachines(ec2: EC2Client): Promise<string[]> {
  const types: string[] = [];
  const Filters = [{ Name: "instance-state-name", Values: ["pending", "running"] }];
  for await (const { Reservations = [] } of paginateDescribeInstances({ client: ec2 }, { Filters, MaxResults: 1000 }))
    for (const { InstanceType = "", InstanceLifecycle, Placement } of Reservations.flatMap(({ Instances = [] }) => Instances))
      if (!InstanceLifecycle && Placement?.Tenancy !== "host" && rules.isStandard(InstanceType)) types.push(InstanceType);
  return types;
}

/** By a filter: EC2 refuses a list with one unknown type as a whole. */
const ofTypes = (Values: string[]) => ({ Filters: [{ Name: "instance-type", Values }] });

async function findVcpus(ec2: EC2Client, types: string[]): Promise<Record<string, number>> {
  const vcpus: Record<string, number> = {};
  for await (const { InstanceTypes = [] } of paginateDescribeInstanceTypes({ client: ec2 }, ofTypes(types)))
    for (const { InstanceType, VCpuInfo } of InstanceTypes) vcpus[InstanceType!] = VCpuInfo?.DefaultVCpus ?? 0;
  return vcpus;
}

async function findZonesOffering(ec2: EC2Client, types: string[]): Promise<Record<string, string[]>> {
  const zones: Record<string, string[]> = {};
  const query = { LocationType: "availability-zone" as const, ...ofTypes(types) };
  for await (const { InstanceTypeOfferings = [] } of paginateDescribeInstanceTypeOfferings({ client: ec2 }, query))
    for (const { InstanceType, Location } of InstanceTypeOfferings) (zones[InstanceType!] ??= []).push(Location!);
  return zones;
}

async function countVpcs(ec2: EC2Client): Promise<number> {
  let count = 0;
  for await (const { Vpcs = [] } of paginateDescribeVpcs({ client: ec2 }, {})) count += Vpcs.length;
  return count;
}

async function countLoadBalancers({ classic, network }: ElbClients, kind: "Classic" | "Network"): Promise<number> {
  let count = 0;
  if (kind === "Classic")
    for await (const page of paginateClassic({ client: classic }, {})) count += page.LoadBalancerDescriptions?.length ?? 0;
  else
    for await (const { LoadBalancers = [] } of paginateNetwork({ client: network }, {}))
      count += LoadBalancers.filter(({ Type }) => Type === "network").length;
  return count;
}
