package main

import (
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	device = "clowder-vxlan"
	vni    = 4097
	// Calico's port, which the cluster's security groups open between nodes.
	port = 4789
	// Outer Ethernet, IPv4, UDP and VXLAN headers.
	overhead = 50
)

type tunnel struct {
	link    netlink.Link
	outside netlink.Link
	mtu     int
}

// ensureTunnel makes the VXLAN device on top of the link that has the node's address.
func ensureTunnel(own node) (tunnel, error) {
	outside, err := linkWith(own.address)
	if err != nil {
		return tunnel{}, err
	}
	mtu := outside.Attrs().MTU - overhead
	link, err := netlink.LinkByName(device)
	if err != nil {
		attributes := netlink.NewLinkAttrs()
		attributes.Name, attributes.MTU, attributes.HardwareAddr = device, mtu, hardwareAddress(own.address)
		made := &netlink.Vxlan{LinkAttrs: attributes, VxlanId: vni, Port: port, SrcAddr: own.address, VtepDevIndex: outside.Attrs().Index}
		if err := netlink.LinkAdd(made); err != nil {
			return tunnel{}, fmt.Errorf("making %s: %w", device, err)
		}
		link = made
	}
	// The source address of what a host sends to other nodes' pods; within its pod CIDR, so that the answer comes back here.
	address := &netlink.Addr{IPNet: &net.IPNet{IP: own.podCIDR.IP, Mask: net.CIDRMask(32, 32)}}
	if err := netlink.AddrReplace(link, address); err != nil {
		return tunnel{}, fmt.Errorf("address of %s: %w", device, err)
	}
	return tunnel{link, outside, mtu}, netlink.LinkSetUp(link)
}

func linkWith(address net.IP) (netlink.Link, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, err
	}
	for _, link := range links {
		addresses, err := netlink.AddrList(link, netlink.FAMILY_V4)
		if err != nil {
			return nil, err
		}
		for _, one := range addresses {
			if one.IP.Equal(address) {
				return link, nil
			}
		}
	}
	return nil, fmt.Errorf("no link has the node's address %s", address)
}

// hardwareAddress of a node's tunnel end: every node works out every other's, so none has to be told.
func hardwareAddress(address net.IP) net.HardwareAddr {
	v4 := address.To4()
	return net.HardwareAddr{0x02, 0xc1, v4[0], v4[1], v4[2], v4[3]}
}

// ensurePeers routes each peer's pod CIDR through the tunnel and forgets the routes of nodes that are gone.
func ensurePeers(to tunnel, peers []node) error {
	index := to.link.Attrs().Index
	wanted := map[string]bool{}
	for _, peer := range peers {
		wanted[peer.podCIDR.String()] = true
		gateway, mac := peer.podCIDR.IP, hardwareAddress(peer.address)
		forwarding := netlink.Neigh{LinkIndex: index, Family: unix.AF_BRIDGE, State: netlink.NUD_PERMANENT, Flags: netlink.NTF_SELF, IP: peer.address, HardwareAddr: mac}
		neighbour := netlink.Neigh{LinkIndex: index, Family: unix.AF_INET, State: netlink.NUD_PERMANENT, IP: gateway, HardwareAddr: mac}
		for _, entry := range []netlink.Neigh{forwarding, neighbour} {
			if err := netlink.NeighSet(&entry); err != nil {
				return fmt.Errorf("neighbour %s: %w", peer.name, err)
			}
		}
		route := netlink.Route{LinkIndex: index, Dst: peer.podCIDR, Gw: gateway, Flags: int(netlink.FLAG_ONLINK)}
		if err := netlink.RouteReplace(&route); err != nil {
			return fmt.Errorf("route to %s: %w", peer.name, err)
		}
	}
	routes, err := netlink.RouteList(to.link, netlink.FAMILY_V4)
	if err != nil {
		return err
	}
	for _, route := range routes {
		if route.Gw != nil && !wanted[route.Dst.String()] {
			if err := netlink.RouteDel(&route); err != nil {
				return err
			}
		}
	}
	return nil
}
