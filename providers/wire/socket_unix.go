//go:build unix

package wire

import (
	"errors"
	"net"
	"syscall"
)

// socketQuiet reports whether the other side has neither closed the socket nor sent anything; true
// for what is no socket. It waits for nothing.
func socketQuiet(c net.Conn) bool {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	var b [1]byte
	quiet := false
	err = raw.Read(func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		quiet = errors.Is(err, syscall.EAGAIN) // sockets of package net never block
		return true
	})
	return err == nil && quiet
}
