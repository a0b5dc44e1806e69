//go:build !unix

package wire

import "net"

// socketQuiet is false where the system cannot be asked: then no connection is used twice.
func socketQuiet(net.Conn) bool { return false }
