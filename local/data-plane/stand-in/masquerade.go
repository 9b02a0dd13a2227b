package main

import (
	"bytes"
	"net"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
)

const table = "clowder-stand-in"

// ensureMasquerade gives what pods send outside the tunnel their node's address: the network knows no pods, nor does its
// source/destination check. In nft's words: ip saddr PODS oifname OUTSIDE masquerade.
func ensureMasquerade(pods *net.IPNet, outside string) error {
	connection, err := nftables.New()
	if err != nil {
		return err
	}
	ours := &nftables.Table{Family: nftables.TableFamilyIPv4, Name: table}
	if found, err := connection.ListTableOfFamily(table, nftables.TableFamilyIPv4); err == nil && found != nil {
		return nil
	}
	connection.AddTable(ours)
	chain := connection.AddChain(&nftables.Chain{
		Name: "postrouting", Table: ours, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource,
	})
	name := append([]byte(outside), bytes.Repeat([]byte{0}, 16-len(outside))...)
	const sourceOffset, addressLength = 12, 4
	connection.AddRule(&nftables.Rule{Table: ours, Chain: chain, Exprs: []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: sourceOffset, Len: addressLength},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: addressLength, Mask: pods.Mask, Xor: binaryutil.NativeEndian.PutUint32(0)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: pods.IP.To4()},
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: name},
		&expr.Masq{},
	}})
	return connection.Flush()
}
