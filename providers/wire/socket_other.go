//go:build !linux

package wire

import (
	"syscall"
	"time"
)

// tcpUserTimeoutOption does nothing where the system has no TCP_USER_TIMEOUT.
func tcpUserTimeoutOption(time.Duration) func(network, address string, c syscall.RawConn) error {
	return nil
}
