import type { Instance, IpPermission, NetworkInterface } from "@aws-sdk/client-ec2";
import type { Account } from "../../../local/vpc/account";

const VpcId = "vpc-0a";
const from = (protocol: string, ports: [number, number] | undefined, peer: string): IpPermission => ({
  IpProtocol: protocol,
  ...(ports && { FromPort: ports[0], ToPort: ports[1] }),
  ...(peer.startsWith("sg-") ? { UserIdGroupPairs: [{ GroupId: peer }] } : { IpRanges: [{ CidrIp: peer }] }),
});
const everywhere = [from("-1", undefined, "0.0.0.0/0")];

/** A machine as moto describes it. */
export const machine = (id: string, PrivateIpAddress: string, group: string, more: Partial<Instance> & { publicIp?: string } = {}): Instance => {
  const { publicIp, ...rest } = more;
  const Association = publicIp ? { PublicIp: publicIp } : undefined;
  return {
    InstanceId: id,
    VpcId,
    PrivateIpAddress,
    PrivateDnsName: `ip-${PrivateIpAddress.replaceAll(".", "-")}.ec2.internal`,
    ImageId: "ami-0focal",
    InstanceType: "t3.medium",
    Architecture: "x86_64",
    LaunchTime: new Date("2026-11-25T10:00:00Z"),
    KeyName: "cluster",
    RootDeviceName: "/dev/sda1",
    AmiLaunchIndex: 0,
    Placement: { AvailabilityZone: "us-east-1a" },
    MetadataOptions: { HttpEndpoint: "enabled", HttpTokens: "required", HttpPutResponseHopLimit: 1, InstanceMetadataTags: "disabled" },
    SourceDestCheck: true,
    ...(publicIp && { PublicIpAddress: publicIp, PublicDnsName: "ec2-54-214-0-4.compute-1.amazonaws.com" }),
    NetworkInterfaces: [
      {
        NetworkInterfaceId: `eni-${id}`,
        SubnetId: "subnet-0a",
        VpcId,
        MacAddress: `02:00:00:00:00:${PrivateIpAddress.split(".")[3]!.padStart(2, "0")}`,
        PrivateIpAddress,
        PrivateIpAddresses: [{ Primary: true, PrivateIpAddress, ...(Association && { Association }) }],
        Groups: [{ GroupId: group, GroupName: group.replace("sg-", "group of ") }],
        SourceDestCheck: true,
        Attachment: { DeviceIndex: 0, Status: "attached" },
        ...(Association && { Association }),
      },
    ],
    ...rest,
  };
};

const balancerInterface = (id: string, Description: string, PrivateIpAddress: string, groups: string[], publicIp?: string): NetworkInterface => ({
  NetworkInterfaceId: id,
  Description,
  SubnetId: "subnet-0a",
  VpcId,
  MacAddress: `02:00:00:00:00:${PrivateIpAddress.split(".")[3]!.padStart(2, "0")}`,
  PrivateIpAddress,
  Groups: groups.map((GroupId) => ({ GroupId })),
  SourceDestCheck: true,
  ...(publicIp && { Association: { PublicIp: publicIp } }),
});

/** A control plane that forwards for pods, a worker without a public address, a Classic load balancer that faces the internet and a Network one inside. */
export const sampleAccount = (): Account => ({
  vpcs: [{ VpcId, CidrBlock: "172.20.0.0/16" }],
  subnets: [{ SubnetId: "subnet-0a", VpcId, CidrBlock: "172.20.32.0/19" }],
  routeTables: [
    { VpcId, Associations: [{ Main: true }], Routes: [{ DestinationCidrBlock: "172.20.0.0/16", GatewayId: "local" }] },
    {
      VpcId,
      Associations: [{ Main: false, SubnetId: "subnet-0a" }],
      Routes: [
        { DestinationCidrBlock: "172.20.0.0/16", GatewayId: "local" },
        { DestinationCidrBlock: "0.0.0.0/0", GatewayId: "igw-0a" },
      ],
    },
  ],
  gateways: [{ InternetGatewayId: "igw-0a", Attachments: [{ VpcId, State: "available" as "attached" }] }],
  groups: [
    {
      GroupId: "sg-planes",
      VpcId,
      IpPermissions: [
        from("-1", undefined, "sg-planes"),
        from("tcp", [1, 2379], "sg-nodes"),
        from("4", undefined, "sg-nodes"),
        from("tcp", [6443, 6443], "sg-front"),
        from("tcp", [22, 22], "192.0.2.0/24"),
        from("tcp", [22, 22], "sg-of-a-peered-vpc"),
      ],
      IpPermissionsEgress: everywhere,
    },
    { GroupId: "sg-nodes", VpcId, IpPermissions: [from("udp", [-1, -1], "sg-planes"), from("icmp", [-1, -1], "0.0.0.0/0")], IpPermissionsEgress: [from("tcp", [443, 443], "sg-front")] },
    { GroupId: "sg-front", VpcId, IpPermissions: [from("tcp", [443, 443], "0.0.0.0/0"), from("icmp", [3, 4], "0.0.0.0/0")], IpPermissionsEgress: everywhere },
  ],
  instances: [
    machine("i-plane", "172.20.32.4", "sg-planes", { publicIp: "54.214.0.4", SourceDestCheck: false }),
    machine("i-node", "172.20.32.10", "sg-nodes"),
  ],
  balancerInterfaces: [
    balancerInterface("eni-api", "ELB api", "172.20.32.5", ["sg-front"], "54.214.0.5"),
    balancerInterface("eni-net", "ELB net/net/50dc6c495c0c9188", "172.20.32.6", ["sg-front"]),
  ],
  classic: [
    {
      LoadBalancerName: "api",
      DNSName: "API-1.us-east-1.elb.amazonaws.com",
      VPCId: VpcId,
      SecurityGroups: ["sg-front"],
      Scheme: "internet-facing",
      ListenerDescriptions: [{ Listener: { Protocol: "TCP", LoadBalancerPort: 443, InstancePort: 6443 } }],
      HealthCheck: { Target: "SSL:6443", Interval: 10, Timeout: 5, HealthyThreshold: 2, UnhealthyThreshold: 2 },
      Instances: [{ InstanceId: "i-plane" }, { InstanceId: "i-that-has-ended" }],
    },
  ],
  network: [
    {
      balancer: {
        LoadBalancerName: "net",
        LoadBalancerArn: "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/net/net/50dc6c495c0c9188",
        DNSName: "net-1.elb.us-east-1.amazonaws.com",
        Scheme: "internal",
      },
      listeners: [{ Port: 80, DefaultActions: [{ Type: "forward", TargetGroupArn: "arn:tg" }] }],
      targetGroups: [
        {
          TargetGroupArn: "arn:tg",
          Port: 30080,
          HealthCheckProtocol: "HTTP",
          HealthCheckPort: "traffic-port",
          HealthCheckPath: "/healthz",
          HealthCheckIntervalSeconds: 10,
          HealthCheckTimeoutSeconds: 6,
          HealthyThresholdCount: 3,
          UnhealthyThresholdCount: 2,
          targets: [{ Id: "i-node", Port: 30081 }, { Id: "172.20.32.4" }],
        },
      ],
    },
  ],
});
