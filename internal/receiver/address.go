package receiver

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"

	"code.dny.dev/ssrf"
)

// ErrForbidden is an address that a receiver may not have.
var ErrForbidden = errors.New("an address that no receiver may have: of this machine or of a private network (allow_private allows those), or one with a special purpose")

// ErrPlain is a public address behind http://.
var ErrPlain = errors.New("a public address, for which http:// is not allowed")

// private are the networks that AllowPrivate allows: loopback, private, shared (100.64.0.0/10) and
// unique local addresses. Link-local ones, at which clouds hand out credentials, are not among
// them.
func private() []netip.Prefix {
	return prefixes("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7")
}

// metadata are the addresses within private at which clouds hand out credentials, too: of Amazon
// (with all that it keeps there), Google and Alibaba.
func metadata() []netip.Prefix {
	return prefixes("fd00:ec2::/32", "fd20:ce::254/128", "100.100.100.200/32")
}

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// CheckAddress refuses an address at which this receiver may not be; nil where it may.
func (r Receiver) CheckAddress(a netip.Addr) error {
	a = a.Unmap().WithZone("")
	in := func(all []netip.Prefix) bool {
		return slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	switch {
	case r.AllowPrivate && in(private()) && !in(metadata()):
		return nil
	case ssrf.New(ssrf.WithAnyPort()).SafeAddr(a) != nil:
		return ErrForbidden
	case r.URL.Scheme != "https":
		return ErrPlain
	}
	return nil
}

// Control is for net.Dialer: it refuses a connection after the name was resolved, right before it
// is made, so that no name can stand for another address when it counts.
func (r Receiver) Control(network, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return ErrForbidden
	}
	return r.CheckAddress(at.Addr())
}
