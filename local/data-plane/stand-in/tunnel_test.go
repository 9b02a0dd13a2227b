package main

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// Two nodes and a third that is outside, each a network namespace without a name that ends with the test's thread.
type world struct {
	spaces map[string]netns.NsHandle
	nodes  map[string]node
}

func newWorld(t *testing.T) *world {
	runtime.LockOSThread() // never unlocked: the thread ends with its namespaces
	w := &world{map[string]netns.NsHandle{}, map[string]node{}}
	for index, name := range []string{"a", "b"} {
		space, err := netns.New()
		must(t, err)
		w.spaces[name] = space
		_, cidr, _ := net.ParseCIDR(fmt.Sprintf("10.1.%d.0/24", index))
		w.nodes[name] = node{name, net.IPv4(192, 0, 2, byte(10+index)).To4(), cidr}
	}
	w.in(t, "a")
	attributes := netlink.NewLinkAttrs()
	attributes.Name = "eth0"
	pair := &netlink.Veth{LinkAttrs: attributes, PeerName: "eth0", PeerNamespace: netlink.NsFd(w.spaces["b"])}
	must(t, netlink.LinkAdd(pair))
	for name, one := range w.nodes {
		w.in(t, name)
		link, err := netlink.LinkByName("eth0")
		must(t, err)
		must(t, netlink.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: one.address, Mask: net.CIDRMask(24, 32)}}))
		must(t, netlink.LinkSetUp(link))
	}
	return w
}

func (w *world) in(t *testing.T, name string) {
	t.Helper()
	must(t, netns.Set(w.spaces[name]))
}

func (w *world) bring(t *testing.T, name string, peers ...node) tunnel {
	t.Helper()
	w.in(t, name)
	made, err := ensureTunnel(w.nodes[name])
	must(t, err)
	must(t, ensurePeers(made, peers))
	return made
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPodsOfOneNodeReachPodsOfAnotherThroughTheTunnel(t *testing.T) {
	w := newWorld(t)
	for range 2 { // it can run again
		w.bring(t, "a", w.nodes["b"])
		w.bring(t, "b", w.nodes["a"])
	}
	listener, err := net.Listen("tcp4", "10.1.1.0:80")
	must(t, err)
	defer listener.Close()
	go func() {
		if connection, err := listener.Accept(); err == nil {
			fmt.Fprint(connection, connection.RemoteAddr())
			connection.Close()
		}
	}()
	w.in(t, "a")
	connection, err := net.DialTimeout("tcp4", "10.1.1.0:80", 3*time.Second)
	must(t, err)
	said, _ := io.ReadAll(connection)
	if !strings.HasPrefix(string(said), "10.1.0.0:") {
		t.Fatalf("seen as %s, not as of the node's pod CIDR", said)
	}
	if link, _ := netlink.LinkByName(device); link.Attrs().MTU != 1450 {
		t.Fatalf("MTU %d", link.Attrs().MTU)
	}
}

func TestTheRouteToANodeThatIsGoneGoesToo(t *testing.T) {
	w := newWorld(t)
	made := w.bring(t, "a", w.nodes["b"])
	if routes, _ := netlink.RouteList(made.link, netlink.FAMILY_V4); len(routes) != 1 {
		t.Fatalf("%v", routes)
	}
	must(t, ensurePeers(made, nil))
	if routes, _ := netlink.RouteList(made.link, netlink.FAMILY_V4); len(routes) != 0 {
		t.Fatalf("%v", routes)
	}
}

func TestWithoutTheNodesAddressThereIsNoTunnel(t *testing.T) {
	w := newWorld(t)
	w.in(t, "a")
	if _, err := ensureTunnel(w.nodes["b"]); err == nil || !strings.Contains(err.Error(), "192.0.2.11") {
		t.Fatalf("%v", err)
	}
}

func TestPodsAreMasqueradedOutsideOnlyAndByOneRule(t *testing.T) {
	w := newWorld(t)
	w.in(t, "a")
	for range 2 {
		must(t, ensureMasquerade(w.nodes["a"].podCIDR, "eth0"))
	}
	connection, err := nftables.New()
	must(t, err)
	ours := &nftables.Table{Family: nftables.TableFamilyIPv4, Name: table}
	rules, err := connection.GetRules(ours, &nftables.Chain{Name: "postrouting", Table: ours})
	must(t, err)
	if len(rules) != 1 {
		t.Fatalf("%d rules", len(rules))
	}
	// A pod's address on the node itself: outside it is the node's, in the tunnel it stays.
	pod := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "pod"}}
	must(t, netlink.LinkAdd(pod))
	must(t, netlink.AddrAdd(pod, &netlink.Addr{IPNet: &net.IPNet{IP: net.IPv4(10, 1, 0, 5), Mask: net.CIDRMask(32, 32)}}))
	must(t, netlink.LinkSetUp(pod))
	if seen := w.seenFrom(t, "192.0.2.11:81"); !strings.HasPrefix(seen, "192.0.2.10:") {
		t.Fatalf("outside it was seen as %s", seen)
	}
	w.bring(t, "b", w.nodes["a"])
	w.bring(t, "a", w.nodes["b"])
	if seen := w.seenFrom(t, "10.1.1.0:81"); !strings.HasPrefix(seen, "10.1.0.5:") {
		t.Fatalf("in the tunnel it was seen as %s", seen)
	}
}

// seenFrom tells as whom b sees what a's pod sends to an address of b's.
func (w *world) seenFrom(t *testing.T, address string) string {
	t.Helper()
	w.in(t, "b")
	listener, err := net.Listen("tcp4", address)
	must(t, err)
	defer listener.Close()
	seen := make(chan string, 1)
	go func() {
		if connection, err := listener.Accept(); err == nil {
			seen <- connection.RemoteAddr().String()
		}
	}()
	w.in(t, "a")
	dialer := net.Dialer{Timeout: 3 * time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(10, 1, 0, 5)}}
	_, err = dialer.Dial("tcp4", address)
	must(t, err)
	return <-seen
}
