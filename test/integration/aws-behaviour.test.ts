import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  AttachInternetGatewayCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateInternetGatewayCommand,
  CreateNetworkInterfaceCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DeleteNetworkInterfaceCommand,
  DeleteSecurityGroupCommand,
  DeleteSubnetCommand,
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  DetachInternetGatewayCommand,
  DisassociateAddressCommand,
  EC2Client,
  ReleaseAddressCommand,
  RevokeSecurityGroupIngressCommand,
  RunInstancesCommand,
  type RunInstancesCommandInput,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import {
  CreateLoadBalancerCommand as CreateClassicCommand,
  DeleteLoadBalancerCommand as DeleteClassicCommand,
  DescribeInstanceHealthCommand,
  ElasticLoadBalancingClient,
  RegisterInstancesWithLoadBalancerCommand,
} from "@aws-sdk/client-elastic-load-balancing";
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateTargetGroupCommand,
  DeleteLoadBalancerCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  RegisterTargetsCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { CreateInstanceProfileCommand, IAMClient } from "@aws-sdk/client-iam";
import { type Emulators, region, rootCredentials, startEmulators } from "../../local/emulators/emulators";

jest.setTimeout(60_000);
const LOOKS = 2;
let emulators: Emulators;
let ec2: EC2Client;
let truth: EC2Client;
let classic: ElasticLoadBalancingClient;
let network: ElasticLoadBalancingV2Client;
let iam: IAMClient;
let vpcId: string;
let subnetId: string;
let groupId: string;

beforeAll(async () => {
  emulators = await startEmulators({ name: "behaviour", looks: LOOKS });
  const client = { endpoint: emulators.endpoint, region, credentials: emulators.credentials, maxAttempts: 1 };
  [ec2, truth] = [new EC2Client(client), new EC2Client({ ...client, credentials: rootCredentials })];
  [classic, network, iam] = [new ElasticLoadBalancingClient(client), new ElasticLoadBalancingV2Client(client), new IAMClient(client)];
  vpcId = (await truth.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16" }))).Vpc!.VpcId!;
  subnetId = await subnet("10.0.0.0/24");
  groupId = await group("plain");
});
afterAll(() => emulators?.stop());

const subnet = async (CidrBlock: string) =>
  (await truth.send(new CreateSubnetCommand({ VpcId: vpcId, CidrBlock, AvailabilityZone: "us-east-1a" }))).Subnet!.SubnetId!;
const group = async (GroupName: string) =>
  (await truth.send(new CreateSecurityGroupCommand({ VpcId: vpcId, GroupName, Description: "of a test" }))).GroupId!;
const machine = (change: Partial<RunInstancesCommandInput> = {}) =>
  new RunInstancesCommand({ ImageId: "ami-02fe94dee086c0c37", InstanceType: "t3.medium", MinCount: 1, MaxCount: 1, SubnetId: subnetId, ...change });
const launch = async (change: Partial<RunInstancesCommandInput> = {}, as = truth) => (await as.send(machine(change))).Instances![0]!.InstanceId!;
const stateOf = async (id: string, as = ec2) =>
  (await as.send(new DescribeInstancesCommand({ InstanceIds: [id] }))).Reservations![0]!.Instances![0]!.State!.Name;
const interfacesIn = async (id: string, as = ec2) =>
  (await as.send(new DescribeNetworkInterfacesCommand({ Filters: [{ Name: "subnet-id", Values: [id] }] }))).NetworkInterfaces!;
const errorOf = (name: string) => ({ name });

/** AWS's documented behaviour that moto lacks and local/emulators/mends/aws adds, page by page. */
describe("RunInstances", () => {
  test("with the token and parameters of before is the instance of before, with others a mismatch", async () => {
    const [one, again] = await Promise.all([1, 2].map(() => launch({ ClientToken: "token-1" }, ec2)));
    expect(again).toBe(one);
    expect(await launch({ ClientToken: "token-1" }, ec2)).toBe(one);
    expect(await launch({ ClientToken: "token-2" }, ec2)).not.toBe(one);
    await expect(launch({ ClientToken: "token-1", InstanceType: "t3.small" }, ec2)).rejects.toMatchObject(errorOf("IdempotentParameterMismatch"));
  });

  test("does not know an instance profile at once", async () => {
    const InstanceProfileName = "new-profile";
    await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName }));
    const IamInstanceProfile = { Name: InstanceProfileName };
    await expect(launch({ IamInstanceProfile }, ec2)).rejects.toMatchObject({
      ...errorOf("InvalidParameterValue"),
      message: expect.stringContaining("Invalid IAM Instance Profile name"),
    });
    await expect(launch({ IamInstanceProfile }, ec2)).resolves.toMatch(/^i-/);
  });
});

test("an ended instance shuts down first, and its interface stays till it is terminated", async () => {
  const own = await subnet("10.0.1.0/24");
  const id = await launch({ SubnetId: undefined, NetworkInterfaces: [{ DeviceIndex: 0, SubnetId: own, DeleteOnTermination: true }] });
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
  const states: (string | undefined)[] = [];
  for (let look = 0; look < LOOKS; look++) states.push(await stateOf(id));
  expect([...new Set(states)]).toEqual(["shutting-down"]);
  expect(await stateOf(id)).toBe("terminated");
  expect(await interfacesIn(own)).toEqual([]);
});

test("an ended instance whose interface outlives it is still shown, without addresses", async () => {
  const own = await subnet("10.0.9.0/24");
  const id = await launch({ SubnetId: undefined, NetworkInterfaces: [{ DeviceIndex: 0, SubnetId: own, DeleteOnTermination: false }] });
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
  while ((await stateOf(id)) !== "terminated");
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  expect(Reservations[0]!.Instances![0]!.PrivateIpAddress).toBeUndefined();
  expect(await interfacesIn(own)).toHaveLength(1);
});

test("the interface of a machine that shuts down holds its subnet and group", async () => {
  const [own, ownGroup] = [await subnet("10.0.2.0/24"), await group("of-machine")];
  const id = await launch({ SubnetId: undefined, NetworkInterfaces: [{ DeviceIndex: 0, SubnetId: own, Groups: [ownGroup], DeleteOnTermination: true }] });
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
  await expect(ec2.send(new DeleteSubnetCommand({ SubnetId: own }))).rejects.toMatchObject(errorOf("DependencyViolation"));
  await expect(ec2.send(new DeleteSecurityGroupCommand({ GroupId: ownGroup }))).rejects.toMatchObject(errorOf("DependencyViolation"));
  for (let look = 0; look < LOOKS; look++) await stateOf(id);
  await ec2.send(new DeleteSubnetCommand({ SubnetId: own }));
  await ec2.send(new DeleteSecurityGroupCommand({ GroupId: ownGroup }));
});

test("a group that another's rule names cannot be deleted until the rule is gone", async () => {
  const [named, naming] = [await group("named"), await group("naming")];
  const IpPermissions = [{ IpProtocol: "-1", UserIdGroupPairs: [{ GroupId: named }] }];
  await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: naming, IpPermissions }));
  await expect(ec2.send(new DeleteSecurityGroupCommand({ GroupId: named }))).rejects.toMatchObject(errorOf("DependencyViolation"));
  await ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId: naming, IpPermissions }));
  await ec2.send(new DeleteSecurityGroupCommand({ GroupId: named }));
});

test("an address in use is not released, an interface in use not deleted, a gateway with addresses behind it not detached", async () => {
  const own = await subnet("10.0.3.0/24");
  const { InternetGateway } = await truth.send(new CreateInternetGatewayCommand());
  const gateway = { InternetGatewayId: InternetGateway!.InternetGatewayId, VpcId: vpcId };
  await truth.send(new AttachInternetGatewayCommand(gateway));
  const { NetworkInterface } = await truth.send(new CreateNetworkInterfaceCommand({ SubnetId: own, Groups: [groupId] }));
  const { AllocationId } = await ec2.send(new AllocateAddressCommand({ Domain: "vpc" }));
  const { AssociationId } = await ec2.send(
    new AssociateAddressCommand({ AllocationId, NetworkInterfaceId: NetworkInterface!.NetworkInterfaceId }),
  );
  await expect(ec2.send(new ReleaseAddressCommand({ AllocationId }))).rejects.toMatchObject(errorOf("InvalidIPAddress.InUse"));
  await expect(ec2.send(new DetachInternetGatewayCommand(gateway))).rejects.toMatchObject(errorOf("DependencyViolation"));
  await ec2.send(new DisassociateAddressCommand({ AssociationId }));
  await ec2.send(new ReleaseAddressCommand({ AllocationId }));
  await ec2.send(new DetachInternetGatewayCommand(gateway));

  const id = await launch({ SubnetId: own });
  const held = (await interfacesIn(own)).find(({ Attachment }) => Attachment?.InstanceId === id)!;
  const remove = new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: held.NetworkInterfaceId });
  await expect(ec2.send(remove)).rejects.toMatchObject(errorOf("InvalidNetworkInterface.InUse"));
});

describe("a load balancer", () => {
  const Listeners = [{ Protocol: "TCP", LoadBalancerPort: 443, InstancePort: 6443 }];

  test("of the Classic kind holds its subnet with an interface that outlives it", async () => {
    const own = await subnet("10.0.4.0/24");
    const wanted = { LoadBalancerName: "classic", Listeners, Subnets: [own], SecurityGroups: [groupId] };
    const made = await classic.send(new CreateClassicCommand(wanted));
    expect((await classic.send(new CreateClassicCommand(wanted))).DNSName).toBe(made.DNSName);
    const other = new CreateClassicCommand({ ...wanted, Scheme: "internal" });
    await expect(classic.send(other)).rejects.toMatchObject({ name: expect.stringMatching(/^DuplicateLoadBalancerName|DuplicateAccessPointName/) });
    expect(await interfacesIn(own)).toMatchObject([
      { Description: "ELB classic", RequesterManaged: true, Status: "in-use", Groups: [{ GroupId: groupId }], Association: { IpOwnerId: "amazon-elb" } },
    ]);

    await classic.send(new DeleteClassicCommand({ LoadBalancerName: "classic" }));
    for (let look = 0; look < LOOKS; look++) {
      await expect(ec2.send(new DeleteSubnetCommand({ SubnetId: own }))).rejects.toMatchObject(errorOf("DependencyViolation"));
      expect(await interfacesIn(own)).toHaveLength(1);
    }
    expect(await interfacesIn(own)).toEqual([]);
    await ec2.send(new DeleteSubnetCommand({ SubnetId: own }));
  });

  test("of the Network kind too; asked for again it is the same one, as is its target group", async () => {
    const own = await subnet("10.0.5.0/24");
    const wanted = { Name: "net", Type: "network" as const, Subnets: [own] };
    const arnOf = async (change = {}) => (await network.send(new CreateLoadBalancerCommand({ ...wanted, ...change }))).LoadBalancers![0]!.LoadBalancerArn!;
    const LoadBalancerArn = await arnOf();
    expect(await arnOf()).toBe(LoadBalancerArn);
    await expect(arnOf({ Scheme: "internal" })).rejects.toMatchObject({ name: expect.stringMatching(/^DuplicateLoadBalancerName/) });
    const asked = { Name: "net", Protocol: "TCP" as const, Port: 6443, VpcId: vpcId };
    const groupOf = async (change = {}) => (await network.send(new CreateTargetGroupCommand({ ...asked, ...change }))).TargetGroups![0]!.TargetGroupArn;
    expect(await groupOf()).toBe(await groupOf());
    await expect(groupOf({ Port: 80 })).rejects.toMatchObject({ name: expect.stringMatching(/^DuplicateTargetGroupName/) });

    await network.send(new DeleteLoadBalancerCommand({ LoadBalancerArn }));
    expect(await interfacesIn(own)).toMatchObject([{ Description: expect.stringMatching(/^ELB net\/net\//) }]);
    expect(await interfacesIn(own)).toHaveLength(1);
    expect(await interfacesIn(own)).toEqual([]);
  });

  test("takes its targets for healthy only when they are registered, listened for and running", async () => {
    const id = await launch();
    await truth.send(new DescribeInstancesCommand());
    const { LoadBalancers } = await network.send(new CreateLoadBalancerCommand({ Name: "health", Type: "network", Subnets: [subnetId] }));
    const made = await network.send(new CreateTargetGroupCommand({ Name: "health", Protocol: "TCP", Port: 6443, VpcId: vpcId }));
    const { TargetGroupArn } = made.TargetGroups![0]!;
    const health = async () =>
      (await network.send(new DescribeTargetHealthCommand({ TargetGroupArn }))).TargetHealthDescriptions!.map(({ TargetHealth }) => TargetHealth!.State);
    expect(await health()).toEqual([]);
    await network.send(new RegisterTargetsCommand({ TargetGroupArn, Targets: [{ Id: id }] }));
    expect(await health()).toEqual(["unused"]);
    const DefaultActions = [{ Type: "forward" as const, TargetGroupArn }];
    await network.send(new CreateListenerCommand({ LoadBalancerArn: LoadBalancers![0]!.LoadBalancerArn, Protocol: "TCP", Port: 443, DefaultActions }));
    expect([await health(), await health(), await health()]).toEqual([["initial"], ["initial"], ["healthy"]]);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    expect(await health()).not.toEqual(["healthy"]);
  });

  test("of the Classic kind has an instance out of service until its registration is over", async () => {
    const id = await launch();
    const LoadBalancerName = "classic-health";
    await classic.send(new CreateClassicCommand({ LoadBalancerName, Listeners, Subnets: [subnetId], SecurityGroups: [groupId] }));
    await classic.send(new RegisterInstancesWithLoadBalancerCommand({ LoadBalancerName, Instances: [{ InstanceId: id }] }));
    const state = async () => (await classic.send(new DescribeInstanceHealthCommand({ LoadBalancerName }))).InstanceStates![0]!.State;
    expect([await state(), await state(), await state()]).toEqual(["OutOfService", "OutOfService", "InService"]);
  });
});

test("what was just made is not in lists and not found by its id for some looks, while AWS itself knows it", async () => {
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: "10.9.0.0/16" }));
  const VpcIds = [Vpc!.VpcId!];
  const listed = async (as: EC2Client) => (await as.send(new DescribeVpcsCommand())).Vpcs!.some(({ VpcId }) => VpcId === VpcIds[0]);
  expect(await listed(truth)).toBe(true);
  expect(await listed(ec2)).toBe(false);
  await expect(ec2.send(new DescribeVpcsCommand({ VpcIds }))).rejects.toMatchObject(errorOf("InvalidVpcID.NotFound"));
  expect(await listed(ec2)).toBe(true);
  expect((await ec2.send(new DescribeSubnetsCommand({ Filters: [{ Name: "vpc-id", Values: VpcIds }] }))).Subnets).toEqual([]);
});
